"""connector_available: every connector reports, and none is faulted, blocked or taken."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    import contextlib

    from activities.charge_point import ChargePointActivities
    from domain.checks import Failure
    from domain.failures import FailureCode
    from domain.operations import ChangeAvailability, Outcome, TriggerKind
    from domain.rules.connector import (
        CONNECTOR_STEP,
        ConnectorAdvice,
        ConnectorVerdict,
        connectors_of,
        describe_fault,
        is_error,
        is_harmless,
        judge_connector,
        name_of,
        which_report,
    )
    from domain.rules.numbers import in_words
    from domain.states import CheckResult, ConnectorStatus, WaitingFor
    from workflows.absence import absent
    from workflows.after_run import UNHEARD
    from workflows.charge_point import NoAnswerError
    from workflows.journal import CheckFailedError
    from workflows.run import Run
    from workflows.transactions import open_transactions


async def connectors(run: Run) -> None:
    """Run the check on connectors 1..N, and on the station itself as far as it speaks."""
    numbers = connectors_of(run.number_of_connectors, run.inbox.connectors)
    await _ask_silent_ones(run, [0, *numbers] if 0 in run.inbox.connectors else numbers)
    if 0 in run.inbox.connectors:  # it may have spoken meanwhile
        numbers.insert(0, 0)
    first: Failure | None = None
    for number in numbers:
        problem = await _examine(run, number)
        first = first or problem
    if first is not None:
        raise CheckFailedError(first)


async def _ask_silent_ones(run: Run, numbers: list[int]) -> None:
    """One question for all, then one for each, then the last resort.

    A status from before the present connection may have changed meanwhile. It is asked for again;
    it stands when no other comes, for some charge points report changes only.
    """

    def silent() -> list[int]:
        return [number for number in numbers if not _is_fresh(run, number)]

    if silent() and await run.trigger(TriggerKind.CONNECTOR_STATUS):
        await run.prompt(
            WaitingFor.STATUS,
            lambda: not silent(),
            run.pace.status,
            "The charge point is to say how its connectors are.",
        )
    for number in filter(None, silent()):  # nothing can be asked of connector 0 alone
        if await run.trigger(TriggerKind.CONNECTOR_STATUS, number):
            await _wait_until_fresh(run, number)
        if number not in run.inbox.connectors:
            await _make_available(run, number)
            await _wait_until_fresh(run, number)


def _is_fresh(run: Run, number: int) -> bool:
    fact, link = run.inbox.connectors.get(number), run.inbox.connection
    return fact is not None and (link is None or not link.connected or fact.at >= link.at)


async def _wait_until_fresh(run: Run, number: int) -> None:
    await run.prompt(
        WaitingFor.STATUS,
        lambda: _is_fresh(run, number),
        run.pace.status,
        f"The charge point is to say how {name_of(number).lower()} is.",
    )


async def _examine(run: Run, number: int) -> Failure | None:
    """Judge a connector; help it along once, then judge again."""
    verdict = _judge(run, number)
    if verdict.advice is ConnectorAdvice.ASK:
        await run.look_again()
        verdict = _judge(run, number)
    if verdict.advice is ConnectorAdvice.MAKE_AVAILABLE:
        before = run.inbox.connectors[number]
        await _make_available(run, number)
        await run.prompt(
            WaitingFor.STATUS,
            # Not any other report: it may have said once more what it is, before it took the order.
            lambda: _judge(run, number).advice is not ConnectorAdvice.MAKE_AVAILABLE,
            run.pace.status,
            f"{name_of(number)} is to become available; it was told to.",
        )
        verdict = _judge(run, number)
        if verdict.advice is not ConnectorAdvice.MAKE_AVAILABLE:
            run.journal.note(f"{name_of(number)} was {before.status} and was made available.")
    if verdict.advice is ConnectorAdvice.UNPLUG:
        await run.prompt(
            WaitingFor.UNPLUG,
            lambda: _judge(run, number).advice is not ConnectorAdvice.UNPLUG,
            run.pace.unplug,
            f"Unplug the cable from connector {number}.",
        )
        verdict = _judge(run, number)
    problem = await _failure(run, number, verdict)
    verdict = _judge(run, number)
    fact = run.inbox.connectors.get(number)
    if problem is None and fact is not None and is_error(fact):
        run.journal.note(
            f"{name_of(number)} is {fact.status}, and reports an error: {describe_fault(fact)}.",
            needs_review=not is_harmless(fact),
        )
    run.journal.step(
        f"{CONNECTOR_STEP}{number}",
        verdict.detail,
        {}
        if fact is None
        else {
            "status": fact.status,
            "error_code": fact.error_code,
            "vendor_error_code": fact.vendor_error_code,
            "info": fact.info,
        },
        result=CheckResult.PASSED if problem is None else CheckResult.FAILED,
    )
    return problem


def _judge(run: Run, number: int) -> ConnectorVerdict:
    return judge_connector(
        number,
        run.inbox.connectors.get(number),
        test_follows=run.request.options.run_test_transaction,
        # A run that begins anew, as Temporal has lost it, finds what it had started before.
        own_charge=any(ours.connector_id == number for ours in open_transactions(run)),
    )


async def _failure(run: Run, number: int, verdict: ConnectorVerdict) -> Failure | None:
    """Say why it fails, if it does after a last look: its newest status may not have been told."""
    place, advice = name_of(number), verdict.advice
    status = run.inbox.connectors[number].status if number in run.inbox.connectors else None

    def came() -> bool:
        return _judge(run, number).advice is not advice

    match advice:
        case ConnectorAdvice.PASS:
            return None
        case ConnectorAdvice.FAIL:
            await run.look_again()
            return _judge(run, number).failure
        case ConnectorAdvice.ASK:
            missed = await absent(
                run,
                FailureCode.CONNECTOR_SILENT,
                came,
                connector_id=number,
                others=which_report(run.inbox.connectors),
            )
        case ConnectorAdvice.UNPLUG:
            waited = in_words(run.pace.unplug)
            missed = await absent(
                run,
                FailureCode.CONNECTOR_IN_USE,
                came,
                connector_id=number,
                status=status,
                waited=waited,
            )
        case ConnectorAdvice.MAKE_AVAILABLE:
            missed = await absent(
                run, FailureCode.CONNECTOR_UNAVAILABLE, came, place=place, status=status
            )
    if missed is not None:
        return missed.failure
    return await _failure(run, number, _judge(run, number))


async def _make_available(run: Run, number: int) -> None:
    fact = run.inbox.connectors.get(number)
    if fact is not None and fact.status == ConnectorStatus.UNAVAILABLE:
        run.made_operative.append(number)
    await _change_availability(run, number, operative=True)


async def put_back(run: Run) -> None:
    """Make those connectors inoperative again that were so before the run.

    ``made_operative`` is then what is left to do.
    """
    for number in tuple(run.made_operative):
        with contextlib.suppress(NoAnswerError):
            outcome = await _change_availability(run, number, operative=False)
            if outcome.reply not in UNHEARD:
                run.made_operative.remove(number)


async def _change_availability(run: Run, number: int, *, operative: bool) -> Outcome:
    return await run.charge_point.call(
        ChargePointActivities.change_availability,
        ChangeAvailability(
            charge_point_id=run.request.charge_point_id,
            commissioning_id=run.request.commissioning_id,
            connector_id=number,
            operative=operative,
        ),
        summary=f"Make connector {number} {'operative' if operative else 'inoperative'}",
    )
