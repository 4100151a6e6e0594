"""Charge detail records: issued once, and never changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Table, and_, exists, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.billing.cdr import Cdr
from domain.billing.held import HeldDocument, HoldState, as_cdr
from storage.tables import cdrs, held_records


@dataclass(frozen=True, kw_only=True, slots=True)
class Issued:
    """A record and its place in the order of corrections."""

    revision: int
    cdr: Cdr


class Cdrs:
    """Repository of one project's records."""

    def __init__(self, connection: AsyncConnection, project_id: str) -> None:
        self._connection = connection
        self._project_id = project_id

    async def issue(self, issued: Issued, *, transaction_id: int, month: str) -> None:
        """Store a record for the statement of that month."""
        cdr = issued.cdr
        await self._connection.execute(
            insert(cdrs).values(
                id=cdr.id,
                project_id=self._project_id,
                charge_point_id=cdr.cdr_location.charge_point_id,
                transaction_id=transaction_id,
                revision=issued.revision,
                credit=cdr.credit,
                issued_at=cdr.last_updated,
                month=month,
                document=cdr.model_dump(mode="json"),
            )
        )

    async def newest(self, transaction_id: int) -> Issued | None:
        """The newest record of a transaction; a credit where that was taken back."""
        row = (
            await self._connection.execute(
                select(cdrs.c.revision, cdrs.c.document)
                .where(cdrs.c.transaction_id == transaction_id)
                .order_by(cdrs.c.revision.desc(), cdrs.c.credit.desc())
                .limit(1)
            )
        ).one_or_none()
        if row is None:
            return None
        return Issued(revision=row.revision, cdr=Cdr.model_validate(row.document))

    async def page(self, *, month: str | None, before: str | None, limit: int) -> Sequence[Cdr]:
        """Records, newest first, issued before the one with the id ``before``.

        Among them are sessions that are held, as records that bill nothing; of a month none is,
        for they are on no statement.
        """
        issued = await self._page(cdrs, cdrs.c.issued_at, before, limit, _in_month(month))
        found = [(row.issued_at, Cdr.model_validate(row.document)) for row in issued]
        if month is None:
            held = await self._page(
                held_records, held_records.c.held_at, before, limit, _bills_nothing()
            )
            found += [
                (
                    row.held_at,
                    as_cdr(row.id, HeldDocument.model_validate(row.document), held_at=row.held_at),
                )
                for row in held
            ]
            found.sort(key=lambda one: (one[0], one[1].id), reverse=True)
        return [cdr for _, cdr in found[:limit]]

    async def _page(
        self,
        table: Table,
        at: ColumnElement[datetime],
        before: str | None,
        limit: int,
        conditions: Sequence[ColumnElement[bool]],
    ) -> Sequence[Row[Any]]:
        query = select(table).where(table.c.project_id == self._project_id, *conditions)
        if before is not None:
            # A credit's id does not tell when it was issued: it begins with that of its record.
            last = func.coalesce(
                select(cdrs.c.issued_at).where(cdrs.c.id == before).scalar_subquery(),
                select(held_records.c.held_at).where(held_records.c.id == before).scalar_subquery(),
            )
            query = query.where(or_(at < last, and_(at == last, table.c.id < before)))
        rows = await self._connection.execute(
            query.order_by(at.desc(), table.c.id.desc()).limit(limit)
        )
        return rows.all()

    async def of_month(self, month: str) -> Sequence[Cdr]:
        """All records of a month, in the order in which they were issued."""
        rows = await self._connection.scalars(
            select(cdrs.c.document)
            .where(cdrs.c.project_id == self._project_id)
            .where(cdrs.c.month == month)
            .order_by(cdrs.c.issued_at, cdrs.c.id)
        )
        return [Cdr.model_validate(document) for document in rows]


def _in_month(month: str | None) -> Sequence[ColumnElement[bool]]:
    return [] if month is None else [cdrs.c.month == month]


def _bills_nothing() -> Sequence[ColumnElement[bool]]:
    """Held altogether: one whose time alone is held has been issued for its energy."""
    return [
        held_records.c.state == HoldState.HELD,
        ~exists().where(cdrs.c.transaction_id == held_records.c.transaction_id),
    ]
