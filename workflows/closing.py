"""How a run takes over a charge point, and leaves it.

Nothing of it keeps running afterwards, or an alarm keeps trying.
"""

from temporalio import workflow
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from domain.commissioning import ConfigurationRequest, StrayTransaction
    from domain.names import (
        CONFIGURATION_DUE_SIGNAL,
        GIVE_WAY_SIGNAL,
        configuration_workflow_id,
        notice_workflow_id,
        stray_transaction_workflow_id,
    )
    from workflows.checks.test_charge import late_start, open_transactions, stop
    from workflows.configuration import ConfigurationWorkflow
    from workflows.notice import NoticeWorkflow
    from workflows.run import Run
    from workflows.stray import StrayTransactionWorkflow


async def stop_what_runs(run: Run) -> None:
    """Stop the run's transactions; one that will not stop gets a workflow that keeps trying."""
    await late_start(run)
    for transaction in open_transactions(run):
        if await stop(run, transaction.transaction_id):
            continue
        run.journal.alarm(
            f"Test transaction {transaction.transaction_id} on connector "
            f"{transaction.connector_id} is still running; the engine keeps trying to stop it."
        )
        await _keep_trying(
            StrayTransaction(
                charge_point_id=run.request.charge_point_id,
                commissioning_id=run.request.commissioning_id,
                transaction_id=transaction.transaction_id,
            )
        )


async def _keep_trying(stray: StrayTransaction) -> None:
    try:
        await workflow.start_child_workflow(
            StrayTransactionWorkflow.run,
            stray,
            id=stray_transaction_workflow_id(stray.transaction_id),
            parent_close_policy=ParentClosePolicy.ABANDON,
            static_summary=f"Stop stray transaction {stray.transaction_id}",
        )
    except WorkflowAlreadyStartedError:
        return


async def mail_verdict(commissioning_id: str) -> None:
    """Have the verdict mailed by a workflow of its own: a mail server may be away for a day."""
    try:
        await workflow.start_child_workflow(
            NoticeWorkflow.run,
            commissioning_id,
            id=notice_workflow_id(commissioning_id),
            parent_close_policy=ParentClosePolicy.ABANDON,
            static_summary="Mail the verdict",
        )
    except WorkflowAlreadyStartedError:
        return


async def push_queued_configuration(charge_point_id: str) -> None:
    """Push values that were chosen while the run owned the charge point."""
    try:
        await workflow.start_child_workflow(
            ConfigurationWorkflow.run,
            ConfigurationRequest(charge_point_id=charge_point_id, restart=True),
            id=configuration_workflow_id(charge_point_id),
            parent_close_policy=ParentClosePolicy.ABANDON,
            static_summary="Push the queued configuration",
        )
    except WorkflowAlreadyStartedError:
        await _tell(configuration_workflow_id(charge_point_id), CONFIGURATION_DUE_SIGNAL)


async def ask_to_give_way(owner: str) -> None:
    """Ask the workflow that owns the charge point to let go of it."""
    await _tell(owner, GIVE_WAY_SIGNAL)


async def _tell(workflow_id: str, signal: str) -> None:
    try:
        await workflow.get_external_workflow_handle(workflow_id).signal(signal)
    except ApplicationError:
        return  # it has just ended
