"""The versions of OCPP that a node speaks: this is the one place that names them."""

from ocpp_server.protocol import Protocols
from ocpp_server.v16 import protocol as v16


def protocols(*, boot_retry_interval: int, heartbeat_interval: int) -> Protocols:
    """Make them, the newest first; both intervals are in seconds."""
    known = (
        v16.protocol(
            boot_retry_interval=boot_retry_interval, heartbeat_interval=heartbeat_interval
        ),
    )
    return {one.subprotocol: one for one in known}
