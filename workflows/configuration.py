"""ConfigurationWorkflow: push the stored configuration of a connected charge point now."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    import contextlib
    from datetime import timedelta

    from activities.charge_point import ChargePointActivities
    from activities.records import DirectoryActivities
    from domain.commissioning import Claim, ConfigurationRequest, ConfigurationResult
    from domain.facts import ChargePointEvent, EventKind
    from domain.names import CHARGE_POINT_EVENT_SIGNAL, CONFIGURATION_WORKFLOW
    from domain.operations import ApplyConfiguration
    from workflows import policies
    from workflows.calls import on_node, record
    from workflows.connection_test import why_not_connected


@workflow.defn(name=CONFIGURATION_WORKFLOW)
class ConfigurationWorkflow:
    """Owns the charge point while it pushes; gives way to whoever owns it already.

    Started by `customize` on a connected charge point, by a connection or a boot while values are
    queued, and by the end of a commissioning run that left some.
    """

    def __init__(self) -> None:
        self._booted = False

    @workflow.run
    async def run(self, request: ConfigurationRequest) -> ConfigurationResult:
        """Push what differs; a charge point that is away or busy gets it later."""
        for _ in range(policies.CONFIGURATION_PUSHES):
            result, more = await self._claim_and_push(request)
            if not (result.pushed and more):
                break  # else values were chosen while this push was under way
        return result

    @workflow.signal(name=CHARGE_POINT_EVENT_SIGNAL)
    def charge_point_event(self, event: ChargePointEvent) -> None:
        """An owner hears events; a push waits for the boot alone."""
        self._booted = self._booted or event.kind is EventKind.BOOT

    async def _claim_and_push(
        self, request: ConfigurationRequest
    ) -> tuple[ConfigurationResult, bool]:
        claim = await record(
            DirectoryActivities.claim, request.charge_point_id, summary="Claim the charge point"
        )
        if claim.busy_with is not None:
            reason = "The charge point is being commissioned."
            return ConfigurationResult(pushed=False, reason=reason), False
        try:
            result = await self._push(request, claim)
        finally:
            released = await record(
                DirectoryActivities.release,
                request.charge_point_id,
                summary="Release the charge point",
            )
        return result, released.configuration_queued

    async def _push(self, request: ConfigurationRequest, claim: Claim) -> ConfigurationResult:
        link = claim.whereabouts.connection
        if link is None:
            return ConfigurationResult(pushed=False, reason=why_not_connected(claim.whereabouts))
        await self._settle(claim)
        try:
            outcome = await on_node(
                ChargePointActivities.apply_configuration,
                ApplyConfiguration(
                    charge_point_id=request.charge_point_id, parameters=claim.desired
                ),
                node_id=link.node_id,
                summary="Apply the configuration",
            )
        except ActivityError:
            return ConfigurationResult(
                pushed=False, reason="The charge point went offline during the push."
            )
        if outcome.detail is not None:
            return ConfigurationResult(pushed=False, reason=outcome.detail)
        return ConfigurationResult(pushed=True, parameters=outcome.parameters)

    async def _settle(self, claim: Claim) -> None:
        """Let a charge point that has just connected boot first; some never boot again."""
        link, boot = claim.whereabouts.connection, claim.boot
        if link is None or (boot is not None and boot.at >= link.at):
            return
        left = link.at + policies.BOOT_AFTER_CONNECTION - workflow.now()
        if left <= timedelta(0):
            return
        with contextlib.suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: self._booted, timeout=left, timeout_summary="Let the charge point boot"
            )
