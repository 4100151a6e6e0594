"""The start of the test charge: asked for remotely, with a prompt for a vehicle that stands."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    import asyncio
    import contextlib
    from datetime import datetime, timedelta

    from activities.charge_point import ChargePointActivities
    from domain.facts import TransactionFact
    from domain.failures import FailureCode
    from domain.id_tag import is_for_connector, is_of_run, tag_of
    from domain.operations import Outcome, Reply, StartTestTransaction, StopTestTransaction
    from domain.rules.instead import Missed
    from domain.rules.numbers import in_words
    from domain.states import ConnectorStatus, InstallerAnswer, WaitingFor
    from workflows import policies
    from workflows.absence import absent
    from workflows.charge_point import NoAnswerError
    from workflows.foreign_transactions import foreign_transactions
    from workflows.inbox import PLUGGED_IN
    from workflows.journal import CheckFailedError, ConnectorSkippedError
    from workflows.run import Run

_READY = PLUGGED_IN | {ConnectorStatus.AVAILABLE}
_CANCELS = 20
"""More turns of the event loop than the innermost wait of a request needs to unwind."""


async def start(run: Run, connector: int) -> TransactionFact:
    """Have the charge started, with a prompt for a vehicle that stands until it is."""
    run.ended_before = {t.transaction_id for t in _all_of(run) if t.stopped_at is not None}
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
        await _prompt_for_vehicle(run, connector, asking)
        if asking.done():
            asking.result()
    finally:
        asking.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        await cancelled(asking)
    started = ours(run, connector)
    if started is not None:
        return started
    stranger = _stranger(run, connector)
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
        brief = _stranger(run, connector, or_ended_since=began)
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


def _stranger(
    run: Run, connector: int, *, or_ended_since: datetime | None = None
) -> TransactionFact | None:
    """Return a charge on the connector that began while ours was asked for, with another tag."""
    return next(iter(foreign_transactions(run, on=connector, since=or_ended_since)), None)


async def _started_by_itself(run: Run, stranger: TransactionFact) -> CheckFailedError:
    """Stop what was not asked for, if it can be, and say what it is."""

    def ended() -> bool:
        return run.inbox.transactions[stranger.transaction_id].stopped_at is not None

    run.start_expected_until.pop(stranger.connector_id, None)  # it has taken the place of ours
    if ended():
        return _not_asked_for(run, stranger, "It has ended.")
    with contextlib.suppress(NoAnswerError):
        await run.charge_point.call(
            ChargePointActivities.stop_test_transaction,
            StopTestTransaction(
                charge_point_id=run.request.charge_point_id,
                commissioning_id=run.request.commissioning_id,
                transaction_id=stranger.transaction_id,
            ),
            summary="Stop a charge that was not asked for",
        )
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


async def _prompt_for_vehicle(run: Run, connector: int, asking: asyncio.Task[None]) -> None:
    """Until the charge has started, the time is over, or somebody skips it."""
    began = workflow.now()

    def over() -> bool:
        strange = _stranger(run, connector) is not None
        return asking.done() or run.answer is not None or strange

    if _is_plugged_in(run, connector):
        await run.prompt(
            WaitingFor.START,
            lambda: over() or not _is_plugged_in(run, connector),
            min(run.pace.start, run.pace.vehicle),
            f"A cable is in connector {connector}; the charge point is to start the test charge.",
            answers=(InstallerAnswer.SKIP,),
        )
    if not over():
        await run.prompt(
            WaitingFor.VEHICLE,
            over,
            began + run.pace.vehicle - workflow.now(),
            f"Plug a vehicle or a tester into connector {connector}"
            + (" anew." if _is_plugged_in(run, connector) else ".")
            + _said_of_the_one_before(run, connector),
            answers=(InstallerAnswer.SKIP,),
            since=began,
        )


def _said_of_the_one_before(run: Run, connector: int) -> str:
    """Tell a tester who waits at the connector before that it is done with."""
    before = [
        test.connector_id
        for test in run.journal.connectors
        if test.connector_id != connector and test.ended_at is not None and test.started_at
    ]
    return f" The test of connector {before[-1]} has ended." if before else ""


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
            before = _Before(run, self.connector)
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
            await _until_there_is_reason(run, before, remembered=not refused, patience=patience)


class _Before:
    """What was known of the connector before a start was asked for."""

    def __init__(self, run: Run, connector: int) -> None:
        self._inbox = run.inbox
        self.connector = connector
        self._freed = run.inbox.freed[connector]
        self._boots = run.inbox.restart_mark()
        self._busy = {
            number
            for number, fact in run.inbox.connectors.items()
            if number >= 1 and fact.status not in _READY
        }
        self.fact = run.inbox.connectors.get(connector)

    def is_plugged_in(self) -> bool:
        """Whether it has said since that a cable is in, or that it waits for one."""
        now = self._inbox.connectors.get(self.connector)
        if now is None or now.status not in PLUGGED_IN:
            return False
        return now != self.fact or self._inbox.freed[self.connector] > self._freed

    def makes_room(self) -> bool:
        """Whether a connector is ready that was not: they may share an outlet, or its power."""
        return any(self._inbox.connectors[number].status in _READY for number in self._busy)

    def is_void(self) -> bool:
        """Whether it has shown since that it remembers the start no more."""
        return self._inbox.freed[self.connector] > self._freed or self._inbox.restarted_since(
            self._boots
        )

    def take(self) -> None:
        """Take what it says now for known."""
        self.fact = self._inbox.connectors.get(self.connector)


async def _until_there_is_reason(
    run: Run, before: _Before, *, remembered: bool, patience: timedelta
) -> None:
    """Wait until a transaction runs, or there is a reason to ask for it once more.

    A cable is one, unless the charge point still remembers the start and begins by itself. Its own
    time-out tells for how long it does, and a connector that is available again that it does not.
    After a refusal one is also a connector that was in use and is free now.
    Time is another, for not each charge point tells of a cable.
    """
    asked_at = workflow.now()
    until = asked_at + patience
    remembers_until = asked_at + (run.connection_timeout or run.pace.start)

    def runs() -> bool:
        return ours(run, before.connector) is not None

    async def plugged_in() -> bool:
        left = until - workflow.now()
        return await run.wait(
            lambda: runs() or before.is_plugged_in() or (not remembered and before.makes_room()),
            left,
            why="Wait for a cable, or for the start",
        )

    while until > workflow.now() and await plugged_in():
        if runs() or not remembered or before.is_void() or workflow.now() > remembers_until:
            return
        before.take()
        if workflow.now() - asked_at < policies.START_ANNOUNCED:
            # It may have told of the start alone: the cable, if there is none, is yet to come.
            until = min(until, remembers_until)
            continue
        follows = run.pace.start if run.connection_timeout else policies.START_FOLLOWS
        await run.wait(
            lambda: runs() or before.is_void(),
            min(follows, until - workflow.now()),
            why="Wait for the start that waited for the cable",
        )
        if runs() or not before.is_void():
            return
        before.take()  # the cable was taken out


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


def _is_plugged_in(run: Run, connector: int) -> bool:
    fact = run.inbox.connectors.get(connector)
    return fact is not None and fact.status in PLUGGED_IN


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


def ours(run: Run, connector: int) -> TransactionFact | None:
    """Return the run's test transaction on that connector, running or ended.

    A run that begins anew, as Temporal has lost it, has perhaps more than one: what runs goes on.
    """
    mine = [
        t
        for t in _all_of(run)
        if t.transaction_id not in run.ended_before and is_test_of(run, t, connector)
    ]
    return next((t for t in mine if t.stopped_at is None), mine[0] if mine else None)


def is_test_of(run: Run, transaction: TransactionFact, connector: int) -> bool:
    """Tell whether a transaction of the run is the test charge on that connector.

    By its tag it is, wherever it runs; and it is where it runs there, for a charge point may take
    the tag of the start that was asked for on another connector.
    """
    named = is_for_connector(
        transaction.id_tag, run_tag=run.briefing.id_tag, connector_id=connector
    )
    return named or transaction.connector_id == connector


def _all_of(run: Run) -> list[TransactionFact]:
    known, tag = run.inbox.transactions.values(), run.briefing.id_tag
    return [t for t in known if is_of_run(t.id_tag, open_run_tag=tag)]
