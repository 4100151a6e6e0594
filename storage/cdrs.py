"""Charge detail records: issued once, and never changed."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.billing.cdr import Cdr
from storage.tables import cdrs


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
        """Records, newest first, issued before the one with the id ``before``."""
        conditions = [cdrs.c.project_id == self._project_id]
        if month is not None:
            conditions.append(cdrs.c.month == month)
        if before is not None:
            # A credit's id does not tell when it was issued: it begins with that of its record.
            last = select(cdrs.c.issued_at).where(cdrs.c.id == before).scalar_subquery()
            conditions.append(
                or_(cdrs.c.issued_at < last, and_(cdrs.c.issued_at == last, cdrs.c.id < before))
            )
        rows = await self._connection.scalars(
            select(cdrs.c.document)
            .where(and_(*conditions))
            .order_by(cdrs.c.issued_at.desc(), cdrs.c.id.desc())
            .limit(limit)
        )
        return [Cdr.model_validate(document) for document in rows]

    async def of_month(self, month: str) -> Sequence[Cdr]:
        """All records of a month, in the order in which they were issued."""
        rows = await self._connection.scalars(
            select(cdrs.c.document)
            .where(cdrs.c.project_id == self._project_id)
            .where(cdrs.c.month == month)
            .order_by(cdrs.c.issued_at, cdrs.c.id)
        )
        return [Cdr.model_validate(document) for document in rows]

    async def of_transaction(self, transaction_id: int) -> Sequence[Cdr]:
        """All records of a transaction, in the order in which they came to be."""
        rows = await self._connection.scalars(
            select(cdrs.c.document)
            .where(cdrs.c.project_id == self._project_id)
            .where(cdrs.c.transaction_id == transaction_id)
            .order_by(cdrs.c.revision, cdrs.c.credit)
        )
        return [Cdr.model_validate(document) for document in rows]
