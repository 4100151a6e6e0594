"""StatusNotification (OCPP 1.6 §4.9)."""

from datetime import datetime
from typing import Final

from domain.facts import ConnectorFact
from ocpp_server.dispatch import Payload, Reply
from ocpp_server.peer import Peer
from ocpp_server.v16.fields import connector_id, missing, stamped, text
from storage.fact_records import ConnectorStatus

_NO_ERROR: Final = {None, "NoError"}


def on_status(peer: Peer, payload: Payload, now: datetime) -> Reply:
    """Keep the last status of the connector, at our time of its arrival.

    A word that the standard does not know is kept as it is: it is judged, and never taken for
    another. Without a status, the error code alone is worth keeping.
    """
    # Some firmware stamps a status with the moment since when it is so, days ago.
    stamp = stamped(peer, payload.get("timestamp"), now, says_now=False)
    status, error_code = text(payload, "status", 20), text(payload, "errorCode", 30)
    if status is None and error_code in _NO_ERROR:
        raise missing("status")
    fact = ConnectorFact(
        connector_id=connector_id(payload),
        status=status or "",
        error_code=error_code or "",
        at=now,
        vendor_error_code=text(payload, "vendorErrorCode", 100),
        info=text(payload, "info", 200),
    )
    return Reply(
        dict,
        (ConnectorStatus(charge_point_id=peer.charge_point_id, fact=fact, stamped_at=stamp),),
    )
