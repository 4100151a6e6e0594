"""test_transaction: a real charge is started remotely, metered, stopped and checked."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from activities.charge_point import ChargePointActivities
    from activities.records import RecordActivities
    from domain.facts import ConnectorFact, TransactionFact
    from domain.failures import FailureCode
    from domain.operations import (
        Outcome,
        Reply,
        StartTestTransaction,
        StopTestTransaction,
        TriggerMessage,
    )
    from domain.rules.metering import judge_metering
    from domain.states import ConnectorStatus, InstallerAnswer, WaitingFor
    from workflows import policies
    from workflows.calls import record
    from workflows.charge_point import NoAnswerError
    from workflows.journal import CheckFailedError, CheckSkippedError
    from workflows.run import Run, in_words

_PLUGGED_IN = {ConnectorStatus.PREPARING, ConnectorStatus.OCCUPIED}


async def charge(run: Run) -> None:
    """Run the check on the first connector. Whatever happens, the transaction is stopped."""
    connector = min((number for number in run.inbox.connectors if number >= 1), default=1)
    run.journal.evidence({"connector_id": connector, "id_tag": run.briefing.id_tag})
    started = await _start(run, connector)
    run.journal.step(
        "started",
        f"Transaction {started.transaction_id} started on connector {started.connector_id}.",
        {"transaction_id": started.transaction_id, "meter_start_wh": started.meter_start},
    )
    if started.connector_id == connector:
        await _collect_meter_values(run, started.transaction_id)
    stopped_by_itself = run.inbox.transactions[started.transaction_id].stopped_at is not None
    if not await stop(run, started.transaction_id):
        raise run.fail(FailureCode.TRANSACTION_NOT_STOPPED, connector_id=started.connector_id)
    stopped = run.inbox.transactions[started.transaction_id]
    run.journal.step(
        "stopped",
        f"Transaction {stopped.transaction_id} stopped"
        + (f" ({stopped.stop_reason})." if stopped.stop_reason else "."),
        {"meter_stop_wh": stopped.meter_stop},
    )
    if started.connector_id != connector:
        raise run.fail(FailureCode.WRONG_CONNECTOR, asked=connector, used=started.connector_id)
    if stopped_by_itself:
        raise run.fail(
            FailureCode.TRANSACTION_ENDED_EARLY,
            connector_id=connector,
            reason=stopped.stop_reason or "no reason given",
        )
    await _verify(run, stopped)


def open_transactions(run: Run) -> list[TransactionFact]:
    """Transactions of this run that have not ended."""
    return [
        transaction
        for transaction in run.inbox.transactions.values()
        if transaction.id_tag == run.briefing.id_tag and transaction.stopped_at is None
    ]


async def late_start(run: Run) -> None:
    """Wait for the transaction of a start that was asked for just before the run came to its end.

    Nobody would stop it any more.
    """
    if run.start_expected_until is None or _ours(run) is not None:
        return
    left = run.start_expected_until - workflow.now()
    if left > timedelta(0):
        await run.wait(lambda: _ours(run) is not None, left, why="Wait for a late start")


def _ours(run: Run) -> TransactionFact | None:
    tag = run.briefing.id_tag
    return next((t for t in run.inbox.transactions.values() if t.id_tag == tag), None)


async def _start(run: Run, connector: int) -> TransactionFact:
    """Ask for the start, prompt for a vehicle, ask again; believe events, not replies."""
    began = workflow.now()
    deadline = began + run.pace.vehicle
    attempt = 0
    rejection: str | None = None
    while True:
        attempt += 1
        # A cable that goes in from here on, be it before the answer, may be too late for this ask.
        before = run.inbox.connectors.get(connector)
        expected_until = run.start_expected_until
        outcome = await _ask_for_start(run, connector, attempt)
        refused = outcome.reply in {Reply.REJECTED, Reply.NOT_SUPPORTED, Reply.ERROR}
        if not refused:
            rejection = None
            run.start_expected_until = workflow.now() + run.pace.start
        else:
            # One that was taken may be why this one was not.
            run.start_expected_until = expected_until
            rejection = None if expected_until else outcome.detail or outcome.reply
        # It may never have arrived, and no vehicle that is there would tell.
        lost = outcome.reply is Reply.UNKNOWN
        if attempt == 1 or lost:
            await late_start(run)
        if _ours(run) is None and not lost and workflow.now() < deadline:
            await _wait_for_vehicle(run, connector, before, began)
        started = _ours(run)
        if started is not None:
            return started
        if workflow.now() >= deadline:
            break
        if refused and attempt > 1:
            # It may report a cable anew with each start that it refuses.
            await run.wait(
                lambda: _ours(run) is not None, policies.START_PAUSE, why="Pause before a start"
            )
    if rejection is not None:
        raise run.fail(FailureCode.TRANSACTION_REJECTED, connector_id=connector, detail=rejection)
    raise run.fail(
        FailureCode.TRANSACTION_NOT_STARTED,
        connector_id=connector,
        waited=in_words(run.pace.vehicle),
    )


async def _ask_for_start(run: Run, connector: int, attempt: int) -> Outcome:
    run.start_expected_until = workflow.now() + run.pace.start  # should the run end meanwhile
    return await run.charge_point.call(
        ChargePointActivities.start_test_transaction,
        StartTestTransaction(
            charge_point_id=run.request.charge_point_id,
            commissioning_id=run.request.commissioning_id,
            intent=f"{run.request.commissioning_id}:start:{attempt}",
            connector_id=connector,
            id_tag=run.briefing.id_tag,
        ),
        summary=f"Start a test charge on connector {connector}",
    )


async def _wait_for_vehicle(
    run: Run, connector: int, before: ConnectorFact | None, began: datetime
) -> None:
    """Until a cable is plugged in anew, a transaction starts, or the time of one prompt is over.

    The charge point may have forgotten the start by then.
    """
    deadline = began + run.pace.vehicle

    def plugged_in() -> bool:
        now = run.inbox.connectors.get(connector)
        return now is not None and now != before and now.status in _PLUGGED_IN

    await run.prompt(
        WaitingFor.VEHICLE,
        lambda: plugged_in() or _ours(run) is not None or run.answer is not None,
        min(run.pace.vehicle_prompt, deadline - workflow.now()),
        f"Plug a vehicle or a tester into connector {connector}.",
        answers=(InstallerAnswer.SKIP,),
        part_of=(began, deadline),
    )
    if run.answer is not None and _ours(run) is None:
        raise CheckSkippedError(
            f"{run.answer.by} skipped the test charge while a vehicle was waited for: "
            f"{run.answer.note}"
        )
    if plugged_in():
        await late_start(run)  # the start that was asked for may have waited for the cable


async def _collect_meter_values(run: Run, transaction_id: int) -> None:
    """Charge until the register has moved and enough samples came, within bounds."""
    began = workflow.now()

    def ended() -> bool:
        return run.inbox.transactions[transaction_id].stopped_at is not None

    def enough() -> bool:
        registers = [m.energy_wh for m in run.inbox.meter_values if m.energy_wh is not None]
        return (
            len(run.inbox.meter_values) >= policies.METER_EVENTS_WANTED
            and len(registers) > 1
            and max(registers) > min(registers)
            and workflow.now() - began >= run.pace.charge_at_least
        )

    patience = run.pace.meter
    while not (ended() or enough()) and workflow.now() - began < run.pace.charge_at_most:
        heard = len(run.inbox.meter_values)
        if heard >= policies.METER_EVENTS_WANTED:
            # A stuck register: asked ever more seldom, so that its history stays small.
            patience = min(2 * patience, policies.METER_PATIENCE * run.pace.meter)
        if not await run.wait(
            lambda heard=heard: ended() or len(run.inbox.meter_values) > heard,  # type: ignore[misc]
            patience,
            why="Wait for meter values",
        ):
            await run.trigger(TriggerMessage.METER_VALUES)


async def stop(run: Run, transaction_id: int) -> bool:
    """Stop a transaction, a few times; False when it still runs."""

    def ended() -> bool:
        return run.inbox.transactions[transaction_id].stopped_at is not None

    if not await _told_to_stop(run, transaction_id, ended):
        run.not_stopped.add(transaction_id)
    return ended()


async def _told_to_stop(run: Run, transaction_id: int, ended: Callable[[], bool]) -> bool:
    for _ in range(policies.STOP_ATTEMPTS):
        if ended():
            return True
        try:
            await run.charge_point.call(
                ChargePointActivities.stop_test_transaction,
                StopTestTransaction(
                    charge_point_id=run.request.charge_point_id,
                    commissioning_id=run.request.commissioning_id,
                    transaction_id=transaction_id,
                ),
                summary="Stop the test charge",
            )
        except NoAnswerError:
            return ended()
        await run.wait(ended, run.pace.stop, why="Wait for the end of the transaction")
    return ended()


async def _verify(run: Run, transaction: TransactionFact) -> None:
    read = await record(
        RecordActivities.read_meter_values,
        transaction.transaction_id,
        summary="Read the meter values",
    )
    verdict = judge_metering(read.transaction or transaction, read.readings)
    run.journal.evidence(verdict.evidence)
    run.journal.note(*verdict.notes)
    if verdict.failure is not None:
        raise CheckFailedError(verdict.failure)
    run.journal.step("energy", "The register moved, and the meter agrees with itself.")
