"""ConfigurationWorkflow: push the stored configuration of a connected charge point now."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.charge_point import ChargePointActivities
    from activities.records import DirectoryActivities
    from domain.commissioning import Claim, ConfigurationRequest, ConfigurationResult
    from domain.facts import ChargePointEvent
    from domain.names import CHARGE_POINT_EVENT_SIGNAL, node_task_queue
    from domain.operations import ApplyConfiguration
    from workflows import policies
    from workflows.connection_test import why_not_connected


@workflow.defn
class ConfigurationWorkflow:
    """Owns the charge point while it pushes; gives way to whoever owns it already."""

    @workflow.run
    async def run(self, request: ConfigurationRequest) -> ConfigurationResult:
        """Push what differs; a charge point that is away or busy gets it later."""
        claim = await workflow.execute_activity_method(
            DirectoryActivities.claim,
            request.charge_point_id,
            start_to_close_timeout=policies.RECORD_TIMEOUT,
            retry_policy=policies.RECORD_RETRY,
            summary="Claim the charge point",
        )
        if claim.busy_with is not None:
            return ConfigurationResult(
                pushed=False, reason="The charge point is being commissioned."
            )
        try:
            return await self._push(request, claim)
        finally:
            await workflow.execute_activity_method(
                DirectoryActivities.release,
                request.charge_point_id,
                start_to_close_timeout=policies.RECORD_TIMEOUT,
                retry_policy=policies.RECORD_RETRY,
                summary="Release the charge point",
            )

    @workflow.signal(name=CHARGE_POINT_EVENT_SIGNAL)
    def charge_point_event(self, event: ChargePointEvent) -> None:
        """An owner hears events; a push needs none of them."""

    async def _push(self, request: ConfigurationRequest, claim: Claim) -> ConfigurationResult:
        link = claim.whereabouts.connection
        if link is None:
            return ConfigurationResult(pushed=False, reason=why_not_connected(claim.whereabouts))
        try:
            outcome = await workflow.execute_activity_method(
                ChargePointActivities.apply_configuration,
                ApplyConfiguration(
                    charge_point_id=request.charge_point_id, parameters=claim.desired
                ),
                task_queue=node_task_queue(link.node_id),
                schedule_to_start_timeout=policies.NODE_PICKUP,
                start_to_close_timeout=policies.NODE_OPERATION_TIMEOUT,
                retry_policy=policies.NODE_RETRY,
                summary="Apply the configuration",
            )
        except ActivityError:
            return ConfigurationResult(
                pushed=False, reason="The charge point went offline during the push."
            )
        if outcome.detail is not None:
            return ConfigurationResult(pushed=False, reason=outcome.detail)
        return ConfigurationResult(pushed=True, parameters=outcome.parameters)
