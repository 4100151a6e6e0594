"""CommandWorkflow: has a charge point do something for its site owner, once."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from functools import partial

    from activities.charge_point import ChargePointActivities
    from domain import operations as op
    from domain.commands import Command, CommandName, CommandResult
    from domain.operations import Reply
    from workflows import policies
    from workflows.charge_point import locate, on_node
    from workflows.connectivity import why_not_connected

_LOST = "The connection broke before the charge point answered: it may have obeyed."


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
            return CommandResult(reply=Reply.UNKNOWN, detail=_LOST)
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
