"""Charge detail records: issued once, and never changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    SQLColumnExpression,
    Table,
    and_,
    exists,
    func,
    or_,
    select,
)
from sqlmodel import col

from domain.billing.cdr import Cdr
from domain.billing.held import HeldDocument, HoldState, as_cdr
from storage.models.billing import ChargeDetailRecord, HeldRecord
from storage.rows import ProjectRepository


@dataclass(frozen=True, kw_only=True, slots=True)
class Issued:
    """A record and its place in the order of corrections."""

    revision: int
    cdr: Cdr


class Cdrs(ProjectRepository):
    """Repository of one project's records."""

    async def issue(self, issued: Issued, *, transaction_id: int, month: str) -> None:
        """Store a record for the statement of that month."""
        cdr = issued.cdr
        await self._rows.add(
            ChargeDetailRecord,
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

    async def newest(self, transaction_id: int) -> Issued | None:
        """The newest record of a transaction; a credit where that was taken back."""
        row = await self._rows.find(
            select(col(ChargeDetailRecord.revision), col(ChargeDetailRecord.document))
            .where(col(ChargeDetailRecord.transaction_id) == transaction_id)
            .order_by(
                col(ChargeDetailRecord.revision).desc(), col(ChargeDetailRecord.credit).desc()
            )
            .limit(1)
        )
        if row is None:
            return None
        return Issued(revision=row.revision, cdr=Cdr.model_validate(row.document))

    async def page(self, *, month: str | None, before: str | None, limit: int) -> Sequence[Cdr]:
        """Records, newest first, issued before the one with the id ``before``.

        Among them are sessions that are held, as records that bill nothing; of a month none is,
        for they are on no statement.
        """
        issued = await self._page(
            ChargeDetailRecord.__table__,
            col(ChargeDetailRecord.issued_at),
            before,
            limit,
            _in_month(month),
        )
        found = [(row.issued_at, Cdr.model_validate(row.document)) for row in issued]
        if month is None:
            held = await self._page(
                HeldRecord.__table__, col(HeldRecord.held_at), before, limit, _bills_nothing()
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
        at: SQLColumnExpression[datetime],
        before: str | None,
        limit: int,
        conditions: Sequence[ColumnElement[bool]],
    ) -> Sequence[Row[Any]]:
        query = select(table).where(table.c.project_id == self._project_id, *conditions)
        if before is not None:
            # A credit's id does not tell when it was issued: it begins with that of its record.
            last = func.coalesce(
                select(col(ChargeDetailRecord.issued_at))
                .where(col(ChargeDetailRecord.id) == before)
                .scalar_subquery(),
                select(col(HeldRecord.held_at))
                .where(col(HeldRecord.id) == before)
                .scalar_subquery(),
            )
            query = query.where(or_(at < last, and_(at == last, table.c.id < before)))
        rows = await self._connection.execute(
            query.order_by(at.desc(), table.c.id.desc()).limit(limit)
        )
        return rows.all()

    async def of_month(self, month: str) -> Sequence[Cdr]:
        """All records of a month, in the order in which they were issued."""
        rows = await self._connection.scalars(
            select(col(ChargeDetailRecord.document))
            .where(col(ChargeDetailRecord.project_id) == self._project_id)
            .where(col(ChargeDetailRecord.month) == month)
            .order_by(col(ChargeDetailRecord.issued_at), col(ChargeDetailRecord.id))
        )
        return [Cdr.model_validate(document) for document in rows]


def _in_month(month: str | None) -> Sequence[ColumnElement[bool]]:
    return [] if month is None else [col(ChargeDetailRecord.month) == month]


def _bills_nothing() -> Sequence[ColumnElement[bool]]:
    """Held altogether: one whose time alone is held has been issued for its energy."""
    return [
        col(HeldRecord.state) == HoldState.HELD,
        ~exists().where(col(ChargeDetailRecord.transaction_id) == col(HeldRecord.transaction_id)),
    ]
