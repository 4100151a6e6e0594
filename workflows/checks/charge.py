"""test_transaction: a real charge is started remotely, metered, stopped and checked."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from collections.abc import Callable
    from datetime import datetime

    from activities.records import RecordActivities
    from domain.commissioning import NamedTransaction
    from domain.facts import TransactionFact
    from domain.failures import FailureCode
    from domain.id_tag import is_kept_whole, tag_of
    from domain.reported import StopReason
    from domain.rules.connector import describe_fault, is_harmless, name_of
    from domain.rules.instead import Missed
    from domain.rules.metering import MeterVerdict, judge_metering
    from domain.states import ConnectorStatus, WaitingFor
    from workflows import policies
    from workflows.absence import absent
    from workflows.charge_point import NoAnswerError
    from workflows.checks.meter_values import collect
    from workflows.checks.starting import start
    from workflows.journal import CheckFailedError
    from workflows.run import Run
    from workflows.temporal_calls import run_local
    from workflows.transactions import ask_to_stop


# It may come before the restart that it tells of.
_OF_A_RESTART = frozenset(
    {StopReason.HARD_RESET, StopReason.POWER_LOSS, StopReason.REBOOT, StopReason.SOFT_RESET}
)
_OF_A_CHARGE = frozenset(
    {ConnectorStatus.CHARGING, ConnectorStatus.SUSPENDED_EV, ConnectorStatus.SUSPENDED_EVSE}
)
_SAYS_NOTHING = frozenset({None, "", StopReason.OTHER})
_OF_ANOTHER_REGISTER = frozenset({FailureCode.METER_FELL, FailureCode.METER_DISAGREES})


async def charge_on(run: Run, connector: int) -> None:
    """Test one connector. Whatever happens, the transaction is stopped."""
    tag = tag_of(run.briefing.id_tag, connector)
    run.journal.evidence({"connector_id": connector, "id_tag": tag})
    run.inbox.meter_values.clear()
    run.inbox.errors.clear()
    began = workflow.now()
    link = run.inbox.generation
    started = await start(run, connector)
    run.start_expected_until.pop(connector, None)
    # Forget the faults of the time while the vehicle was waited for.
    run.inbox.forget_cleared_faults(before_start_of=started.transaction_id)
    run.journal.step(
        "started",
        f"Transaction {started.transaction_id} started on connector {started.connector_id}.",
        {"transaction_id": started.transaction_id, "meter_start_wh": started.meter_start},
    )
    if not is_kept_whole(started.id_tag, run_tag=tag):
        run.journal.note(
            f"It was told the id tag {tag} and reports {started.id_tag}: cards whose ids begin "
            "alike may be taken for one another.",
            needs_review=True,
        )
    if started.connector_id == connector:
        await collect(run, started)
    stopped_by_itself = run.inbox.has_ended(started.transaction_id)
    if not await stop(run, started.transaction_id):
        missed = await absent(
            run,
            FailureCode.TRANSACTION_NOT_STOPPED,
            lambda: run.inbox.has_ended(started.transaction_id),
            Missed(
                connector_id=started.connector_id,
                transaction_id=started.transaction_id,
                since=began,
            ),
            connector_id=started.connector_id,
        )
        if missed is not None:
            raise missed
        run.not_stopped.discard(started.transaction_id)
    stopped = run.inbox.transactions[started.transaction_id]
    # One that boots on the same link may do so as it was in Pending a moment ago.
    restarted = run.inbox.boot_generation > link
    run.journal.step(
        "stopped",
        f"Transaction {stopped.transaction_id} stopped"
        + (f" ({stopped.stop_reason})." if stopped.stop_reason else "."),
        {"meter_stop_wh": stopped.meter_stop},
    )
    if started.connector_id != connector:
        raise run.fail(FailureCode.WRONG_CONNECTOR, asked=connector, used=started.connector_id)
    await _hear_how_it_is_now(run, connector)
    _judge_status(run, connector)
    if _ended_by_restart(stopped, by_itself=stopped_by_itself, restarted=restarted):
        raise run.fail(FailureCode.RESTARTED_IN_CHARGE, connector_id=connector)
    if stopped_by_itself:
        raise run.fail(
            FailureCode.TRANSACTION_ENDED_EARLY,
            connector_id=connector,
            reason=stopped.stop_reason or f"{StopReason.LOCAL}, as no reason was given",
        )
    await _verify(run, stopped, restarted=restarted, began=began)
    error = run.inbox.errors.get(connector)
    if error is not None:
        run.journal.note(
            f"{name_of(connector)} reported an error while it was tested: {describe_fault(error)}.",
            needs_review=not is_harmless(error),
        )


def _ended_by_restart(stopped: TransactionFact, *, by_itself: bool, restarted: bool) -> bool:
    """Tell by its reason whether a restart ended it, even if it was told to stop meanwhile.

    A boot alone proves nothing: a link that was lost and came back may bring one.
    """
    reason = stopped.stop_reason
    return reason in _OF_A_RESTART or (by_itself and restarted and reason in _SAYS_NOTHING)


async def _hear_how_it_is_now(run: Run, connector: int) -> None:
    """Wait a moment for the status that follows a charge: it may be that of a fault."""

    def said() -> bool:
        fact = run.inbox.connectors.get(connector)
        charges = fact is not None and fact.status in _OF_A_CHARGE
        return not charges or not run.inbox.faults.keys().isdisjoint({0, connector})

    await run.wait(said, policies.STATUS_AFTER_CHARGE, why="Wait for the status after the charge")


def _judge_status(run: Run, connector: int) -> None:
    """Fail for a fault that was reported while it charged, whatever else went well."""
    faults = [run.inbox.faults[number] for number in (0, connector) if number in run.inbox.faults]
    if not faults:
        return
    fact = faults[-1]
    run.journal.evidence(
        {
            "fault": fact.error_code,
            "fault_vendor_code": fact.vendor_error_code,
            "fault_info": fact.info,
            "fault_status": fact.status,
        }
    )
    raise run.fail(
        FailureCode.CONNECTOR_FAULTED,
        place=name_of(fact.connector_id),
        error=f"{describe_fault(fact)} (during the test charge)",
    )


async def stop(run: Run, transaction_id: str) -> bool:
    """Stop a transaction, a few times; False when it still runs."""

    def ended() -> bool:
        return run.inbox.has_ended(transaction_id)

    if not await _told_to_stop(run, transaction_id, ended):
        run.not_stopped.add(transaction_id)
    return ended()


async def _told_to_stop(run: Run, transaction_id: str, ended: Callable[[], bool]) -> bool:
    for _ in range(policies.STOP_ATTEMPTS):
        if ended():
            return True
        try:
            await ask_to_stop(run, transaction_id, summary="Stop the test charge")
        except NoAnswerError:
            return ended()
        await run.prompt(
            WaitingFor.END,
            ended,
            run.pace.stop,
            "The charge point was told to end the test charge, and is to say that it has.",
        )
    return ended()


async def _judge_readings(run: Run, transaction: TransactionFact) -> MeterVerdict:
    read = await run_local(
        RecordActivities.readings,
        NamedTransaction(
            charge_point_id=run.request.charge_point_id, transaction_id=transaction.transaction_id
        ),
        summary="Read the meter values",
    )
    return judge_metering(read.transaction or transaction, read.readings)


def _none_came(verdict: MeterVerdict) -> bool:
    return verdict.failure is not None and verdict.failure.code == FailureCode.NO_METER_VALUES


async def _verify(
    run: Run, transaction: TransactionFact, *, restarted: bool, began: datetime
) -> None:
    verdict = await _judge_readings(run, transaction)
    if _none_came(verdict):
        # What is told later is stored later: it is read again after the look.
        missed = await absent(
            run,
            FailureCode.NO_METER_VALUES,
            lambda: False,
            Missed(
                connector_id=transaction.connector_id,
                transaction_id=transaction.transaction_id,
                since=began,
            ),
        )
        verdict = await _judge_readings(run, transaction)
        if _none_came(verdict) and missed is not None:
            raise missed
    run.journal.evidence(verdict.evidence)
    run.journal.note(*verdict.notes, needs_review=verdict.needs_review)
    if verdict.failure is not None:
        if (
            restarted and verdict.failure.code in _OF_ANOTHER_REGISTER
        ):  # that, and no fault of its meter, is why its register is another
            raise run.fail(FailureCode.RESTARTED_IN_CHARGE, connector_id=transaction.connector_id)
        raise CheckFailedError(verdict.failure)
    run.journal.step("energy", "The register moved, and the meter agrees with itself.")
    _judge_status(run, transaction.connector_id)  # it may have said so meanwhile
