"""Tells the open commissioning of a whole project that one of its charge points has moved on."""

from datetime import timedelta

from temporalio import activity
from temporalio.service import RPCError

from domain.names import BATCH_CHANGED_SIGNAL, batch_workflow_id

_RPC_TIMEOUT = timedelta(seconds=5)


async def notify_batch(project_id: str | None) -> None:
    """Signal the project's batch, if there is one.

    The signal carries nothing and may be lost: the batch reads the database, and looks again by
    itself after a while.
    """
    if project_id is None:
        return
    batch = activity.client().get_workflow_handle(batch_workflow_id(project_id))
    try:
        await batch.signal(BATCH_CHANGED_SIGNAL, rpc_timeout=_RPC_TIMEOUT)
    except RPCError as error:
        activity.logger.info("batch_not_told", extra={"project": project_id, "why": repr(error)})
