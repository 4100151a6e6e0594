"""Held records: one for each transaction whose price waits for the owner's word."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, or_, select
from sqlmodel import col

from domain.audit import Actor, AuditAction
from domain.billing.held import Decision, HeldDocument, HoldCause, HoldState, check_decision
from domain.errors import ConflictError, NotFoundError
from domain.ids import Prefix, new_id
from domain.states import TransactionBilling
from storage.audit import Audit
from storage.models.billing import HeldRecord
from storage.models.transactions import Transaction
from storage.rows import ProjectRepository, record_of

_held = record_of(HeldRecord)
_DECIDED: Final = {
    HoldState.RELEASED: (AuditAction.RECORD_RELEASED, TransactionBilling.DUE),
    HoldState.DROPPED: (AuditAction.RECORD_DROPPED, TransactionBilling.DROPPED),
}


class HeldRecords(ProjectRepository):
    """Repository of one project's held records."""

    async def hold(
        self,
        document: HeldDocument,
        *,
        transaction_id: int,
        stop_received_at: datetime,
        known: HeldRecord | None,
        at: datetime,
    ) -> HeldRecord:
        """Hold a record; one that is held already learns what is known by now."""
        said = {
            "cause": document.cause,
            "stop_received_at": stop_received_at,
            "document": document,
        }
        if known is None:
            await self._rows.add(
                HeldRecord,
                id=new_id(Prefix.HELD_RECORD),
                project_id=self._project_id,
                charge_point_id=document.cdr_location.charge_point_id,
                transaction_id=transaction_id,
                state=HoldState.HELD,
                held_at=at,
                **said,
            )
        else:
            anew = {
                "state": HoldState.HELD,
                "held_at": at,
                "decision": None,
                "decided_at": None,
                "decided_by": None,
                "mailed_at": None,
            }
            await self._rows.at(HeldRecord, known.id).set(
                **said, **{} if known.state is HoldState.HELD else anew
            )
        held = await self.of_transaction(transaction_id)
        assert held is not None, "it was written above"  # noqa: S101
        return held

    async def settle(self, known: HeldRecord, *, at: datetime) -> None:
        """Stop holding a record: what the charge point told since leaves no doubt."""
        await self._rows.at(HeldRecord, known.id).set(
            state=HoldState.SETTLED, decided_at=at, decided_by=None, decision=None
        )

    async def of_transaction(self, transaction_id: int) -> HeldRecord | None:
        """Return the record of a transaction."""
        of_it = col(HeldRecord.transaction_id) == transaction_id
        return await self._rows.read(select(HeldRecord.__table__).where(of_it), _held)

    async def get(self, held_id: str) -> HeldRecord:
        """Return a record of the project.

        Raises:
            NotFoundError: ``held_record_not_found``.

        """
        query = self._mine(HeldRecord).where(col(HeldRecord.id) == held_id)
        held = await self._rows.read(query, _held)
        if held is None:
            raise NotFoundError(
                "held_record_not_found", "The project has no held record with this id."
            )
        return held

    async def page(
        self, *, state: HoldState | None, cause: HoldCause | None, before: str | None, limit: int
    ) -> Sequence[HeldRecord]:
        """Return records, newest first, older than the id ``before``."""
        query = self._mine(HeldRecord)
        if state is not None:
            query = query.where(col(HeldRecord.state) == state)
        if cause is not None:
            query = query.where(col(HeldRecord.cause) == cause)
        return await self._rows.read_newest(
            query, _held, key=col(HeldRecord.id), before=before, limit=limit
        )

    async def of_cause(self, cause: HoldCause, *, limit: int) -> Sequence[HeldRecord]:
        """Return those of a cause that wait, in the order in which they came."""
        return await self._rows.read_all(
            self._mine(HeldRecord)
            .where(_is_held(), col(HeldRecord.cause) == cause)
            .order_by(col(HeldRecord.id))
            .limit(limit),
            _held,
        )

    async def open_at(self, moment: datetime) -> Sequence[HeldRecord]:
        """Return those that were held at a moment, in the order in which they came."""
        decided_at = col(HeldRecord.decided_at)
        return await self._rows.read_all(
            self._mine(HeldRecord)
            .where(col(HeldRecord.held_at) < moment)
            .where(or_(decided_at.is_(None), decided_at >= moment))
            .order_by(col(HeldRecord.id)),
            _held,
        )

    async def count(self) -> int:
        """Count those that wait for the owner."""
        mine = col(HeldRecord.project_id) == self._project_id
        return await self._rows.count(HeldRecord, mine, _is_held())

    async def release(
        self, held_id: str, decision: Decision, *, by: Actor, at: datetime
    ) -> HeldRecord:
        """Note what the owner says that the session was, and let it be billed so.

        Raises:
            NotFoundError: ``held_record_not_found``.
            ConflictError: ``not_held``.
            InvalidError: ``not_within_bound``.

        """
        held = await self._held_one(held_id)
        check_decision(held.document, decision)
        return await self._decide(held, HoldState.RELEASED, decision, by=by, at=at)

    async def drop(
        self, held_id: str, decision: Decision, *, by: Actor, at: datetime
    ) -> HeldRecord:
        """Never bill what is in doubt; ``decision`` carries the owner's note alone.

        Raises:
            NotFoundError: ``held_record_not_found``.
            ConflictError: ``not_held``.

        """
        held = await self._held_one(held_id)
        return await self._decide(held, HoldState.DROPPED, decision, by=by, at=at)

    async def _held_one(self, held_id: str) -> HeldRecord:
        known = await self.get(held_id)
        # Billing locks the transaction, too: of two decisions at once the second finds the first.
        await self._rows.at(Transaction, known.transaction_id).lock()
        held = await self.get(held_id)
        if held.state is not HoldState.HELD:
            raise ConflictError(
                "not_held",
                f"The record is not held any more: it was {held.state.value}. There is nothing to "
                "decide.",
            )
        return held

    async def _decide(
        self, held: HeldRecord, state: HoldState, decision: Decision, *, by: Actor, at: datetime
    ) -> HeldRecord:
        action, mark = _DECIDED[state]
        await self._rows.at(HeldRecord, held.id).set(
            state=state, decision=decision, decided_at=at, decided_by=by.email
        )
        await Audit(self._connection, self._project_id).write(
            action,
            by,
            target=held.id,
            at=at,
            before={"cause": held.cause, "session_id": held.document.session_id},
            after=decision.model_dump(mode="json", exclude_none=True),
        )
        await self._rows.at(Transaction, held.transaction_id).set(billing=mark)
        return await self.get(held.id)


def _is_held() -> ColumnElement[bool]:
    return col(HeldRecord.state) == HoldState.HELD
