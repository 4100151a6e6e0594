"""ocpp_handshake: it is the right charge point, configured, accepted, alive and in time."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from datetime import timedelta

    from activities.charge_point import ChargePointActivities
    from activities.records import RecordActivities
    from domain import operations as op
    from domain.checks import Failure
    from domain.commissioning import WhoseSerial
    from domain.devices import device_name
    from domain.facts import BootFact
    from domain.failures import FailureCode, failure
    from domain.names import HEARTBEAT_INTERVAL
    from domain.rules.configuration import (
        CONFIGURATION_STEP,
        describe_state,
        judge_configuration,
    )
    from domain.rules.connector import is_plausible
    from domain.rules.identity import judge_identity, not_read, said_serials
    from domain.rules.numbers import in_words, read_number
    from domain.rules.sampling import readings_every
    from domain.states import CheckResult, ParameterState, RegistrationStatus, WaitingFor
    from workflows import policies
    from workflows.absence import absent
    from workflows.checks.clock import judge_clock, measure_clock
    from workflows.checks.restart import not_seen, restart
    from workflows.journal import CheckFailedError
    from workflows.run import Run
    from workflows.temporal_calls import run_local


_SHORT_HEARTBEAT = 300
"""Seconds; what the advice asks for, so that one that has it already needs another."""

_LONGEST_HEARTBEAT = 30 * 86_400
"""Seconds; a number of a charge point's sizes no wait without a bound."""
_FIXED = {
    ParameterState.REJECTED,
    ParameterState.READ_ONLY,
    ParameterState.NOT_SUPPORTED,
    ParameterState.MISMATCH,
}
_NOT_RESTARTED = {FailureCode.REBOOT_REFUSED, FailureCode.REBOOT_NOT_SEEN}


async def handshake(run: Run) -> int | None:
    """Run the check; returns how many connectors it has, as declared or as it says."""
    await _identify(run)
    outcome = await configure(run, first=True)
    _judge_link(run, await _accept(run, outcome.identity))
    if not (run.clock_judged or run.request.options.run_test_transaction):
        await measure_clock(run)
    return _number_of_connectors(run, outcome)


def _number_of_connectors(run: Run, outcome: op.ConfigurationOutcome) -> int | None:
    """Return the declared number, else the reported one where that is possible."""
    declared, reported = run.registered.connectors, outcome.number_of_connectors
    said = outcome.connectors_said
    if reported is not None and not is_plausible(reported):
        said, reported = str(reported), None
    if declared is None:
        if said is not None:
            run.journal.note(
                f"It reports {said} as its number of connectors, which is not plausible: those "
                "that report a status are looked at. Declare how many it has (connectors, in PATCH "
                f"…/charge-points/{run.request.charge_point_id}) if that leaves one out."
            )
        return reported
    if said is not None or reported not in {None, declared}:
        run.journal.note(
            f"It reports {said or reported} as its number of connectors; {declared} was declared, "
            "and that counts."
        )
    return declared


async def _identify(run: Run) -> None:
    if run.inbox.boot is None or _was_another(run, run.inbox.boot):
        await _hear_a_boot(run)
    if run.inbox.boot is None:
        missed = await absent(run, FailureCode.IDENTITY_UNKNOWN, lambda: run.inbox.boot is not None)
        if missed is not None:
            raise missed
    boot = run.inbox.boot
    assert boot is not None, "else it was missed"  # noqa: S101
    problem = judge_identity(run.registered, boot)
    run.journal.evidence(
        {
            "vendor": boot.vendor,
            "model": boot.model,
            "charge_point_serial": boot.charge_point_serial,
            "charge_box_serial": boot.charge_box_serial,
            "boot_id": boot.boot_id,
        }
    )
    if problem is not None:
        raise CheckFailedError(await _of_another(run, boot) or problem)
    unsaid = not_read(run.registered, boot)
    if unsaid:
        device = device_name(run.registered.vendor, run.registered.model)
        run.journal.step("identity", f"It came to the endpoint of this {device}.")
        run.journal.evidence({"not_read": [str(field) for field in unsaid]})
        run.journal.note(*unsaid.values(), needs_review=True)
    else:
        run.journal.step(
            "identity", f"{device_name(boot.vendor, boot.model)} is the one that was registered."
        )
    run.journal.note(*boot.warnings)


async def _of_another(run: Run, boot: BootFact) -> Failure | None:
    """Tell whose serial number it reports: units that were hung in each other's bay are swapped."""
    serials = said_serials(boot.charge_point_serial, boot.charge_box_serial)
    if not serials:
        return None
    other = await run_local(
        RecordActivities.whose_serial,
        WhoseSerial(
            project_id=run.request.project_id,
            charge_point_id=run.request.charge_point_id,
            serials=tuple(serials),
        ),
        summary="Look whose serial number that is",
    )
    if other is None:
        return None
    return failure(
        FailureCode.SERIAL_OF_ANOTHER,
        reported=other.serial_number,
        place=f"in {other.place}" if other.place else "elsewhere",
        registered=run.registered.serial_number,
        other_id=other.charge_point_id,
    )


def _was_another(run: Run, boot: BootFact) -> bool:
    """Tell whether what came to this endpoint before the present connection is not the one.

    The person on site retries as soon as the right one is online, before it has said who it is.
    """
    link = run.inbox.connection
    on_this_link = link is None or boot.at >= link.at
    return not on_this_link and judge_identity(run.registered, boot) is not None


async def _hear_a_boot(run: Run) -> None:
    known = run.inbox.boot
    await run.trigger(op.TriggerKind.BOOT)
    await run.prompt(
        WaitingFor.BOOT,
        lambda: run.inbox.boot is not known,
        run.pace.boot,
        "Switch the charge point off and on again, so that it says what it is.",
    )


async def configure(run: Run, *, first: bool = False) -> op.ConfigurationOutcome:
    """Bring the configuration to what is desired, with few reboots.

    The ``first`` time, it is accepted with the same operation, and says who it is.
    """
    outcome = await _apply(run, first=first)
    reboots = 0
    while judge_configuration(run.briefing.desired, outcome.parameters).reboot:
        if reboots == policies.MAX_REBOOTS:
            break
        reboots += 1
        mark = run.inbox.restart_mark()
        try:
            seen = await restart(run)
            outcome = await _apply(run, first=first)
            if not seen and judge_configuration(run.briefing.desired, outcome.parameters).reboot:
                missed = await not_seen(run, lambda mark=mark: run.inbox.restarted_since(mark))  # type: ignore[misc]
                if missed is not None:
                    raise missed
        except CheckFailedError as error:
            if error.failure.code not in _NOT_RESTARTED or _must_restart(run, outcome):
                raise
            run.journal.note(error.failure.cause)  # a mere default is no reason to fail
            break
        if not seen:
            run.journal.step("reboot", "It restarted without breaking its link.")
    verdict = judge_configuration(run.briefing.desired, outcome.parameters, last_word=True)
    fatal = verdict.fatal
    for parameter in outcome.parameters:
        run.journal.step(
            f"{CONFIGURATION_STEP}{parameter.key}",
            describe_state(parameter),
            {
                "state": parameter.state,
                "written": parameter.written,
                "desired": parameter.desired,
            },
            # What may be refused, and is, is told by a note: the check has not failed for it.
            result=CheckResult.FAILED if parameter.key in fatal else CheckResult.PASSED,
        )
    run.journal.evidence({"keys_reported": outcome.keys_reported, "reboots": reboots})
    if verdict.failure is not None:
        raise CheckFailedError(verdict.failure)
    run.journal.note(*verdict.notes)
    return outcome


def _must_restart(run: Run, outcome: op.ConfigurationOutcome) -> bool:
    """Tell whether a chosen or a required value waits for the restart."""
    binding = {one.key for one in run.briefing.desired if one.is_binding}
    return any(
        one.state is ParameterState.PENDING_REBOOT and one.key in binding
        for one in outcome.parameters
    )


async def _apply(run: Run, *, first: bool) -> op.ConfigurationOutcome:
    """Apply the configuration; what gave no answer is asked again for a while.

    Some answer nothing for half a minute after they connected, others nothing in Pending.
    """
    until = workflow.now() + run.pace.configuration
    outcome = await _apply_once(run, first=first)
    if outcome.detail is not None and not _accepted(run.inbox.boot):
        run.journal.note(
            f"It did not tell its configuration in Pending ({outcome.detail}), so it was accepted "
            "first."
        )
        await _accept_now(run)
        await run.prompt(
            WaitingFor.BOOT,
            lambda: _accepted(run.inbox.boot),
            max(until - workflow.now(), timedelta()),
            "The charge point is to announce itself once more.",
        )
    while (outcome.detail is not None or outcome.unanswered) and workflow.now() < until:
        await run.wait(lambda: False, policies.CONFIGURATION_PAUSE, why="Pause before it is asked")
        outcome = await _apply_once(run, first=first)
    if outcome.detail is not None:
        raise run.fail(FailureCode.CONFIGURATION_UNREADABLE, detail=outcome.detail)
    _learn(run, outcome)
    return outcome


async def _apply_once(run: Run, *, first: bool) -> op.ConfigurationOutcome:
    outcome = await run.charge_point.call(
        ChargePointActivities.apply_configuration,
        op.ApplyConfiguration(
            charge_point_id=run.request.charge_point_id,
            commissioning_id=run.request.commissioning_id,
            parameters=run.briefing.desired,
            not_supported=tuple(sorted(run.not_supported)),
            restart_follows=True,
            then=run.question(*_unsaid(run)) if first else None,
        ),
        summary="Apply the configuration, accept it and measure the link"
        if first
        else "Apply the configuration",
    )
    run.reconfigured = run.reconfigured or any(p.written for p in outcome.parameters)
    run.not_supported |= frozenset(outcome.not_supported)
    return outcome


def _learn(run: Run, outcome: op.ConfigurationOutcome) -> None:
    if outcome.connection_timeout_s:  # 0 is none, or for ever
        seconds = min(outcome.connection_timeout_s, run.pace.vehicle.total_seconds())
        run.connection_timeout = timedelta(seconds=seconds)
    run.readings_every = readings_every(outcome)
    for parameter in outcome.parameters:
        if parameter.key == HEARTBEAT_INTERVAL:
            _learn_heartbeat(run, parameter)


def _learn_heartbeat(run: Run, parameter: op.ParameterOutcome) -> None:
    run.heartbeat.is_fixed = parameter.state in _FIXED
    text = parameter.reported
    if text is None and parameter.state is ParameterState.UNCONFIRMED:
        text = parameter.desired
    value = read_number(text)
    run.heartbeat.has_s = (
        int(min(value, _LONGEST_HEARTBEAT)) if value is not None and value >= 1 else None
    )


async def _accept_now(run: Run) -> None:
    await run_local(
        RecordActivities.accept_charge_point,
        run.request.charge_point_id,
        summary="Accept the charge point",
    )


async def _accept(run: Run, identity: op.Identity | None) -> op.Identity:
    """Have its boots accepted from now on; wait for one that was, and for a heartbeat."""
    # In Pending it boots again by itself after the interval; asking is faster.
    if identity is not None:
        run.take(identity)
    else:
        await _accept_now(run)
        identity = await run.identify(*_unsaid(run))
    if _unsaid(run):
        await _wait_for_what_is_unsaid(run)
        identity = await run.identify()  # the clock counts after the answer to the boot
    run.journal.step("accepted", "Its BootNotification was answered Accepted.")
    if _is_alive(run):
        run.journal.step("heartbeat", "A heartbeat arrived.")
    return identity


async def _wait_for_what_is_unsaid(run: Run) -> None:
    def accepted() -> bool:
        return _accepted(run.inbox.boot)

    if not await run.prompt(
        WaitingFor.BOOT,
        accepted,
        run.pace.boot,
        "The charge point is to announce itself once more; restart it if it does not.",
    ):
        missed = await absent(
            run, FailureCode.BOOT_NOT_ACCEPTED, accepted, waited=in_words(run.pace.boot)
        )
        if missed is not None:
            raise missed
    if run.heartbeat.seconds is None and not _is_alive(run):
        await run.identify()  # which tells the interval that the answer to its boot carried
    patience = _heartbeat_patience(run)
    interval = run.heartbeat.seconds
    if not await run.prompt(
        WaitingFor.HEARTBEAT,
        lambda: _is_alive(run),
        patience,
        "The charge point is to send a heartbeat; it does so by itself"
        + (f" every {interval} s." if interval else "."),
    ):
        if run.heartbeat.is_fixed and interval and interval > patience.total_seconds():
            run.journal.note(
                f"It {run.heartbeat} and takes no other, so that no heartbeat came within "
                f"{in_words(patience)}.",
                needs_review=True,
            )
            return
        missed = await absent(
            run,
            FailureCode.HEARTBEAT_MISSING if _beats_often(run) else FailureCode.NO_HEARTBEAT,
            lambda: _is_alive(run),
            waited=in_words(patience),
            said=run.heartbeat,
        )
        if missed is not None:
            raise missed


def _heartbeat_patience(run: Run) -> timedelta:
    """Return two of its intervals, within bounds."""
    interval = timedelta(seconds=run.heartbeat.seconds or 0)
    return max(run.pace.heartbeat, min(2 * interval, run.pace.heartbeat_at_most))


def _beats_often(run: Run) -> bool:
    """Tell whether its interval is short already, so that a shorter one is no advice."""
    interval = run.heartbeat.seconds
    return interval is not None and interval <= _SHORT_HEARTBEAT


def _unsaid(run: Run) -> tuple[op.TriggerKind, ...]:
    """Return the messages that the check needs and that have not come yet."""
    came = {
        op.TriggerKind.BOOT: _accepted(run.inbox.boot),
        op.TriggerKind.HEARTBEAT: _is_alive(run),
    }
    return tuple(kind for kind, has_come in came.items() if not has_come)


def _accepted(boot: BootFact | None) -> bool:
    return boot is not None and boot.registration is RegistrationStatus.ACCEPTED


def _is_alive(run: Run) -> bool:
    at, link = run.inbox.heartbeat_at, run.inbox.connection
    return at is not None and link is not None and at >= link.at


def _judge_link(run: Run, identity: op.Identity) -> None:
    run.journal.evidence(
        {
            "ocpp_version": identity.ocpp_version,
            "ping_ms": identity.ping_ms,
        }
    )
    limit_ms = policies.PING_LIMIT.total_seconds() * 1000
    if identity.ping_ms > limit_ms:
        raise run.fail(FailureCode.SLOW_LINK, ping_ms=identity.ping_ms, limit_ms=limit_ms)
    run.journal.step("round_trip", f"A round trip takes {identity.ping_ms:.0f} ms.")
    judge_clock(run, identity)
