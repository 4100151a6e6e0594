"""The start of the test charge: asked for remotely, with a prompt for a vehicle that stands."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    import asyncio
    import contextlib
    from datetime import datetime, timedelta

    from activities.charge_point import ChargePointActivities
    from domain.facts import TransactionFact
    from domain.failures import FailureCode
    from domain.id_tag import tag_of
    from domain.operations import Outcome, Reply, StartTestTransaction
    from domain.rules.instead import Missed
    from domain.rules.numbers import in_words
    from domain.states import WaitingFor
    from workflows import policies
    from workflows.absence import absent
    from workflows.charge_point import NoAnswerError
    from workflows.checks.cable import ConnectorBefore, prompt_for_vehicle, wait_for_cable_or_start
    from workflows.journal import CheckFailedError, ConnectorSkippedError
    from workflows.run import Run
    from workflows.transactions import all_of, ask_to_stop, ours, strange_start

_CANCELS = 20
"""More turns of the event loop than the innermost wait of a request needs to unwind."""


async def start(run: Run, connector: int) -> TransactionFact:
    """Have the charge started, with a prompt for a vehicle that stands until it is."""
    run.ended_before = {t.transaction_id for t in all_of(run) if t.stopped_at is not None}
    run.strangers_before = set(run.inbox.transactions)
    began = workflow.now()
    begun = ours(run, connector)
    if begun is not None:
        run.journal.note("The test charge had begun before the run was started anew; it goes on.")
        return begun
    asks = _Asks(run, connector)
    run.answer = None  # to an earlier question
    asking = asyncio.create_task(asks.until_it_starts())
    try:
        await prompt_for_vehicle(run, connector, asking)
        if asking.done():
            asking.result()
    finally:
        asking.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        await cancelled(asking)
    started = ours(run, connector)
    if started is not None:
        return started
    stranger = strange_start(run, connector)
    if stranger is not None:
        raise await _started_by_itself(run, stranger)
    if run.answer is not None:
        where = f" on connector {connector}" if len(run.journal.connectors) > 1 else ""
        raise ConnectorSkippedError(
            f"{run.answer.by} skipped the test charge{where} while a vehicle was waited for: "
            f"{(run.answer.note or '').rstrip('. ')}.",
            by=run.answer.by,
        )
    missed = await _not_started(run, asks, since=began)
    if missed is not None:
        brief = strange_start(run, connector, or_ended_since=began)
        raise missed if brief is None else await _started_by_itself(run, brief)
    late = ours(run, connector)
    assert late is not None, "else it was missed"  # noqa: S101
    return late


async def _not_started(run: Run, asks: "_Asks", *, since: datetime) -> CheckFailedError | None:
    """Say why no transaction is known, after a last look; None when one is."""
    connector = asks.connector

    def came() -> bool:
        return ours(run, connector) is not None

    missed = Missed(connector_id=connector, since=since)
    if asks.rejection is not None:
        return await absent(
            run,
            FailureCode.TRANSACTION_REJECTED,
            came,
            missed,
            connector_id=connector,
            detail=asks.rejection,
        )
    return await absent(
        run,
        FailureCode.TRANSACTION_NOT_STARTED,
        came,
        missed,
        connector_id=connector,
        answered="accepted" if asks.accepted else "did not answer the request for",
        waited=in_words(run.pace.vehicle),
    )


async def _started_by_itself(run: Run, stranger: TransactionFact) -> CheckFailedError:
    """Stop what was not asked for, if it can be, and say what it is."""

    def ended() -> bool:
        return run.inbox.has_ended(stranger.transaction_id)

    run.start_expected_until.pop(stranger.connector_id, None)  # it has taken the place of ours
    if ended():
        return _not_asked_for(run, stranger, "It has ended.")
    with contextlib.suppress(NoAnswerError):
        summary = "Stop a charge that was not asked for"
        await ask_to_stop(run, stranger.transaction_id, summary=summary)
        await run.prompt(
            WaitingFor.END,
            ended,
            run.pace.stop,
            "The charge point was told to end a charge that nobody asked for, and is to say that "
            "it has.",
        )
    stopped = "It was stopped." if ended() else "It could not be stopped and goes on."
    return _not_asked_for(run, stranger, stopped)


def _not_asked_for(run: Run, stranger: TransactionFact, stopped: str) -> CheckFailedError:
    return run.fail(
        FailureCode.STARTED_BY_ITSELF,
        connector_id=stranger.connector_id,
        tagged=f"with the tag {stranger.id_tag!r}, which is not that of the test"
        if stranger.id_tag
        else "without an id tag",
        stopped=stopped,
    )


async def cancelled(task: asyncio.Task[None]) -> None:
    """Cancel it until it has ended.

    In Python 3.11 ``asyncio.wait_for`` loses a cancellation that comes with the very event that it
    waits for; the task would go on and ask for ever.
    """
    for _ in range(_CANCELS):
        if task.done():
            return
        task.cancel()
        await asyncio.sleep(0)
    await workflow.wait([task])


class _Asks:
    """Asks for the start, and again with reason; believes events, not replies."""

    def __init__(self, run: Run, connector: int) -> None:
        self._run = run
        self.connector = connector
        self.rejection: str | None = None
        """Why the newest that was answered was refused, if it was."""
        self.accepted = False

    async def until_it_starts(self) -> None:
        """Ask until a transaction runs; whoever waits for that ends it when the time is over."""
        run, number = self._run, 0
        while ours(run, self.connector) is None:
            number += 1
            # A cable that goes in from here on, be it before the answer, may be too late for this.
            before = ConnectorBefore(run, self.connector)
            expected_until = run.start_expected_until.get(self.connector)
            outcome = await _ask_for_start(run, self.connector, number)
            refused = outcome.reply in {Reply.REJECTED, Reply.NOT_SUPPORTED, Reply.ERROR}
            if not refused:
                if outcome.reply not in {Reply.UNKNOWN, Reply.TIMEOUT}:
                    self.rejection, self.accepted = None, True
                run.start_expected_until[self.connector] = workflow.now() + run.pace.start
            else:
                # One that was taken may be why this one was not.
                run.start_expected_until.pop(self.connector, None)
                if expected_until is not None:
                    run.start_expected_until[self.connector] = expected_until
                self.rejection = None if expected_until and self.accepted else outcome.said
            if refused and number > 1:
                # It may report a cable anew with each start that it refuses.
                await run.wait(
                    lambda: ours(run, self.connector) is not None,
                    policies.START_PAUSE,
                    why="Pause before a start",
                )
            # It may never have arrived, and no vehicle that is there would tell.
            lost = outcome.reply is Reply.UNKNOWN
            patience = run.pace.start if lost else run.pace.vehicle_prompt
            await wait_for_cable_or_start(run, before, remembered=not refused, patience=patience)


async def _ask_for_start(run: Run, connector: int, attempt: int) -> Outcome:
    # Should the run end meanwhile.
    run.start_expected_until[connector] = workflow.now() + run.pace.start
    return await run.charge_point.call(
        ChargePointActivities.start_test_transaction,
        StartTestTransaction(
            charge_point_id=run.request.charge_point_id,
            commissioning_id=run.request.commissioning_id,
            intent=f"{run.request.commissioning_id}:start:{connector}:{attempt}",
            connector_id=connector,
            id_tag=tag_of(run.briefing.id_tag, connector),
        ),
        summary=f"Start a test charge on connector {connector}",
    )


async def late_start(run: Run) -> None:
    """Wait for the transactions of starts that were asked for just before the run came to its end.

    Nobody would stop them any more.
    """
    pending = [one for one in run.start_expected_until if ours(run, one) is None]
    for connector in pending:
        left = run.start_expected_until[connector] - workflow.now()
        if left > timedelta(0):
            await run.prompt(
                WaitingFor.START,
                lambda connector=connector: ours(run, connector) is not None,  # type: ignore[misc]
                left,
                "The test charge that was asked for may start yet; then it is stopped.",
            )
    if any(ours(run, connector) is None for connector in pending):
        await run.look_again()
