"""The handover of a project, decided and done in one transaction."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, case, exists, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.audit import AuditAction
from domain.contests import how_to_decide
from domain.errors import NotFoundError
from domain.handover import Blocker, CompleteHandover, HandoverResult
from domain.states import ChargePointStatus, ProjectStatus
from storage.announcements import announce_handover
from storage.audit import Audit
from storage.billing_activation import BillingActivation
from storage.catalogue import Catalogue
from storage.charge_points import registered
from storage.contests import read_confirmed
from storage.handover_cautions import checklist_blockers, read_cautions
from storage.models.charge_points import ChargePoint
from storage.models.projects import Project
from storage.models.runs import CommissioningRun
from storage.rows import Repository, Rows, record_of
from storage.run_queries import is_open
from storage.verdicts import stale_verdicts

_OR_ELSE = (
    'take it out (POST …/charge-points/{id}/withdraw with "reason"), or put another unit in its '
    'place (POST …/charge-points/{id}/replace with "serial_number").'
)
_WHY = {
    ChargePointStatus.REGISTERED: (
        "not_commissioned",
        (
            "has not been commissioned. Start its commissioning (POST …/commissioning/{id}/start), "
            f"{_OR_ELSE}"
        ),
    ),
    ChargePointStatus.COMMISSIONING: (
        "commissioning_in_progress",
        "is being commissioned. Wait for the verdict.",
    ),
    ChargePointStatus.COMMISSIONING_FAILED: (
        "commissioning_failed",
        (
            "failed its commissioning. Mend it and retry (POST …/commissioning/{id}/retry), "
            f"{_OR_ELSE}"
        ),
    ),
}


_record = record_of(ChargePoint)
_MAY_BE_STALE = {ChargePointStatus.COMMISSIONED, ChargePointStatus.REGISTERED}
_STALE = (
    "stale_result",
    ("That is not what its run has tested. Commission it again (POST …/commissioning/{id}/start)."),
)


class Handover(Repository):
    """Blockers and completion of a handover."""

    def __init__(self, connection: AsyncConnection, catalogue: Catalogue) -> None:
        super().__init__(connection)
        self._catalogue = catalogue

    async def preview(self, project_id: str, *, at: datetime) -> HandoverResult:
        """What stands in the way now, and what the owner would find; nothing is changed.

        Raises:
            NotFoundError: ``project_unknown``.

        """
        project = await self._rows.look_up(Project, project_id)
        return await self._judge(project, project_id, at=at)

    async def complete(
        self, project_id: str, request: CompleteHandover, *, at: datetime
    ) -> HandoverResult:
        """Hand the project over, or say what stands in the way. A repeat returns the first result.

        The project's row is locked, so no charge point is added or changed at the same moment.

        Raises:
            NotFoundError: ``project_unknown``.

        """
        await self._rows.at(Project, project_id).lock()
        project = await self._rows.look_up(Project, project_id)
        judged = await self._judge(project, project_id, at=at)
        if judged.completed_at is not None or judged.blockers:
            return judged
        await self._rows.at(Project, project_id).set(
            status=ProjectStatus.HANDED_OVER,
            handed_over_at=at,
            sign_off_notes=request.sign_off_notes,
            installer_signature=request.installer_signature,
        )
        await BillingActivation(self._connection, project_id).begin(at=at)
        await Audit(self._connection, project_id).write(
            AuditAction.PROJECT_HANDED_OVER,
            request.by,
            target=project_id,
            at=at,
            before={"status": ProjectStatus.IN_PROGRESS.value},
            after={
                "status": ProjectStatus.HANDED_OVER.value,
                "sign_off_notes": request.sign_off_notes,
                "installer_signature": request.installer_signature,
            },
        )
        await announce_handover(self._connection, project_id, at=at)
        return replace(judged, completed_at=at)

    async def _judge(
        self, project: Project | None, project_id: str, *, at: datetime
    ) -> HandoverResult:
        if project is None:
            raise NotFoundError("project_unknown", "There is no such project.")
        handed_over = project.status == ProjectStatus.HANDED_OVER
        if project.archived_at is not None and not handed_over:
            archived = Blocker(
                code="project_archived",
                detail="The project is archived. Bring it back first, with "
                f"POST …/projects/{project_id}/unarchive.",
            )
            return HandoverResult(project_id=project_id, completed_at=None, blockers=(archived,))
        blockers = (
            () if handed_over else await self._blockers(project_id, owner=project.site_owner_id)
        )
        return HandoverResult(
            project_id=project_id,
            completed_at=project.handed_over_at,
            blockers=tuple(blockers),
            warnings=tuple(await read_cautions(self._connection, project_id, now=at)),
        )

    async def _blockers(self, project_id: str, *, owner: str | None) -> Sequence[Blocker]:
        present = col(ChargePoint.project_id) == project_id
        blockers = list(
            await charge_point_blockers(self._connection, self._catalogue, among_which=present)
        )
        serials = await self._rows.pairs(
            select(col(ChargePoint.id), col(ChargePoint.serial_number))
            .where(present, col(ChargePoint.withdrawn_at).is_(None))
            .order_by(col(ChargePoint.id))
        )
        if not serials:
            blockers.append(
                Blocker(
                    code="no_charge_points",
                    detail="The project has no charge point. Register and commission one.",
                )
            )
        blockers += await checklist_blockers(self._connection, project_id, serials)
        if owner is None:
            blockers.append(
                Blocker(
                    code="owner_not_accepted",
                    detail="The site owner has not accepted an invitation. Invite them "
                    f'(POST …/projects/{project_id}/invite-site-owner with "email"), or ask '
                    "them to use the link in the mail.",
                )
            )
        return blockers


async def charge_point_blockers(
    connection: AsyncConnection,
    catalogue: Catalogue,
    *,
    among_which: ColumnElement[bool],
    untouched: Collection[str] = (),
) -> Sequence[Blocker]:
    """Which charge points are neither withdrawn nor commissioned, and what to do with each.

    Verdicts of ``untouched`` ones stand, whatever their owner has changed since.
    """
    running = exists().where(
        col(CommissioningRun.charge_point_id) == col(ChargePoint.id), is_open()
    )
    rows = await Rows(connection).all(
        select(
            ChargePoint.__table__,
            # A run may have been accepted whose workflow has not begun yet.
            case((running, ChargePointStatus.COMMISSIONING), else_=col(ChargePoint.status)).label(
                "stands"
            ),
        )
        .where(among_which, col(ChargePoint.withdrawn_at).is_(None))
        .order_by(col(ChargePoint.id))
    )
    stale = await stale_verdicts(
        connection,
        {row.id: registered(_record(row)) for row in rows if row.id not in untouched},
        catalogue,
    )
    contests = await read_confirmed(connection, [row.id for row in rows])
    blockers = []
    for row in rows:
        status = ChargePointStatus(row.stands)
        if row.id in contests:
            blockers.append(
                Blocker(
                    code="contested",
                    detail=f"{how_to_decide(row.id, contests[row.id])} It is charge point "
                    f"{row.serial_number}.",
                    charge_point_id=row.id,
                )
            )
        if row.id in stale and status in _MAY_BE_STALE:
            code, again = _STALE
            blockers.append(
                Blocker(
                    code=code,
                    detail=f"Charge point {row.serial_number} {stale[row.id]}. {again}".replace(
                        "{id}", row.id
                    ),
                    charge_point_id=row.id,
                )
            )
        elif status is not ChargePointStatus.COMMISSIONED:
            code, why = _WHY[status]
            blockers.append(
                Blocker(
                    code=code,
                    detail=f"Charge point {row.serial_number} {why}".replace("{id}", row.id),
                    charge_point_id=row.id,
                )
            )
    return blockers
