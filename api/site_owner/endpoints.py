"""Endpoints of a site owner's projects: the list, and of each its charge points and their runs."""

from fastapi import APIRouter

from api.accounts.security import login_router
from api.charge_points.schemas import ChargePointDetail, ChargePointShown, SerialWanted
from api.commissioning import service
from api.commissioning.record import RunListed, RunRecord
from api.deps import ChargePointId, CommissioningId, OwnerCall, ProjectId, now
from api.pagination import Page, Paging
from api.site_owner.schemas import OwnedDetail, OwnedProject
from domain.ids import Prefix
from domain.states import ProjectStatus, Role
from storage.charge_points import ChargePoints
from storage.features import read_features
from storage.projects import Projects
from storage.runs import Runs
from storage.snapshots import read_snapshot

router = APIRouter(prefix="/site-owner", tags=["Site owner"])
router.include_router(login_router(Role.SITE_OWNER))
site_router = APIRouter(prefix="/site-owner/projects/{project_id}", tags=["Site owner"])


@router.get("/projects", summary="List my projects", operation_id="listOwnedProjects")
async def list_projects(call: OwnerCall, paging: Paging) -> Page[OwnedProject]:
    """The projects that you have claimed, newest first."""
    async with call.read() as connection:
        rows = await Projects(connection).page_of_owner(
            site_owner_id=call.account.id,
            before=paging.after_id(Prefix.PROJECT),
            limit=paging.fetch,
        )
    return paging.page(rows, OwnedProject.of, lambda project: project.id)


@site_router.get("", summary="Show my project", operation_id="getOwnedProject")
async def get_project(call: OwnerCall, project_id: ProjectId) -> OwnedDetail:
    """The project with its charge points in each status, the sign-off and what is active."""
    async with call.read() as connection:
        projects = Projects(connection)
        project = await call.project(connection, project_id)
        counts = await projects.counts(project_id)
        handed_over = project.status is ProjectStatus.HANDED_OVER
        features = await read_features(connection, project_id) if handed_over else ()
    return OwnedDetail.of(project, charge_points=counts, features=features)


@site_router.get(
    "/charge-points", summary="List my charge points", operation_id="listOwnedChargePoints"
)
async def list_charge_points(
    call: OwnerCall, project_id: ProjectId, paging: Paging, serial_number: SerialWanted = None
) -> Page[ChargePointShown]:
    """The charge points of the project, newest first."""
    async with call.read(project=project_id) as connection:
        rows = await ChargePoints(connection).page_of_project(
            project_id,
            serial_number=serial_number,
            before=paging.after_id(Prefix.CHARGE_POINT),
            limit=paging.fetch,
        )
    base = call.parts.settings.public_ocpp_url
    return paging.page(rows, lambda row: ChargePointShown.at(base, row), lambda row: row.id)


@site_router.get(
    "/charge-points/{charge_point_id}",
    summary="Show a charge point of mine",
    operation_id="getOwnedChargePoint",
)
async def get_charge_point(
    call: OwnerCall, project_id: ProjectId, charge_point_id: ChargePointId
) -> ChargePointDetail:
    """A charge point with its connection, firmware and connectors as it reported them."""
    async with call.read(project=project_id) as connection:
        charge_point = await call.charge_point(connection, charge_point_id, project_id=project_id)
        facts = await read_snapshot(connection, charge_point_id, now=now())
    return ChargePointDetail.with_facts(call.parts.settings.public_ocpp_url, charge_point, facts)


@site_router.get(
    "/charge-points/{charge_point_id}/runs",
    summary="List the runs of a charge point of mine",
    operation_id="listOwnedRuns",
)
async def list_runs(
    call: OwnerCall, project_id: ProjectId, charge_point_id: ChargePointId, paging: Paging
) -> Page[RunListed]:
    """All runs that commissioned it, newest first."""
    async with call.read(project=project_id, charge_point=charge_point_id) as connection:
        rows = await Runs(connection).page(
            charge_point_id, before=paging.after_id(Prefix.COMMISSIONING), limit=paging.fetch
        )
    return paging.page(rows, RunListed.of, lambda run: run.request.commissioning_id)


@site_router.get(
    "/charge-points/{charge_point_id}/runs/{commissioning_id}",
    summary="Show the record of a run of mine",
    operation_id="getOwnedRun",
)
async def get_run(
    call: OwnerCall,
    project_id: ProjectId,
    charge_point_id: ChargePointId,
    commissioning_id: CommissioningId,
) -> RunRecord:
    """The checks with their steps, evidence and timings."""
    async with call.read(project=project_id) as connection:
        await call.charge_point(connection, charge_point_id, project_id=project_id)
    view = await service.record_of(call.parts, charge_point_id, commissioning_id)
    odd = await service.irregularities_of(call.parts, charge_point_id, commissioning_id)
    return RunRecord.of_run(view, odd)
