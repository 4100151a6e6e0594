"""What a charge point can be asked in OCPP 1.6 (§5): payloads only."""

from typing import Final

from domain import operations as op
from ocpp_server.dispatch import Payload
from ocpp_server.v16.times import timestamp

Command = tuple[str, Payload]
_COLLECT_RETRIES: Final = 1


def trigger(request: op.Trigger) -> Command:
    """TriggerMessage (§5.17)."""
    payload: Payload = {"requestedMessage": request.message}
    if request.connector_id is not None:
        payload["connectorId"] = request.connector_id
    return "TriggerMessage", payload


def change_availability(request: op.ChangeAvailability) -> Command:
    """ChangeAvailability (§5.2)."""
    kind = "Operative" if request.operative else "Inoperative"
    return "ChangeAvailability", {"connectorId": request.connector_id, "type": kind}


def unlock_connector(request: op.UnlockConnector) -> Command:
    """UnlockConnector (§5.18)."""
    return "UnlockConnector", {"connectorId": request.connector_id}


def remote_start(request: op.StartTestTransaction) -> Command:
    """RemoteStartTransaction (§5.11)."""
    return "RemoteStartTransaction", {
        "connectorId": request.connector_id,
        "idTag": request.id_tag,
    }


def remote_stop(request: op.StopTestTransaction) -> Command:
    """RemoteStopTransaction (§5.12)."""
    return "RemoteStopTransaction", {"transactionId": request.transaction_id}


def reset(request: op.Reset) -> Command:
    """Reset (§5.14)."""
    return "Reset", {"type": request.kind}


def update_firmware(request: op.UpdateFirmware) -> Command:
    """UpdateFirmware (§5.19)."""
    return "UpdateFirmware", {
        "location": request.location,
        "retrieveDate": timestamp(request.retrieve_at),
    }


def get_diagnostics(request: op.CollectLogs) -> Command:
    """GetDiagnostics (§5.9)."""
    return "GetDiagnostics", {"location": request.location, "retries": _COLLECT_RETRIES}
