"""The routing table of OCPP 1.6: each action that a charge point may send, and its handler."""

from domain.facts import EventKind
from ocpp_server.dispatch import Handler, Route, Routes
from ocpp_server.v16 import boot
from ocpp_server.v16.authorize import on_authorize
from ocpp_server.v16.data_transfer import on_data_transfer
from ocpp_server.v16.heartbeat import on_heartbeat
from ocpp_server.v16.metering import on_meter_values
from ocpp_server.v16.reports import on_security_event, status_report
from ocpp_server.v16.schemas import request_schema
from ocpp_server.v16.status import on_status
from ocpp_server.v16.transactions import on_start, on_stop


def routes(*, boot_retry_interval: int, heartbeat_interval: int) -> Routes:
    """Make the table; both intervals are in seconds."""
    on_boot = boot.handler(
        boot_retry_interval=boot_retry_interval, heartbeat_interval=heartbeat_interval
    )
    firmware = status_report(EventKind.FIRMWARE_STATUS, "Firmware update")
    diagnostics = status_report(EventKind.DIAGNOSTICS_STATUS, "Diagnostics")
    validated: dict[str, Handler] = {
        "Authorize": on_authorize,
        "DataTransfer": on_data_transfer,
        "DiagnosticsStatusNotification": diagnostics,
        "FirmwareStatusNotification": firmware,
        "Heartbeat": on_heartbeat,
        "LogStatusNotification": diagnostics,
        "MeterValues": on_meter_values,
        "SecurityEventNotification": on_security_event,
        "SignedFirmwareStatusNotification": firmware,
        "StartTransaction": on_start,
        "StatusNotification": on_status,
        "StopTransaction": on_stop,
    }
    return {
        # Boots break the schema harmlessly in the field; the handler checks them itself.
        "BootNotification": Route(on_boot, None),
        **{action: Route(handler, request_schema(action)) for action, handler in validated.items()},
    }
