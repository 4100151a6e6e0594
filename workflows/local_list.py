"""LocalListWorkflow: bring the local list of a charge point to what its site's owner admits."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.charge_point import LocalListActivities
    from domain.offline import LocalListUpdated, UpdateLocalList
    from workflows import policies
    from workflows.charge_point import locate, on_node


@workflow.defn
class LocalListWorkflow:
    """Sends it once. What came of it is a row, and the reconciler sees when it is due again.

    It owns nothing: a list changes what happens offline alone, and is in nobody's way.
    """

    @workflow.run
    async def run(self, request: UpdateLocalList) -> LocalListUpdated | None:
        """Send it now; None where the charge point is away, or its node did not answer."""
        found = await locate(request.charge_point_id)
        if found.connection is None:
            return None
        try:
            return await on_node(
                LocalListActivities.update_local_list,
                request,
                node_id=found.connection.node_id,
                summary="Bring its local list of id tags up to date",
                timeout=policies.LIST_TIMEOUT,
            )
        except ActivityError:
            return None
