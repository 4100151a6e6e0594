"""Transactions: whose tag may start one, its start, its meter values, its stop.

Authorize, StartTransaction, MeterValues, StopTransaction (OCPP 1.6 §4.1, §4.7, §4.8, §4.10). The
one tag that is accepted is that of the charge point's open commissioning run.
"""

from datetime import datetime
from typing import Final

from domain.states import LogLevel
from ocpp_server.dispatch import Payload, Reply
from ocpp_server.peer import Peer
from ocpp_server.v16.fields import (
    MAX_CONNECTOR,
    connector_id,
    integer,
    meter_entries,
    missing,
    stamped,
    text,
    transaction_id,
)
from storage.fact_records import (
    Authorization,
    KnownTransaction,
    MeterValues,
    TransactionStart,
    TransactionStop,
)

_ID_TAG_COLUMN: Final = 40
_UNTOLD: Final = 0
"""The connector until the transaction is looked up."""


def on_authorize(peer: Peer, payload: Payload, _now: datetime) -> Reply:
    """Accept or refuse the tag."""
    id_tag = text(payload, "idTag", _ID_TAG_COLUMN)
    if id_tag is None:
        raise missing("idTag")
    asked = Authorization(charge_point_id=peer.charge_point_id, id_tag=id_tag)
    return Reply(lambda: {"idTagInfo": _id_tag_info(accepted=asked.accepted)}, (asked,))


def on_start(peer: Peer, payload: Payload, now: datetime) -> Reply:
    """Give the transaction its id; it is a row even when the tag is not accepted, or none came.

    It cannot be told without its connector alone. A register that cannot be read is not known.
    """
    start = TransactionStart(
        charge_point_id=peer.charge_point_id,
        connector_id=connector_id(payload),
        id_tag=text(payload, "idTag", _ID_TAG_COLUMN) or "",
        started_at=stamped(peer, payload.get("timestamp"), now),
        meter_start=integer(payload, "meterStart"),
        received_at=now,
        clock_ahead_s=peer.clock_skew_s,
    )

    def reply() -> Payload:
        peer.remember(
            KnownTransaction(
                transaction_id=start.transaction_id,
                number=start.number,
                stopped_at=None if start.stored is None else start.stored.stopped_at,
            )
        )
        return {
            "transactionId": start.number,
            "idTagInfo": _id_tag_info(accepted=start.accepted),
        }

    return Reply(reply, (start,))


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


def on_stop(peer: Peer, payload: Payload, now: datetime) -> Reply:
    """End the transaction. Every stop is answered, or the charger would repeat it for ever.

    Nothing in it is essential: without a usable id the transaction is told by what else there is.
    """
    named = integer(payload, "transactionId")
    stop = TransactionStop(
        charge_point_id=peer.charge_point_id,
        transaction_id=transaction_id(named),
        connector_id=integer(payload, "connectorId"),
        id_tag=text(payload, "idTag", _ID_TAG_COLUMN),
        stopped_at=stamped(peer, payload.get("timestamp"), now),
        meter_stop=integer(payload, "meterStop"),
        reason=text(payload, "reason", 50),
        received_at=now,
        entries=meter_entries(peer, payload.get("transactionData") or [], now),
        clock_ahead_s=peer.clock_skew_s,
    )

    def reply() -> Payload:
        _audit(peer, stop, named)
        return {"idTagInfo": _id_tag_info(accepted=True)} if "idTag" in payload else {}

    return Reply(reply, (stop,), astray=lambda: _why_it_ended_nothing(stop, named))


def _id_tag_info(*, accepted: bool) -> Payload:
    """Return ``idTagInfo`` (OCPP 1.6 §7.27)."""
    return {"status": "Accepted" if accepted else "Invalid"}


def _running(peer: Peer, named: str | None) -> str:
    """Return the transaction that tells the connector: the one that is named, or runs alone."""
    if named is not None:
        return named
    running = [one.transaction_id for one in peer.transactions.values() if one.stopped_at is None]
    if len(running) != 1:
        raise missing("connectorId")
    return running[0]


def _why_it_ended_nothing(stop: TransactionStop, named: int | None) -> str | None:
    """Say it of one that is of none of the charge point's transactions, as far as can be told."""
    if stop.ended is not None:
        return None
    if named is None:
        return "it named no transaction that can be read, and it cannot be told which one it meant"
    if stop.transaction_id is None:
        return (
            f"it named transaction {named}, as one that lost the id does, and it "
            "cannot be told which one it meant"
        )
    return f"it named transaction {named}, which is none of its own"


def _audit(peer: Peer, stop: TransactionStop, named: int | None) -> None:
    # Another node may have ended it: this session knows of that by this stop alone.
    if stop.ended is not None and (known := peer.transactions.get(stop.ended.transaction_id)):
        known.stopped_at = stop.ended.stopped_at
    if stop.stored is not None:
        return
    peer.log.tell(
        "stop_without_effect",
        stop.charge_point_id,
        level=LogLevel.WARNING,
        transaction_id=named,
        reason="the transaction had ended" if stop.ended else "no such transaction of its own",
    )
