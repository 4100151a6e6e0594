"""ConnectionTestWorkflow: is the charge point reachable right now?"""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.charge_point import ChargePointActivities
    from domain.configuration import ConnectionTest, ConnectionTestRequest
    from domain.connection_attempts import WAIT_FOR_IT
    from domain.operations import Operation
    from domain.ownership import Whereabouts
    from workflows import policies
    from workflows.charge_point import locate, on_node


@workflow.defn
class ConnectionTestWorkflow:
    """Measures a round trip on the charge point's socket, or says why there is none."""

    @workflow.run
    async def run(self, request: ConnectionTestRequest) -> ConnectionTest:
        """Test now; nothing is waited for."""
        found = await locate(request.charge_point_id)
        if found.connection is None:
            refusal = found.last_refusal
            return ConnectionTest(
                connected=False,
                reason=why_not_connected(found),
                identity=refusal.misnamed.identity if refusal and refusal.misnamed else None,
            )
        try:
            ping = await on_node(
                ChargePointActivities.ping,
                Operation(charge_point_id=request.charge_point_id),
                node_id=found.connection.node_id,
                summary="Measure a round trip",
                timeout=policies.CONNECTION_TEST_TIMEOUT,
            )
        except ActivityError:
            return ConnectionTest(
                connected=False,
                reason="The charge point is connected but did not answer a ping. "
                "Its link has just broken; wait for it to reconnect and test again.",
            )
        return ConnectionTest(
            connected=True,
            latency_ms=ping.latency_ms,
            ocpp_version_negotiated=ping.ocpp_version,
        )


def why_not_connected(found: Whereabouts) -> str:
    """Say in words why there is no connection."""
    if found.contested is not None:
        return found.contested
    parts = (
        [f"The charge point was last seen at {found.last_seen_at:%Y-%m-%d %H:%M:%S} UTC."]
        if found.last_seen_at
        else ["The charge point has never connected."]
    )
    refusal = found.last_refusal
    if refusal is not None and refusal.misnamed is not None:
        parts.append(f"{refusal.reason} It did so last at {refusal.at:%Y-%m-%d %H:%M:%S} UTC.")
    elif refusal is not None and refusal.claimed is not None:
        parts.append(f"{refusal.reason} {WAIT_FOR_IT}")
    elif refusal is not None:
        parts.append(
            f"Its last attempt, at {refusal.at:%Y-%m-%d %H:%M:%S} UTC, was refused: "
            f"{refusal.reason}"
        )
    return " ".join(parts)
