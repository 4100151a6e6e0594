"""StatusNotification (OCPP 1.6 §4.9)."""

from datetime import datetime

from ocpp_server.dispatch import Payload, Reply
from ocpp_server.peer import Peer
from ocpp_server.v16.fields import connector_id, stamped, text
from storage.fact_records import ConnectorStatus


def on_status(peer: Peer, payload: Payload, now: datetime) -> Reply:
    """Keep the last status of the connector, at our time of its arrival."""
    stamp = stamped(peer, payload.get("timestamp"), now)
    return Reply(
        dict,
        ConnectorStatus(
            charge_point_id=peer.charge_point_id,
            connector_id=connector_id(payload),
            status=payload["status"],
            error_code=payload["errorCode"],
            vendor_error_code=text(payload, "vendorErrorCode", 100),
            info=text(payload, "info", 200),
            at=now,
            stamped_at=stamp,
        ),
    )
