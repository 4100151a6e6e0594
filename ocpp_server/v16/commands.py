"""What a charge point can be told in OCPP 1.6 (§5): payloads only."""

from typing import Final

from domain import operations as op
from ocpp_server.dispatch import Payload
from ocpp_server.protocol import Order
from ocpp_server.v16.times import timestamp

Command = tuple[str, Payload]
_COLLECT_RETRIES: Final = 1


def command(order: Order) -> Command:
    """Write the message."""
    match order:
        case op.Trigger(message=message, connector_id=None):
            return "TriggerMessage", {"requestedMessage": message}
        case op.Trigger(message=message, connector_id=number):
            return "TriggerMessage", {"requestedMessage": message, "connectorId": number}
        case op.ChangeAvailability(connector_id=number, operative=operative):
            kind = "Operative" if operative else "Inoperative"
            return "ChangeAvailability", {"connectorId": number, "type": kind}
        case op.UnlockConnector(connector_id=number):
            return "UnlockConnector", {"connectorId": number}
        case op.StartTestTransaction(connector_id=number, id_tag=id_tag):
            return "RemoteStartTransaction", {"connectorId": number, "idTag": id_tag}
        case op.StopTestTransaction(transaction_id=transaction_id):
            return "RemoteStopTransaction", {"transactionId": transaction_id}
        case op.Reset(kind=kind):
            return "Reset", {"type": kind}
        case op.UpdateFirmware(location=location, retrieve_at=at):
            return "UpdateFirmware", {"location": location, "retrieveDate": timestamp(at)}
        case op.CollectLogs(location=location):
            return "GetDiagnostics", {"location": location, "retries": _COLLECT_RETRIES}
