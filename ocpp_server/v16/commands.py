"""What a charge point can be told in OCPP 1.6 (§5): :class:`ocpp_server.protocol.Operations`."""

from typing import Final

from domain import operations as op
from ocpp_server.calls import ask
from ocpp_server.dispatch import Payload
from ocpp_server.protocol import Expected, Order
from ocpp_server.session import Session
from ocpp_server.v16.configuration import apply_configuration
from ocpp_server.v16.configuration_messages import read
from ocpp_server.v16.fields import timestamp, transaction_number

__all__ = ["apply_configuration", "follows", "read_configuration", "tell"]

Command = tuple[str, Payload]
TRIGGERED: Final = {
    op.TriggerKind.BOOT: "BootNotification",
    op.TriggerKind.HEARTBEAT: "Heartbeat",
    op.TriggerKind.METER_VALUES: "MeterValues",
    op.TriggerKind.CONNECTOR_STATUS: "StatusNotification",
    op.TriggerKind.FIRMWARE_STATUS: "FirmwareStatusNotification",
    op.TriggerKind.LOG_STATUS: "DiagnosticsStatusNotification",
}
"""The action in which each comes that can be asked for (§7.34)."""
_RESETS: Final = {op.ResetKind.SOFT: "Soft", op.ResetKind.HARD: "Hard"}
_COLLECT_RETRIES: Final = 1


def command(order: Order) -> Command:
    """Write the message."""
    match order:
        case op.Trigger(message=kind, connector_id=number):
            where = {} if number is None else {"connectorId": number}
            return "TriggerMessage", {"requestedMessage": TRIGGERED[kind], **where}
        case op.ChangeAvailability(connector_id=number, operative=operative):
            word = "Operative" if operative else "Inoperative"
            return "ChangeAvailability", {"connectorId": number, "type": word}
        case op.UnlockConnector(connector_id=number):
            return "UnlockConnector", {"connectorId": number}
        case op.StartTestTransaction(connector_id=number, id_tag=id_tag):
            return "RemoteStartTransaction", {"connectorId": number, "idTag": id_tag}
        case op.StopTestTransaction(transaction_id=transaction_id):
            return "RemoteStopTransaction", {"transactionId": transaction_number(transaction_id)}
        case op.Reset(kind=kind):
            return "Reset", {"type": _RESETS[kind]}
        case op.UpdateFirmware(location=location, retrieve_at=at):
            return "UpdateFirmware", {"location": location, "retrieveDate": timestamp(at)}
        case op.CollectLogs(location=location):
            return "GetDiagnostics", {"location": location, "retries": _COLLECT_RETRIES}


def follows(trigger: op.Trigger) -> Expected:
    """Say in which message that comes which was asked for."""
    return Expected(TRIGGERED[trigger.message])


async def tell(session: Session, order: Order) -> op.Outcome:
    """Tell it, once."""
    return await ask(session, *command(order))


async def read_configuration(session: Session, request: op.ReadConfiguration) -> op.Configuration:
    """Read these keys, or all of them."""
    return (await read(session, request.keys)).reported
