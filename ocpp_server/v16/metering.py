"""MeterValues (OCPP 1.6 §4.7), filed under the transaction that they belong to."""

from datetime import datetime

from ocpp_server.dispatch import Payload, Reply
from ocpp_server.peer import Peer
from ocpp_server.v16.fields import MAX_CONNECTOR, connector_id, integer, meter_entries, missing
from storage.fact_records import MeterValues


def on_meter_values(peer: Peer, payload: Payload, now: datetime) -> Reply:
    """Match by transaction id; without a usable one, the store does by what ran there then.

    Without a connector, the transaction tells it. Without a sample there is nothing to keep.
    """
    named = integer(payload, "transactionId")
    connector = _connector(peer, payload, named)
    entries = meter_entries(peer, payload.get("meterValue") or [], now)
    if not entries:
        raise missing("meterValue")
    values = MeterValues(
        charge_point_id=peer.charge_point_id,
        connector_id=connector,
        received_at=now,
        entries=entries,
    )
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


def _connector(peer: Peer, payload: Payload, transaction_id: int | None) -> int:
    if payload.get("connectorId") in range(MAX_CONNECTOR + 1):
        return connector_id(payload)
    known = peer.transactions.get(transaction_id) if transaction_id is not None else None
    running = [one for one in peer.transactions.values() if one.stopped_at is None]
    if known is None and len(running) == 1:
        (known,) = running
    if known is not None:
        return known.connector_id
    if transaction_id is None or transaction_id <= 0:
        raise missing("connectorId")
    return 0  # until the transaction is looked up
