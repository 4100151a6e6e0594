"""MeterValues (OCPP 1.6 §4.7), filed under the transaction that they belong to."""

from datetime import datetime
from typing import Final

from ocpp_server.dispatch import Payload, Reply
from ocpp_server.peer import Peer
from ocpp_server.v16.fields import (
    MAX_CONNECTOR,
    connector_id,
    integer,
    meter_entries,
    missing,
    transaction_id,
)
from storage.fact_records import MeterValues

_UNTOLD: Final = 0  # until the transaction is looked up


def on_meter_values(peer: Peer, payload: Payload, now: datetime) -> Reply:
    """Match by transaction id; without a usable one, the store does by what ran there then.

    Without a connector, the transaction tells it. Without a sample there is nothing to keep.
    """
    number = integer(payload, "transactionId")
    # 0 and -1 are what charge points send that lost the id (or never had one).
    named = transaction_id(number) if number is not None and number > 0 else None
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
    elif (known := peer.transactions.get(named or "")) is not None:
        values.transaction_id, values.number = known.transaction_id, known.number
        values.late = set() if known.stopped_at is None else {known.number}
    else:
        values.inferred, values.lookup = True, named

    def reply() -> Payload:
        if values.found is not None:
            peer.remember(values.found)
        return {}

    return Reply(reply, (values,))


def _running(peer: Peer, named: str | None) -> str:
    """Return the transaction that tells the connector: the one that is named, or runs alone."""
    if named is not None:
        return named
    running = [one.transaction_id for one in peer.transactions.values() if one.stopped_at is None]
    if len(running) != 1:
        raise missing("connectorId")
    return running[0]
