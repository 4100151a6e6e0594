"""How a run takes a charge point over, and leaves it: nothing but an alarm keeps running."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    import asyncio
    from collections.abc import Coroutine
    from typing import Any

    from domain.commissioning import AvailabilityOwed, OrphanedTransaction
    from domain.configuration import ConfigurationRequest
    from domain.names import (
        CONFIGURATION_DUE_SIGNAL,
        availability_workflow_id,
        configuration_workflow_id,
        notice_workflow_id,
        orphaned_transaction_workflow_id,
    )
    from domain.summaries import CONFIGURATION_SUMMARY, orphaned_summary
    from workflows import policies
    from workflows.after_run import AvailabilityWorkflow, StrayTransactionWorkflow
    from workflows.checks.charge import stop
    from workflows.checks.connectors import put_back
    from workflows.checks.starting import late_start
    from workflows.configuration import ConfigurationWorkflow
    from workflows.mails import NoticeWorkflow
    from workflows.run import Run
    from workflows.temporal_calls import start_outliving, tell, wait_until
    from workflows.transactions import open_transactions


async def clean_up(run: Run, *, cancelled: bool) -> None:
    """Stop the run's transactions, and after a cancel put back what it changed.

    A person who cancels does not wait for long. What is not done by then gets a workflow that
    keeps trying.
    """
    if cancelled:
        await _for_a_moment(_put_right(run))
    else:
        await late_start(run)
        await _stop_open(run)
    if open_transactions(run):
        await run.look_again()  # one that has ended by now is no alarm
    for transaction in open_transactions(run):
        run.journal.alarm(
            f"Test transaction {transaction.transaction_id} on connector "
            f"{transaction.connector_id} is still running; the engine keeps trying to stop it."
        )
        orphaned = OrphanedTransaction(
            charge_point_id=run.request.charge_point_id,
            commissioning_id=run.request.commissioning_id,
            transaction_id=transaction.transaction_id,
        )
        await start_outliving(
            StrayTransactionWorkflow.run,
            orphaned,
            id=orphaned_transaction_workflow_id(orphaned.charge_point_id, orphaned.transaction_id),
            summary=orphaned_summary(orphaned.transaction_id),
        )
    if cancelled and run.made_operative:
        await _owe_availability(run)


async def _put_right(run: Run) -> None:
    await _stop_open(run)
    await put_back(run)
    await late_start(run)
    await _stop_open(run)


async def _stop_open(run: Run) -> None:
    for transaction in open_transactions(run):
        if transaction.transaction_id not in run.not_stopped:
            await stop(run, transaction.transaction_id)


async def _for_a_moment(work: Coroutine[Any, Any, None]) -> None:
    """Do the work for as long as the end of a cancelled run may take."""
    task = asyncio.create_task(work)
    why = "Clean up on the charge point"
    if not await wait_until(task.done, timeout=policies.CLEAN_UP, why=why):
        workflow.logger.warning("clean_up_not_finished")
    task.cancel()
    await workflow.wait([task])
    if not task.cancelled():
        task.result()


async def _owe_availability(run: Run) -> None:
    """Have connectors made inoperative again once the charge point is there."""
    numbers = tuple(sorted(set(run.made_operative)))
    which = " and ".join(str(number) for number in numbers)
    run.journal.alarm(
        f"Unavailable before the run, and not made so again yet: connector {which}. "
        "The engine does it once the charge point is connected."
    )
    await start_outliving(
        AvailabilityWorkflow.run,
        AvailabilityOwed(
            charge_point_id=run.request.charge_point_id,
            commissioning_id=run.request.commissioning_id,
            connector_ids=numbers,
        ),
        id=availability_workflow_id(run.request.commissioning_id),
        summary=f"Put back the availability of connector {which}",
    )


async def mail_verdict(commissioning_id: str) -> None:
    """Have the verdict mailed by a workflow of its own: a mail server may be away for a day."""
    await start_outliving(
        NoticeWorkflow.run,
        commissioning_id,
        id=notice_workflow_id(commissioning_id),
        summary="Mail the verdict",
    )


async def push_queued_configuration(charge_point_id: str) -> None:
    """Push values that were chosen while the run owned the charge point."""
    workflow_id = configuration_workflow_id(charge_point_id)
    if not await start_outliving(
        ConfigurationWorkflow.run,
        ConfigurationRequest(charge_point_id=charge_point_id, restart=True),
        id=workflow_id,
        summary=CONFIGURATION_SUMMARY,
    ):
        await tell(workflow_id, CONFIGURATION_DUE_SIGNAL)
