"""test_transaction: leads the tester from connector to connector, with a test charge on each."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    import asyncio
    from collections.abc import Iterator

    from domain.checks import ConnectorTest, Failure
    from domain.facts import ConnectorFact
    from domain.failures import FailureCode, failure
    from domain.rules.connector import (
        connectors_of,
        describe_fault,
        name_of,
        names_of,
    )
    from domain.rules.every_connector import Plan, conclude, plan_of, with_connector
    from domain.states import CheckResult, ConnectorChoice
    from workflows.absence import no_answer
    from workflows.charge_point import NoAnswerError
    from workflows.checks.charge import charge_on, stop
    from workflows.checks.clock import measure_clock
    from workflows.checks.starting import cancelled
    from workflows.journal import CheckFailedError, CheckSkippedError
    from workflows.run import Run
    from workflows.transactions import is_test_of, open_transactions

# After these failures nobody can be asked, or a charge that goes on is in the way.
_END_IT = frozenset(
    {
        FailureCode.CONNECTION_LOST,
        FailureCode.CONNECTION_UNSTABLE,
        FailureCode.NEVER_CONNECTED,
        FailureCode.CONNECTION_REFUSED,
        FailureCode.WRONG_IDENTITY,
        FailureCode.ENGINE_ERROR,
        FailureCode.TRANSACTION_NOT_STOPPED,
    }
)


async def charge_each_connector(run: Run) -> None:
    """Run the check on each connector that was chosen; what fails on one says nothing of others."""
    plan = _plan(run)
    run.inbox.faults.clear()
    for number in plan.to_test:
        test = run.journal.test_of(number)
        if test.result is not CheckResult.PENDING:
            continue
        run.inbox.forget_cleared_faults()
        with run.journal.connector(test):
            await _test(run, number)
        _tell(run, number)
        ended_by = _ends_it(run, number)
        if ended_by is not None:
            why = f"The test had ended on connector {number} ({ended_by})."
            run.journal.leave_out_the_rest(why)
            break
    _judge_the_untested(run)
    conclusion = conclude(run.journal.connectors)
    try:
        run.journal.conclude(conclusion)
    except CheckSkippedError:
        await measure_clock(run)  # nothing else shows it then
        raise
    await measure_clock(run)


def _plan(run: Run) -> Plan:
    """Say which connectors are tested, in the record too, before anybody is asked for anything."""
    options = run.request.options
    kept = {test.connector_id: test for test in run.journal.connectors}
    present = connectors_of(run.number_of_connectors, run.inbox.connectors)
    plan = plan_of(options.test_connectors, present)
    if plan.missing:
        raise run.fail(
            FailureCode.CONNECTOR_NOT_THERE,
            asked=names_of(plan.missing),
            present=f"{names_of(present)}{' alone' if len(present) == 1 else ''}",
        )
    by = run.request.started_by
    chosen = (
        "the first connector alone"
        if options.test_connectors is ConnectorChoice.FIRST
        else f"{names_of(plan.to_test)} alone"
    )
    left_out = [
        ConnectorTest(
            connector_id=number,
            result=CheckResult.SKIPPED,
            skip_reason=f"{by} started the run for a test charge on {chosen}.",
            decided_by=by,
        )
        for number in plan.left_out
    ]
    to_test = [ConnectorTest(connector_id=number) for number in plan.to_test]
    run.journal.plan(kept.get(test.connector_id, test) for test in (*left_out, *to_test))
    return plan


async def _test(run: Run, connector: int) -> None:
    """Test a connector; charges that begin elsewhere now, and were asked for, are stopped."""
    fact = run.inbox.connectors.get(connector)
    if fact is not None and connector in run.inbox.faults:
        raise CheckFailedError(_faulted(fact))
    guard = asyncio.create_task(_stop_latecomers(run, connector))
    try:
        await charge_on(run, connector)
    except NoAnswerError as error:
        raise await no_answer(run, error) from None
    finally:
        await cancelled(guard)
    if not guard.cancelled():
        guard.result()


async def _stop_latecomers(run: Run, connector: int) -> None:
    """Stop test charges of other connectors, whose start was asked for and came too late."""

    def late() -> Iterator[str]:
        for one in open_transactions(run):
            elsewhere = not is_test_of(run, one, connector)
            if elsewhere and one.transaction_id not in run.not_stopped:
                yield one.transaction_id

    while True:
        await workflow.wait_condition(lambda: any(True for _ in late()))
        for transaction_id in tuple(late()):
            await stop(run, transaction_id)


def _tell(run: Run, connector: int) -> None:
    """Say how the test of one of several went, as soon as it has ended."""
    if len(run.journal.connectors) == 1:
        return
    test = run.journal.test_of(connector)
    said = {
        CheckResult.FAILED: test.failure and with_connector(connector, test.failure.cause),
        CheckResult.SKIPPED: test.skip_reason,
    }.get(test.result)
    run.journal.step(
        f"connector.{connector}",
        said or f"Connector {connector} passed its test charge.",
        result=test.result,
    )


def _ends_it(run: Run, connector: int) -> str | None:
    """Tell by which failure the others need not be tried."""
    test = run.journal.test_of(connector)
    if test.failure is None:
        return None
    ends = test.failure.code in _END_IT or 0 in run.inbox.faults
    return test.failure.code if ends else None


def _judge_the_untested(run: Run) -> None:
    """Fail a connector that was not tested and reported a fault while others charged."""
    run.inbox.forget_cleared_faults()
    for test in run.journal.connectors:
        fact = run.inbox.faults.get(test.connector_id)
        if test.result is CheckResult.SKIPPED and fact is not None:
            run.journal.fail_connector(test.connector_id, _faulted(fact))


def _faulted(fact: ConnectorFact) -> Failure:
    return failure(
        FailureCode.CONNECTOR_FAULTED,
        place=name_of(fact.connector_id),
        error=f"{describe_fault(fact)} (while others were tested)",
    )
