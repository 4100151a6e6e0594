"""What the audit trail tells of commissioning runs."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audit import OPERATOR, Actor, AuditAction
from domain.commissioning import AnswerNote, CancelRequest, RunOptions, RunRequest
from storage.audit import Audit

_MOST: Final = 500  # characters of what an operator has typed


class RunAudit:
    """Writes the entries of runs of one project. The target is the charge point."""

    def __init__(self, connection: AsyncConnection, project_id: str) -> None:
        self._audit = Audit(connection, project_id)

    async def started(self, request: RunRequest, *, by: Actor) -> None:
        """Somebody has started a run, or retried one."""
        options = request.options
        after = {
            "run": request.commissioning_id,
            "test_transaction": options.run_test_transaction,
            "test_connectors": _connectors(options),
            "update_firmware": options.update_firmware,
            **_named(by, request.started_by),
        }
        retried = request.previous_commissioning_id
        if retried is not None:
            after |= {"retries": retried, "from_scratch": request.from_scratch}
        await self._audit.write(
            AuditAction.COMMISSIONING_RETRIED if retried else AuditAction.COMMISSIONING_STARTED,
            by,
            target=request.charge_point_id,
            at=request.started_at,
            after=after,
        )

    async def taken_back(self, request: RunRequest, *, by: Actor, at: datetime) -> None:
        """A run has ended before it began."""
        await self._audit.write(
            AuditAction.COMMISSIONING_TAKEN_BACK,
            by,
            target=request.charge_point_id,
            at=at,
            after={"run": request.commissioning_id},
        )

    async def cancelled(self, request: RunRequest, cancel: CancelRequest, *, at: datetime) -> None:
        """A run has ended since somebody has cancelled it."""
        await self._audit.write(
            AuditAction.COMMISSIONING_CANCELLED,
            cancel.actor,
            target=request.charge_point_id,
            at=at,
            after={
                "run": request.commissioning_id,
                "reason": _short(cancel.reason),
                **_named(cancel.actor, cancel.by),
            },
        )

    async def answered(self, note: AnswerNote) -> None:
        """Somebody has answered what a run asked; telling it again changes nothing."""
        given = note.answer
        await self._audit.write(
            AuditAction.COMMISSIONING_ANSWERED,
            given.actor,
            target=note.charge_point_id,
            at=note.at,
            after={
                "run": note.commissioning_id,
                "asked": note.asked.value,
                **({} if note.connector_id is None else {"connector": note.connector_id}),
                "answer": given.answer.value,
                "note": _short(given.note),
                **_named(given.actor, given.by),
            },
            key=f"{note.commissioning_id}:answer:{note.number}",
        )


def _connectors(options: RunOptions) -> str | list[int]:
    chosen = options.test_connectors
    return list(chosen) if isinstance(chosen, tuple) else chosen.value


def _named(actor: Actor, by: str) -> dict[str, Any]:
    """The name that an operator gives; nobody has checked it, so it is no e-mail of an account."""
    return {"by": _short(by)} if actor.role == OPERATOR.role else {}


def _short(text: str | None) -> str | None:
    return None if text is None else text[:_MOST]
