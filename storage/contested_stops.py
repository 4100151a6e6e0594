"""Stops that were told while several links spoke as the charge point, each with its link.

The first one that comes ends the transaction. Which link is the charge point a person says later;
so all are kept beside it, the newest of each link, and that of the link that is kept becomes the
end.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.contests import MOST_LINKS, Contest
from domain.states import TransactionBilling
from storage.fact_records import TransactionStop
from storage.meter_filing import file_after_stopped
from storage.models.transactions import Transaction
from storage.rows import Rows, record_of
from storage.transactions_to_bill import due_when_ended

MOST_KEPT: Final = 2 * MOST_LINKS
"""Stops of one transaction: the links of a contest have a place each, gone ones the rest."""
_LOOKED_AT: Final = 20  # transactions, for one whose id was lost
_transaction = record_of(Transaction)
_UNDECIDED: Final = (None, TransactionBilling.DUE, TransactionBilling.HELD)


async def note_stop(
    connection: AsyncConnection,
    transaction_id: int,
    record: TransactionStop,
    contest: Contest | None,
) -> None:
    """Keep a stop in the place of the last one of its link."""
    its = _generations(record, contest)
    present = {number for one in contest.links for number in one.generations} if contest else set()
    rows = Rows(connection)
    before = await rows.value(col(Transaction.contested_stops), transaction_id)
    stops = [one for one in before or () if one["link"] not in its]
    while len(stops) >= MOST_KEPT:
        gone = [one for one in stops if one["link"] not in present]
        stops.remove((gone or stops)[0])
    stops.append(
        {
            "link": record.contested,
            "stopped_at": record.stopped_at.isoformat(),
            "meter_stop": record.meter_stop,
            "stop_reason": record.reason,
            "stop_received_at": record.received_at.isoformat(),
            "stop_ahead_s": record.clock_ahead_s,
        }
    )
    await rows.at(Transaction, transaction_id).set(contested_stops=stops)


async def keep_end(connection: AsyncConnection, row: Transaction) -> None:
    """Keep the end that a transaction has, before another takes its place, if a link told it."""
    kept = row.contested_stops or []
    if row.stopped_at is None or row.stop_received_at is None or row.superseded:
        return
    if any(_is_end(row, one) for one in kept):
        return
    end = {
        "link": None,
        "stopped_at": row.stopped_at.isoformat(),
        "meter_stop": row.meter_stop,
        "stop_reason": row.stop_reason,
        "stop_received_at": row.stop_received_at.isoformat(),
        "stop_ahead_s": row.stop_ahead_s,
    }
    await Rows(connection).at(Transaction, row.id).set(contested_stops=[*kept, end])


async def ended_by_others(
    connection: AsyncConnection, record: TransactionStop, contest: Contest | None
) -> Sequence[Transaction]:
    """Find what was ended in this contest, and not by the link of this stop, whose id was lost.

    If the stop is told once more, it is the one for which it was kept.
    """
    if contest is None:
        return []
    its = _generations(record, contest)
    query = (
        _with_stops(record.charge_point_id).order_by(col(Transaction.id).desc()).limit(_LOOKED_AT)
    )
    found: list[Transaction] = []
    for row in await Rows(connection).read_all(query.with_for_update(), _transaction):
        own = [one for one in row.contested_stops if one["link"] in its]
        if any(
            one["meter_stop"] == record.meter_stop and _at(one, "stopped_at") == record.stopped_at
            for one in own
        ):
            return [row]
        if not own and _at(row.contested_stops[-1], "stop_received_at") >= contest.since:
            found.append(row)
    return found


async def end_by(connection: AsyncConnection, charge_point_id: str, links: Collection[int]) -> None:
    """Let the stops that these links have told be the ends, but of what is billed already.

    One without a register takes the place of another link's alone.
    """
    query = _with_stops(charge_point_id).with_for_update()
    for row in await Rows(connection).read_all(query, _transaction):
        own = [one for one in row.contested_stops if one["link"] in links]
        if not own or row.billing not in _UNDECIDED:
            continue
        told = own[-1]
        stopped_at = _at(told, "stopped_at")
        if (stopped_at, told["meter_stop"]) == (row.stopped_at, row.meter_stop):
            continue
        is_anothers = any(
            _is_end(row, one) for one in row.contested_stops if one["link"] not in links
        )
        if (told["meter_stop"] is None or told["meter_stop"] < 0) and not is_anothers:
            continue
        await keep_end(connection, row)
        await (
            Rows(connection)
            .at(Transaction, row.id)
            .set(
                stopped_at=stopped_at,
                meter_stop=told["meter_stop"],
                stop_reason=told["stop_reason"],
                stop_received_at=_at(told, "stop_received_at"),
                stop_ahead_s=told["stop_ahead_s"],
                superseded=False,
                billing=due_when_ended(row),
            )
        )
        await file_after_stopped(connection, row.id, stopped_at)


def _generations(record: TransactionStop, contest: Contest | None) -> set[int | None]:
    """All that the link of a stop spoke as."""
    its = {record.contested}
    for link in contest.links if contest else ():
        if record.contested in link.generations:
            its |= set(link.generations)
    return its


def _with_stops(charge_point_id: str) -> Select[Any]:
    return (
        select(Transaction.__table__)
        .where(col(Transaction.charge_point_id) == charge_point_id)
        .where(col(Transaction.contested_stops).is_not(None))
    )


def _is_end(row: Transaction, stop: dict[str, Any]) -> bool:
    return _at(stop, "stop_received_at") == row.stop_received_at


def _at(stop: dict[str, Any], name: str) -> datetime:
    return datetime.fromisoformat(stop[name])
