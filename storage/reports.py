"""Gathers what a certificate says, in one read transaction."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased
from sqlmodel import col

from domain.certificates import (
    CertificateScope,
    ChargePointReport,
    Frame,
    Position,
    Report,
    Site,
    Unjudged,
    Visit,
    Withdrawn,
)
from domain.checks import RunView
from domain.commissioning import NamedTransaction, TransactionReadings
from domain.errors import ConflictError
from domain.rules.excerpt import excerpt
from domain.states import CheckName, RunStatus
from storage.catalogue import Catalogue
from storage.charge_points import registered, withdrawal_of
from storage.checklists import Checklists
from storage.declarations import Declarations, Photos
from storage.dialects import among
from storage.irregularities import irregularities_of
from storage.models.accounts import Account
from storage.models.charge_points import ChargePoint
from storage.models.projects import Project
from storage.models.runs import CommissioningRun
from storage.rows import Repository, record_of
from storage.run_log import count_frames, proving_frames
from storage.runs import Runs
from storage.service_visits import ServiceVisit
from storage.transactions import readings_of
from storage.verdicts import stale_verdicts


class Reports(Repository):
    """Reads reports; whoever calls has seen to it that the reader may."""

    def __init__(self, connection: AsyncConnection, catalogue: Catalogue) -> None:
        super().__init__(connection)
        self._catalogue = catalogue

    async def of_charge_point(self, charge_point_id: str) -> Report:
        """Report on one charge point.

        Raises:
            ConflictError: ``no_verdict``: it was never judged, or is being judged now.

        """
        row = await self._rows.get(ChargePoint, charge_point_id)
        found = await self._charge_points([row])
        match found:
            case [ChargePointReport() as judged]:
                site = await self._site(row.project_id)
                return Report(
                    scope=CertificateScope.CHARGE_POINT,
                    site=site,
                    charge_points=(_at(judged, site),),
                )
            case [Unjudged() as unjudged]:
                raise ConflictError("no_verdict", f"There is no report yet. {unjudged.why}")
        raise AssertionError(found)

    async def of_project(self, project_id: str) -> Report:
        """Report on every charge point of a project.

        Raises:
            ConflictError: ``no_verdict``: none of them was judged yet.

        """
        rows = await self._which(col(ChargePoint.project_id) == project_id)
        found = await self._charge_points([row for row in rows if row.withdrawn_at is None])
        judged = tuple(one for one in found if isinstance(one, ChargePointReport))
        if not judged:
            raise ConflictError(
                "no_verdict",
                "There is no report yet. Commission at least one charge point of the project.",
            )
        site = await self._site(project_id)
        return Report(
            scope=CertificateScope.PROJECT,
            site=site,
            charge_points=tuple(_at(one, site) for one in judged),
            unjudged=tuple(one for one in found if isinstance(one, Unjudged)),
            withdrawn=_withdrawn(rows, since=None, until=None),
        )

    async def of_visit(self, visit: ServiceVisit) -> Report:
        """Report on the charge points of a service visit, as they stood when it was closed.

        Raises:
            ConflictError: ``no_verdict``: it is not closed, or was closed unfinished.

        """
        closed_at, accepted_at = visit.closed_at, visit.accepted_at
        if closed_at is None or accepted_at is None or visit.unfinished:
            raise ConflictError("no_verdict", f"There is no certificate. {_why_none(visit)}")
        of_visit = among(self._connection, col(ChargePoint.id), visit.charge_point_ids)
        rows = await self._which(of_visit)
        present = [row for row in rows if row.withdrawn_at is None or row.withdrawn_at > closed_at]
        found = await self._charge_points(present, until=closed_at)
        site = replace(
            await self._site(visit.project_id),
            installer=await self._installer(visit),
            contractor=None,  # that of the handover did not come
        )
        return Report(
            scope=CertificateScope.SERVICE_VISIT,
            site=site,
            charge_points=tuple(
                _at(one, site) for one in found if isinstance(one, ChargePointReport)
            ),
            unjudged=tuple(one for one in found if isinstance(one, Unjudged)),
            withdrawn=_withdrawn(rows, since=accepted_at, until=closed_at),
            visit=Visit(
                service_visit_id=visit.id,
                purpose=visit.purpose,
                opened_at=visit.opened_at,
                accepted_at=accepted_at,
                closed_at=closed_at,
                closed_by=visit.closed_by or "",
                sign_off_notes=visit.sign_off_notes,
                installer_signature=visit.installer_signature,
            ),
        )

    async def _which(self, which: ColumnElement[bool]) -> Sequence[ChargePoint]:
        query = select(ChargePoint.__table__).where(which).order_by(col(ChargePoint.id))
        return await self._rows.read_all(query, record_of(ChargePoint))

    async def _installer(self, visit: ServiceVisit) -> str:
        name: str | None = await self._connection.scalar(
            select(func.coalesce(func.nullif(col(Account.company), ""), col(Account.name))).where(
                col(Account.id) == visit.installer_id
            )
        )
        return name or visit.email

    async def _charge_points(
        self, rows: Sequence[ChargePoint], *, until: datetime | None = None
    ) -> list[ChargePointReport | Unjudged]:
        ids = [str(row.id) for row in rows]
        declared = await Declarations(self._connection).of(ids)
        photos = await Photos(self._connection).of(ids)
        stale = await self._stale(rows)
        checklists = await Checklists(self._connection).of(rows[0].project_id, ids) if rows else {}
        replaced = await self._serials([row.replaces for row in rows if row.replaces])
        runs = await Runs(self._connection).newest_judged(ids, until=until)
        views = {identity: run.view for identity, run in runs.items() if run.view is not None}
        tests = await self._test_charges(views)
        frames = await self._frames(views)
        oddities = await irregularities_of(
            self._connection, {identity: view.commissioning_id for identity, view in views.items()}
        )
        found: list[ChargePointReport | Unjudged] = []
        for row in rows:
            device, view = registered(row), views.get(row.id)
            if view is None:
                found.append(Unjudged(registered=device, why=_why_unjudged(runs.get(row.id))))
                continue
            shown, logged = frames[row.id]
            found.append(
                ChargePointReport(
                    registered=device,
                    run=view,
                    position=_position(row),
                    transaction=tests[row.id].transaction,
                    readings=tests[row.id].readings,
                    frames=shown,
                    frames_logged=logged,
                    irregularities=oddities[row.id],
                    declaration=declared.get(row.id),
                    photos=photos.get(row.id, ()),
                    stale=stale.get(row.id) if view.status is RunStatus.COMPLETED else None,
                    withdrawal=withdrawal_of(row) if until is None and row.withdrawn_at else None,
                    replaces=replaced.get(row.replaces or ""),
                    checklist=checklists.get(row.id),
                )
            )
        return found

    async def _stale(self, rows: Sequence[ChargePoint]) -> Mapping[str, str]:
        """Verdicts that count no more; what an owner does after the handover changes none."""
        if not rows:
            return {}
        handed_over = await self._rows.value(col(Project.handed_over_at), rows[0].project_id)
        if handed_over is not None:
            return {}
        return await stale_verdicts(
            self._connection, {row.id: registered(row) for row in rows}, self._catalogue
        )

    async def _serials(self, identities: Collection[str]) -> Mapping[str, str]:
        return await self._rows.pairs(
            select(col(ChargePoint.id), col(ChargePoint.serial_number)).where(
                among(self._connection, col(ChargePoint.id), identities)
            )
        )

    async def _test_charges(
        self, views: Mapping[str, RunView]
    ) -> Mapping[str, TransactionReadings]:
        tests = {identity: _test_transaction(view) for identity, view in views.items()}
        found = await readings_of(
            self._connection, {test for test in tests.values() if test is not None}
        )
        none = TransactionReadings(readings=())
        return {identity: none if test is None else found[test] for identity, test in tests.items()}

    async def _frames(
        self, views: Mapping[str, RunView]
    ) -> Mapping[str, tuple[tuple[Frame, ...], int]]:
        """Choose those of each run, and count them; it has those of runs that it keeps, too."""
        runs = {
            identity: {
                view.commissioning_id,
                *(one.kept_from for one in view.checks if one.kept_from),
            }
            for identity, view in views.items()
        }
        of_any = {run for some in runs.values() for run in some}
        frames = await proving_frames(self._connection, of_any)
        logged = await count_frames(self._connection, of_any)
        return {
            identity: (
                excerpt([frame for run in sorted(some) for _, frame in frames.get(run, ())]),
                sum(logged.get(run, 0) for run in some),
            )
            for identity, some in runs.items()
        }

    async def _site(self, project_id: str) -> Site:
        owners = aliased(Account)
        row = await self._rows.one(
            select(
                Project.__table__,
                func.coalesce(col(Account.company), col(Account.name)).label("installer"),
                func.coalesce(
                    func.nullif(col(owners.company), ""),
                    func.nullif(col(owners.name), ""),
                    col(Project.site_owner_email),
                ).label("owner"),
            )
            .join(Account, col(Account.id) == col(Project.installer_id))
            .outerjoin(owners, col(owners.id) == col(Project.site_owner_id))
            .where(col(Project.id) == project_id)
        )
        contractor = row.contractor
        return Site(
            project_id=project_id,
            name=row.name,
            address=row.address,
            installer=contractor.company if contractor else row.installer,
            contractor=contractor,
            owner=row.owner or None,
            time_zone=row.time_zone,
            handed_over_at=row.handed_over_at,
            sign_off_notes=row.sign_off_notes,
            installer_signature=row.installer_signature,
        )


def _withdrawn(
    rows: Sequence[ChargePoint], *, since: datetime | None, until: datetime | None
) -> tuple[Withdrawn, ...]:
    """Give those that were withdrawn in that time, with what is in their places."""
    serials = {row.id: row.serial_number for row in rows}
    return tuple(
        Withdrawn(
            registered=registered(row),
            withdrawal=withdrawal,
            replaced_by=serials.get(row.replaced_by or ""),
        )
        for row in rows
        if row.withdrawn_at is not None
        and (since or row.withdrawn_at) <= row.withdrawn_at <= (until or row.withdrawn_at)
        and (withdrawal := withdrawal_of(row))
    )


def _why_none(visit: ServiceVisit) -> str:
    if visit.closed_at is None:
        return "The service visit is not closed yet: it is issued then."
    return "The service visit was not signed off: it ended unfinished, or nobody came."


def _at(report: ChargePointReport, site: Site) -> ChargePointReport:
    """Say of a charge point what holds for its site."""
    return replace(report, time_zone=site.time_zone, contractor=site.contractor)


def _position(row: ChargePoint) -> Position | None:
    if row.latitude is None or row.longitude is None:
        return None
    return Position(latitude=row.latitude, longitude=row.longitude)


def _test_transaction(view: RunView) -> NamedTransaction | None:
    check = next((one for one in view.checks if one.name is CheckName.TEST_TRANSACTION), None)
    name = None if check is None else check.evidence.get("transaction_id")
    if not isinstance(name, str):
        return None
    return NamedTransaction(charge_point_id=view.charge_point_id, transaction_id=name)


def _why_unjudged(run: CommissioningRun | None) -> str:
    if run is None:
        return "It has not been commissioned. Start its commissioning."
    return "It is being commissioned. Wait for the verdict."
