"""DataTransfer (OCPP 1.6 §4.3): no vendor extension is known here."""

from datetime import datetime

from ocpp_server.dispatch import Payload, Reply
from ocpp_server.peer import Peer


def on_data_transfer(_peer: Peer, _payload: Payload, _now: datetime) -> Reply:
    """Say so."""
    return Reply(lambda: {"status": "UnknownVendorId"})
