"""Endpoints of what a site owner sees of a site: charge points, and the records of their runs."""

from fastapi import APIRouter

from api.charge_points.schemas import ChargePointDetail, ChargePointShown, SerialWanted
from api.commissioning import service
from api.commissioning.record import RunListed, RunRecord
from api.deps import (
    AppParts,
    OwnedChargePointId,
    OwnedProjectId,
    OwnedRunId,
    SiteOwner,
    now,
)
from api.pagination import Page, Paging
from api.parts import Parts
from api.problems import problems
from api.site_owner.schemas import OwnedDetail
from domain.ids import Prefix
from domain.states import ProjectStatus
from storage.charge_points import ChargePoint, ChargePoints
from storage.facts import read_snapshot
from storage.features import read_features
from storage.models.accounts import Account
from storage.projects import Projects
from storage.runs import Runs

router = APIRouter(prefix="/site-owner/projects/{project_id}", tags=["Site owner"])


@router.get(
    "",
    summary="Show my project",
    operation_id="getOwnedProject",
    responses=problems(401, 403, 404, 503),
)
async def get_project(project_id: OwnedProjectId, owner: SiteOwner, parts: AppParts) -> OwnedDetail:
    """The project with its charge points in each status, the sign-off and what is active."""
    async with parts.database.read() as connection:
        projects = Projects(connection)
        project = await projects.owned(project_id, site_owner_id=owner.id)
        counts = await projects.counts(project_id)
        handed_over = project.status is ProjectStatus.HANDED_OVER
        features = await read_features(connection, project_id) if handed_over else ()
    return OwnedDetail.with_counts(project, counts, features)


@router.get(
    "/charge-points",
    summary="List my charge points",
    operation_id="listOwnedChargePoints",
    responses=problems(401, 403, 404, 422, 503),
)
async def list_charge_points(
    project_id: OwnedProjectId,
    owner: SiteOwner,
    parts: AppParts,
    paging: Paging,
    serial_number: SerialWanted = None,
) -> Page[ChargePointShown]:
    """The charge points of the project, newest first."""
    async with parts.database.read() as connection:
        await Projects(connection).owned(project_id, site_owner_id=owner.id)
        rows = await ChargePoints(connection).page_of_project(
            project_id,
            serial_number=serial_number,
            before=paging.after_id(Prefix.CHARGE_POINT),
            limit=paging.fetch,
        )
    base = parts.settings.public_ocpp_url
    return paging.page(
        rows, lambda row: ChargePointShown.of(row, ocpp_base=base), lambda row: row.id
    )


@router.get(
    "/charge-points/{charge_point_id}",
    summary="Show a charge point of mine",
    operation_id="getOwnedChargePoint",
    responses=problems(401, 403, 404, 503),
)
async def get_charge_point(
    project_id: OwnedProjectId,
    charge_point_id: OwnedChargePointId,
    owner: SiteOwner,
    parts: AppParts,
) -> ChargePointDetail:
    """A charge point with its connection, firmware and connectors as it reported them."""
    charge_point = await _owned(parts, owner, project_id, charge_point_id)
    async with parts.database.read() as connection:
        facts = await read_snapshot(connection, charge_point_id, now=now())
    return ChargePointDetail.with_facts(
        charge_point, facts, ocpp_base=parts.settings.public_ocpp_url
    )


@router.get(
    "/charge-points/{charge_point_id}/runs",
    summary="List the runs of a charge point of mine",
    operation_id="listOwnedRuns",
    responses=problems(401, 403, 404, 422, 503),
)
async def list_runs(
    project_id: OwnedProjectId,
    charge_point_id: OwnedChargePointId,
    owner: SiteOwner,
    parts: AppParts,
    paging: Paging,
) -> Page[RunListed]:
    """All runs that commissioned it, newest first."""
    await _owned(parts, owner, project_id, charge_point_id)
    async with parts.database.read() as connection:
        rows = await Runs(connection).page(
            charge_point_id, before=paging.after_id(Prefix.COMMISSIONING), limit=paging.fetch
        )
    return paging.page(rows, RunListed.of, lambda run: run.request.commissioning_id)


@router.get(
    "/charge-points/{charge_point_id}/runs/{commissioning_id}",
    summary="Show the record of a run of mine",
    operation_id="getOwnedRun",
    responses=problems(401, 403, 404, 503),
)
async def get_run(
    project_id: OwnedProjectId,
    charge_point_id: OwnedChargePointId,
    commissioning_id: OwnedRunId,
    owner: SiteOwner,
    parts: AppParts,
) -> RunRecord:
    """The checks with their steps, evidence and timings."""
    await _owned(parts, owner, project_id, charge_point_id)
    view = await service.record_of(parts, charge_point_id, commissioning_id)
    odd = await service.irregularities_of(parts, charge_point_id, commissioning_id)
    return RunRecord.of(view, odd)


async def _owned(
    parts: Parts, owner: Account, project_id: str, charge_point_id: str
) -> ChargePoint:
    async with parts.database.read() as connection:
        await Projects(connection).owned(project_id, site_owner_id=owner.id)
        return await ChargePoints(connection).in_project(charge_point_id, project_id)
