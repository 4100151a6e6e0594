"""Commissioning runs: the row that a start commits first, and the record that a verdict leaves."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.audit import Actor
from domain.batch import WaitNote
from domain.checks import CheckRecord, RunView
from domain.commissioning import CancelRequest, RunRequest
from domain.errors import ConflictError
from domain.states import ChargePointStatus, CheckName, CheckResult, RunStatus
from storage.announcements import announce_verdict
from storage.dialects import among
from storage.models.charge_points import ChargePoint
from storage.models.invitations import ServiceVisit
from storage.models.runs import CommissioningRun
from storage.rows import Repository, record_of
from storage.run_audit import RunAudit
from storage.run_queries import OPEN, is_open, with_newest_run
from storage.verdicts import standing
from storage.visiting import visit_of

_JUDGED = (RunStatus.COMPLETED, RunStatus.FAILED)


_run = record_of(CommissioningRun)


class Runs(Repository):
    """Repository of commissioning runs."""

    async def create_starting(self, request: RunRequest) -> RunRequest:
        """Commit to a run whose workflow is about to be started; a repeat gets the first request.

        Raises:
            ConflictError: ``run_open``, with the open run's ``commissioning_id``.

        """
        try:
            async with self._connection.begin_nested():
                await self._rows.add(
                    CommissioningRun,
                    id=request.commissioning_id,
                    charge_point_id=request.charge_point_id,
                    project_id=request.project_id,
                    status=RunStatus.STARTING,
                    request=request,
                    started_at=request.started_at,
                    service_visit_id=visit_of(request.charge_point_id)
                    .with_only_columns(col(ServiceVisit.id))
                    .scalar_subquery(),
                )
        except IntegrityError as error:
            earlier = await self.get(request.charge_point_id, request.commissioning_id)
            if earlier is not None:
                return earlier.request
            current = await self.open_run(request.charge_point_id)
            if current is None:
                raise
            raise ConflictError(
                "run_open",
                "A commissioning run is open for this charge point. Wait for its verdict or "
                "cancel it, then start again.",
                commissioning_id=current.request.commissioning_id,
            ) from error
        return request

    async def abandon(self, request: RunRequest, *, by: Actor, at: datetime) -> bool:
        """Take back a run whose workflow could not be started; False when it has begun."""
        is_starting = col(CommissioningRun.status) == RunStatus.STARTING
        run = self._rows.at(CommissioningRun, request.commissioning_id, is_starting)
        if not await run.set(status=RunStatus.ABANDONED):
            return False
        await RunAudit(self._connection, request.project_id).taken_back(request, by=by, at=at)
        return True

    async def begin(self, commissioning_id: str, *, id_tag: str) -> bool:
        """Open the run for its workflow; False when it was abandoned or has a verdict.

        Repeating it changes nothing.
        """
        run = self._rows.at(CommissioningRun, commissioning_id, is_open())
        if not await run.set(status=RunStatus.IN_PROGRESS, id_tag=id_tag):
            return False
        await self._set_status_of_charge_point(commissioning_id, ChargePointStatus.COMMISSIONING)
        return True

    async def finish(self, view: RunView, cancel: CancelRequest | None = None) -> bool:
        """Store the verdict. The first one wins; False for a later one, which changes nothing.

        ``cancel``: who has cancelled the run, for the audit trail.
        """
        result = await self._rows.at(CommissioningRun, view.commissioning_id, is_open()).set(
            status=view.status,
            completed_at=view.completed_at,
            view=view,
            failed_check=_failed_check(view.checks),
            waiting_for=None,
            waiting=None,
        )
        if result:
            status = await self._status_after(view)
            await self._set_status_of_charge_point(view.commissioning_id, status)
            at = view.completed_at or view.started_at
            await announce_verdict(self._connection, view, at=at)
            if view.status is RunStatus.CANCELLED and cancel is not None:
                await self._audit_cancel(view, cancel, at=at)
        return result

    async def note_wait(self, note: WaitNote) -> bool:
        """Keep what an open run waits for; a note that was overtaken by a later one is dropped."""
        waiting = note.waiting
        return await self._rows.at(
            CommissioningRun,
            note.commissioning_id,
            is_open(),
            col(CommissioningRun.wait_number) < note.number,
        ).set(
            waiting_for=waiting.waiting_for if waiting else None,
            waiting=waiting,
            wait_number=note.number,
        )

    async def get(self, charge_point_id: str, commissioning_id: str) -> CommissioningRun | None:
        """One run of a charge point."""
        query = _of(charge_point_id).where(col(CommissioningRun.id) == commissioning_id)
        return await self._rows.read(query, _run)

    async def latest(self, charge_point_id: str) -> CommissioningRun | None:
        """The newest run that was not abandoned."""
        found = await self.page(charge_point_id, before=None, limit=1)
        return found[0] if found else None

    async def newest_judged(
        self, charge_point_ids: Collection[str], *, until: datetime | None = None
    ) -> Mapping[str, CommissioningRun]:
        """Of each charge point the open run, else the newest that completed or failed.

        One with neither is left out. A cancelled run says nothing about the charge point.
        ``until``: as it was at that moment.
        """
        status, completed_at = col(CommissioningRun.status), col(CommissioningRun.completed_at)
        counts = (
            status.in_((*OPEN, *_JUDGED))
            if until is None
            else and_(status.in_(_JUDGED), completed_at <= until)
        )
        runs = await self._rows.read_all(
            select(CommissioningRun.__table__)
            .select_from(with_newest_run(counts))
            .where(among(self._connection, col(ChargePoint.id), charge_point_ids)),
            _run,
        )
        return {run.charge_point_id: run for run in runs}

    async def open_run(self, charge_point_id: str) -> CommissioningRun | None:
        """The run without a verdict, if there is one."""
        return await self._rows.read(_of(charge_point_id).where(is_open()), _run)

    async def page(
        self, charge_point_id: str, *, before: str | None, limit: int
    ) -> Sequence[CommissioningRun]:
        """Runs of a charge point, newest first, older than the id ``before``."""
        query = _of(charge_point_id).where(col(CommissioningRun.status) != RunStatus.ABANDONED)
        return await self._rows.read_newest(
            query, _run, key=col(CommissioningRun.id), before=before, limit=limit
        )

    async def since(
        self, charge_point_id: str, commissioning_id: str, *, limit: int
    ) -> Sequence[CommissioningRun]:
        """That run, even an abandoned one, and those after it, oldest first."""
        query = (
            _of(charge_point_id)
            .where(col(CommissioningRun.id) >= commissioning_id)
            .where(
                or_(
                    col(CommissioningRun.status) != RunStatus.ABANDONED,
                    col(CommissioningRun.id) == commissioning_id,
                )
            )
            .order_by(col(CommissioningRun.id))
            .limit(limit)
        )
        return await self._rows.read_all(query, _run)

    async def starting_since(
        self, before: datetime, *, after: str, limit: int
    ) -> Sequence[CommissioningRun]:
        """Runs committed before that moment whose workflow has not begun, in order of their ids."""
        is_starting = col(CommissioningRun.status) == RunStatus.STARTING
        is_older = col(CommissioningRun.started_at) < before
        return await self._following(is_starting, is_older, after=after, limit=limit)

    async def in_progress(self, *, after: str, limit: int) -> Sequence[CommissioningRun]:
        """Runs whose workflow has begun and that have no verdict, in the order of their ids."""
        has_begun = col(CommissioningRun.status) == RunStatus.IN_PROGRESS
        return await self._following(has_begun, after=after, limit=limit)

    async def _following(
        self, *which: ColumnElement[bool], after: str, limit: int
    ) -> Sequence[CommissioningRun]:
        id_ = col(CommissioningRun.id)
        query = select(CommissioningRun.__table__).where(*which, id_ > after)
        return await self._rows.read_all(query.order_by(id_).limit(limit), _run)

    async def _audit_cancel(self, view: RunView, cancel: CancelRequest, *, at: datetime) -> None:
        run = await self.get(view.charge_point_id, view.commissioning_id)
        if run is not None:
            trail = RunAudit(self._connection, run.request.project_id)
            await trail.cancelled(run.request, cancel, at=at)

    async def _status_after(self, view: RunView) -> ChargePointStatus:
        if view.status is RunStatus.COMPLETED:
            return ChargePointStatus.COMMISSIONED
        if view.status is RunStatus.FAILED:
            return ChargePointStatus.COMMISSIONING_FAILED
        # A cancelled run says nothing about the charge point: the verdict before it stands.
        return await standing(self._connection, view.charge_point_id)

    async def _set_status_of_charge_point(
        self, commissioning_id: str, status: ChargePointStatus
    ) -> None:
        charge_point = (
            select(col(CommissioningRun.charge_point_id))
            .where(col(CommissioningRun.id) == commissioning_id)
            .scalar_subquery()
        )
        await self._rows.at(ChargePoint, charge_point).set(status=status)


async def refuse_while_open(connection: AsyncConnection, charge_point_id: str) -> None:
    """Refuse what a run relies on while it goes on.

    Raises:
        ConflictError: ``run_open``, with the run's ``commissioning_id``.

    """
    run = await Runs(connection).open_run(charge_point_id)
    if run is not None:
        raise ConflictError(
            "run_open",
            "A commissioning run is open for this charge point. Wait for its verdict, or cancel it "
            f"with POST …/commissioning/{charge_point_id}/cancel; then send this again.",
            commissioning_id=run.request.commissioning_id,
            charge_point_id=charge_point_id,
        )


def _of(charge_point_id: str) -> Select[*tuple[Any, ...]]:
    return select(CommissioningRun.__table__).where(
        col(CommissioningRun.charge_point_id) == charge_point_id
    )


def _failed_check(checks: Sequence[CheckRecord]) -> CheckName | None:
    return next((check.name for check in checks if check.result is CheckResult.FAILED), None)
