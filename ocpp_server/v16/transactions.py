"""StartTransaction and StopTransaction (OCPP 1.6 §4.8, §4.10)."""

from datetime import datetime

from domain.states import LogLevel
from ocpp_server.dispatch import Payload, Reply
from ocpp_server.peer import Peer
from ocpp_server.v16.authorize import ID_TAG_COLUMN, id_tag_info
from ocpp_server.v16.fields import (
    connector_id,
    integer,
    meter_entries,
    stamped,
    text,
    transaction_id,
)
from storage.fact_records import KnownTransaction, TransactionStart, TransactionStop


def on_start(peer: Peer, payload: Payload, now: datetime) -> Reply:
    """Give the transaction its id; it is a row even when the tag is not accepted, or none came.

    It cannot be told without its connector alone. A register that cannot be read is not known.
    """
    start = TransactionStart(
        charge_point_id=peer.charge_point_id,
        connector_id=connector_id(payload),
        id_tag=text(payload, "idTag", ID_TAG_COLUMN) or "",
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
            "idTagInfo": id_tag_info(accepted=start.accepted),
        }

    return Reply(reply, (start,))


def on_stop(peer: Peer, payload: Payload, now: datetime) -> Reply:
    """End the transaction. Every stop is answered, or the charger would repeat it for ever.

    Nothing in it is essential: without a usable id the transaction is told by what else there is.
    """
    named = integer(payload, "transactionId")
    stop = TransactionStop(
        charge_point_id=peer.charge_point_id,
        transaction_id=transaction_id(named),
        connector_id=integer(payload, "connectorId"),
        id_tag=text(payload, "idTag", ID_TAG_COLUMN),
        stopped_at=stamped(peer, payload.get("timestamp"), now),
        meter_stop=integer(payload, "meterStop"),
        reason=text(payload, "reason", 50),
        received_at=now,
        entries=meter_entries(peer, payload.get("transactionData") or [], now),
        clock_ahead_s=peer.clock_skew_s,
    )

    def reply() -> Payload:
        _audit(peer, stop, named)
        return {"idTagInfo": id_tag_info(accepted=True)} if "idTag" in payload else {}

    return Reply(reply, (stop,), astray=lambda: _why_it_ended_nothing(stop, named))


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
