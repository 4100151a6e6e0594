"""Marks on what is stored while several links speak as one charge point.

Boots and statuses carry the link that told them; a transaction of which anything came meanwhile is
contested.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, Table, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from storage.dialects import among
from storage.fact_records import ConnectorStatus, Record, Told
from storage.models.connections import ChargePointConnection
from storage.models.facts import Boot, Connector
from storage.models.transactions import Transaction


def counts(table: Table) -> ColumnElement[bool]:
    """Predicate on ``boots`` or ``connectors``: it came when no other link spoke, or was kept."""
    marked: ColumnElement[int | None] = table.c.contested_link
    return marked.is_(None)


async def clear_marks(connection: AsyncConnection, records: Collection[Record]) -> set[Record]:
    """Take the mark off what comes on a link that was kept meanwhile: its node has not looked yet.

    Returns statuses of connectors that came on another one then: nothing is known by them.
    """
    told = [one for one in records if isinstance(one, Told) and one.contested is not None]
    if not told:
        return set()
    rows = await connection.execute(
        select(
            col(ChargePointConnection.charge_point_id),
            col(ChargePointConnection.generation),
            col(ChargePointConnection.adopts),
        )
        .where(
            among(
                connection,
                col(ChargePointConnection.charge_point_id),
                {one.charge_point_id for one in told},
            )
        )
        .where(col(ChargePointConnection.contest_since).is_(None))
    )
    kept = {row.charge_point_id: {row.generation, row.adopts} for row in rows}
    late: set[Record] = set()
    for one in told:
        links = kept.get(one.charge_point_id)
        if links is None:
            continue
        if one.contested in links:
            one.contested = None
        elif isinstance(one, ConnectorStatus):
            late.add(one)
    return late


async def mark_told(connection: AsyncConnection, told: Mapping[int, str]) -> None:
    """Mark transactions, by their charge points, of which something came on one of several links.

    They are not marked while the links are still asked, unless another was kept meanwhile.
    """
    if not told:
        return
    asked = set(
        await connection.scalars(
            select(col(ChargePointConnection.charge_point_id))
            .where(
                among(connection, col(ChargePointConnection.charge_point_id), set(told.values()))
            )
            .where(col(ChargePointConnection.contest_since).is_not(None))
            .where(col(ChargePointConnection.contested_at).is_(None))
        )
    )
    ids = [identity for identity, of in told.items() if of not in asked]
    if ids:
        await connection.execute(
            update(Transaction)
            .where(among(connection, col(Transaction.id), ids))
            .values(contested=True)
        )


async def mark(
    connection: AsyncConnection, charge_point_id: str, link: int, *, since: datetime
) -> None:
    """Mark as this link's what was told since then, and counted."""
    for table in (Boot.__table__, Connector.__table__):
        await connection.execute(
            update(table)
            .where(table.c.charge_point_id == charge_point_id)
            .where(counts(table))
            .where(table.c.at >= since)
            .values(contested_link=link)
        )


async def unmark(
    connection: AsyncConnection,
    charge_point_id: str,
    *,
    links: Collection[int] | None = None,
    since: datetime | None = None,
) -> None:
    """Take the mark off what these links told; ``since``: from when on nobody else was there."""
    for table in (Boot.__table__, Connector.__table__):
        told = update(table).where(table.c.charge_point_id == charge_point_id).where(~counts(table))
        if links is not None:
            told = told.where(table.c.contested_link.in_(links))
        if since is not None:
            told = told.where(table.c.at >= since)
        await connection.execute(told.values(contested_link=None))


async def forget_statuses(connection: AsyncConnection, charge_point_id: str) -> None:
    """Forget the statuses of connectors: they came from another link than the present one."""
    await connection.execute(
        delete(Connector)
        .where(col(Connector.charge_point_id) == charge_point_id)
        .where(~counts(Connector.__table__))
    )
