"""MeterValues (OCPP 1.6 §4.7), filed under the transaction that they belong to."""

from datetime import datetime

from ocpp_server.dispatch import Payload, Reply
from ocpp_server.peer import Peer
from ocpp_server.v16.fields import connector_id, integer, meter_entries
from storage.fact_records import MeterValues


def on_meter_values(peer: Peer, payload: Payload, now: datetime) -> Reply:
    """Match by transaction id; without a usable one, the open transaction on that connector."""
    connector = connector_id(payload)
    values = MeterValues(
        charge_point_id=peer.charge_point_id,
        connector_id=connector,
        received_at=now,
        entries=meter_entries(peer, payload["meterValue"], now),
    )
    named = integer(payload, "transactionId") if "transactionId" in payload else None
    if named in peer.transactions:
        values.transaction_id = named
    else:
        newest = max(entry.at for entry in values.entries)
        values.transaction_id = peer.open_transaction(connector, newest)
        # 0 and -1 are what charge points send that lost the id (or never had one).
        values.lookup = named if named is not None and named > 0 else None

    def reply() -> Payload:
        if values.found is not None:
            peer.remember(values.found)
        return {}

    return Reply(reply, values)
