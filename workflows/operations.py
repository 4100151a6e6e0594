"""Workflows of one operation each, on a charge point that is there now: nothing is waited for."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from functools import partial

    from activities.charge_point import ChargePointActivities, LocalListActivities
    from domain import operations as op
    from domain.commands import Command, CommandName, CommandResult
    from domain.configuration import ConnectionTest, ConnectionTestRequest
    from domain.connection_attempts import WAIT_FOR_IT
    from domain.offline import LocalListUpdated, UpdateLocalList
    from domain.ownership import Whereabouts
    from workflows import policies
    from workflows.charge_point import locate, on_node

_LOST = "The connection broke before the charge point answered: it may have obeyed."


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
                op.Operation(charge_point_id=request.charge_point_id),
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


@workflow.defn
class CommandWorkflow:
    """Sends one command to a charge point that is connected, and tells how it was taken."""

    @workflow.run
    async def run(self, command: Command) -> CommandResult:
        """Send it now; a charge point that is away gets it never."""
        found = await locate(command.charge_point_id)
        if found.connection is None:
            return CommandResult(reply=None, detail=why_not_connected(found))
        try:
            outcome = await self._sent(command, found.connection.node_id)
        except ActivityError:
            return CommandResult(reply=op.Reply.UNKNOWN, detail=_LOST)
        return CommandResult(reply=outcome.reply, detail=outcome.detail)

    async def _sent(self, command: Command, node_id: str) -> op.Outcome:
        charge_point_id, intent = command.charge_point_id, command.command_id
        send = partial(
            on_node,
            node_id=node_id,
            summary=f"Send the command {command.name}",
            timeout=policies.COMMAND_TIMEOUT,
        )
        match command.name:
            case CommandName.AVAILABILITY:
                return await send(
                    ChargePointActivities.change_availability,
                    op.ChangeAvailability(
                        charge_point_id=charge_point_id,
                        connector_id=command.connector_id,
                        operative=command.operative,
                    ),
                )
            case CommandName.UNLOCK:
                return await send(
                    ChargePointActivities.unlock_connector,
                    op.UnlockConnector(
                        charge_point_id=charge_point_id,
                        intent=intent,
                        connector_id=command.connector_id,
                    ),
                )
            case CommandName.RESET:
                return await send(
                    ChargePointActivities.reset,
                    op.Reset(charge_point_id=charge_point_id, intent=intent, kind=command.kind),
                )
            case CommandName.START:
                return await send(
                    ChargePointActivities.start_test_transaction,
                    op.StartTestTransaction(
                        charge_point_id=charge_point_id,
                        intent=intent,
                        connector_id=command.connector_id,
                        id_tag=command.id_tag,
                    ),
                )
            case CommandName.STOP:
                return await send(
                    ChargePointActivities.stop_test_transaction,
                    op.StopTestTransaction(
                        charge_point_id=charge_point_id, transaction_id=command.transaction_id
                    ),
                )


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
