"""What messages are for, whatever a version of OCPP calls them."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class MessageKind(StrEnum):
    """What a message is for. The words are those that rows and histories hold."""

    BOOT = "BootNotification"
    HEARTBEAT = "Heartbeat"
    CONNECTOR_STATUS = "StatusNotification"
    START_COMMAND = "RemoteStartTransaction"
    TRANSACTION_STARTED = "StartTransaction"
    METER_VALUES = "MeterValues"
    STOP_COMMAND = "RemoteStopTransaction"
    TRANSACTION_STOPPED = "StopTransaction"
    FIRMWARE_STATUS = "FirmwareStatusNotification"
    LOG_STATUS = "DiagnosticsStatusNotification"


ACTIONS: Final[Mapping[str, MessageKind]] = {kind.value: kind for kind in MessageKind}
"""By the names of actions in frames. Those of a version that has other names come beside them."""
