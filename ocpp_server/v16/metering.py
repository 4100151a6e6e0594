"""MeterValues (OCPP 1.6 §4.7), filed under the transaction that they belong to."""

from datetime import datetime
from typing import Final

from ocpp_server.dispatch import Payload, Reply
from ocpp_server.peer import Peer
from ocpp_server.v16.fields import MAX_CONNECTOR, connector_id, integer, meter_entries, missing
from storage.fact_records import MeterValues

_UNTOLD: Final = 0  # until the transaction is looked up


def on_meter_values(peer: Peer, payload: Payload, now: datetime) -> Reply:
    """Match by transaction id; without a usable one, the store does by what ran there then.

    Without a connector, the transaction tells it. Without a sample there is nothing to keep.
    """
    named = integer(payload, "transactionId")
    told_by_transaction = payload.get("connectorId") not in range(MAX_CONNECTOR + 1)
    entries = meter_entries(peer, payload.get("meterValue") or [], now)
    if not entries:
        raise missing("meterValue")
    values = MeterValues(
        charge_point_id=peer.charge_point_id,
        connector_id=_UNTOLD if told_by_transaction else connector_id(payload),
        received_at=now,
        entries=entries,
    )
    if told_by_transaction:
        values.inferred, values.lookup = True, _running(peer, named)
    elif named is not None and named in peer.transactions:
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

    return Reply(reply, (values,))


def _running(peer: Peer, named: int | None) -> int:
    """Return the transaction that tells the connector: the one that is named, or runs alone."""
    if named is not None and named > 0:
        return named
    running = [one.transaction_id for one in peer.transactions.values() if one.stopped_at is None]
    if len(running) != 1:
        raise missing("connectorId")
    return running[0]
