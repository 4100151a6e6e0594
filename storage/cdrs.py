"""Charge detail records: issued once, and never changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, desc, exists, or_, select
from sqlmodel import col

from domain.billing.cdr import Cdr
from domain.billing.held import HoldState, as_cdr
from storage.models.billing import ChargeDetailRecord, HeldRecord
from storage.rows import AnyRow, ProjectRepository


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
            document=cdr,
        )

    async def newest(self, transaction_id: int) -> Issued | None:
        """The newest record of a transaction; a credit where that was taken back."""
        row = await self._rows.find(
            select(col(ChargeDetailRecord.revision), col(ChargeDetailRecord.document))
            .where(col(ChargeDetailRecord.transaction_id) == transaction_id)
            .order_by(desc(col(ChargeDetailRecord.revision)), desc(col(ChargeDetailRecord.credit)))
            .limit(1)
        )
        if row is None:
            return None
        return Issued(revision=row.revision, cdr=row.document)

    async def page(self, *, month: str | None, before: str | None, limit: int) -> Sequence[Cdr]:
        """Records, newest first, issued before the one with the id ``before``.

        Among them are sessions that are held, as records that bill nothing; of a month none is,
        for they are on no statement.
        """
        records = self._mine(ChargeDetailRecord)
        if month is not None:
            records = records.where(col(ChargeDetailRecord.month) == month)
        issued = await self._page(records, "issued_at", before, limit)
        found = [(row.issued_at, row.document) for row in issued]
        if month is None:
            held = self._mine(HeldRecord).where(*_bills_nothing())
            found += [
                (row.held_at, as_cdr(row.id, row.document, held_at=row.held_at))
                for row in await self._page(held, "held_at", before, limit)
            ]
            found.sort(key=lambda one: (one[0], one[1].id), reverse=True)
        return [cdr for _, cdr in found[:limit]]

    async def _page(
        self, query: Select[*tuple[Any, ...]], moment: str, before: str | None, limit: int
    ) -> Sequence[AnyRow]:
        at, id_ = query.selected_columns[moment], query.selected_columns["id"]
        if before is not None:
            # A credit's id does not tell when it was issued: it begins with that of its record.
            last = await self._rows.value(col(ChargeDetailRecord.issued_at), before)
            if last is None:
                last = await self._rows.value(col(HeldRecord.held_at), before)
            if last is None:
                return []
            query = query.where(or_(at < last, and_(at == last, id_ < before)))
        return await self._rows.all(query.order_by(at.desc(), id_.desc()).limit(limit))

    async def of_month(self, month: str) -> Sequence[Cdr]:
        """All records of a month, in the order in which they were issued."""
        return await self._rows.values(
            select(col(ChargeDetailRecord.document))
            .where(col(ChargeDetailRecord.project_id) == self._project_id)
            .where(col(ChargeDetailRecord.month) == month)
            .order_by(col(ChargeDetailRecord.issued_at), col(ChargeDetailRecord.id))
        )


def _bills_nothing() -> Sequence[ColumnElement[bool]]:
    """Held altogether: one whose time alone is held has been issued for its energy."""
    return [
        col(HeldRecord.state) == HoldState.HELD,
        ~exists().where(col(ChargeDetailRecord.transaction_id) == col(HeldRecord.transaction_id)),
    ]
