"""MeterValues (OCPP 1.6 §4.7), filed under the transaction that they belong to."""

from datetime import datetime

from ocpp_server.dispatch import Payload, Reply
from ocpp_server.peer import Peer
from ocpp_server.v16.fields import connector_id, integer, meter_entries
from storage.fact_records import MeterValues


def on_meter_values(peer: Peer, payload: Payload, now: datetime) -> Reply:
    """Match by transaction id; without a usable one, the store does by what ran there then."""
    values = MeterValues(
        charge_point_id=peer.charge_point_id,
        connector_id=connector_id(payload),
        received_at=now,
        entries=meter_entries(peer, payload["meterValue"], now),
    )
    named = integer(payload, "transactionId") if "transactionId" in payload else None
    if named is not None and named in peer.transactions:
        values.transaction_id = named
        values.late = {named} if peer.has_ended(named) else set()
    else:
        values.inferred = True
        # 0 and -1 are what charge points send that lost the id (or never had one).
        values.lookup = named if named is not None and named > 0 else None

    def reply() -> Payload:
        if values.found is not None:
            peer.remember(values.found)
        return {}

    return Reply(reply, values)
