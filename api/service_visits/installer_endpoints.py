"""Endpoints of the installer: the service visits that they have accepted."""

from fastapi import APIRouter, Request, Response

from api.certificates.answer import answer
from api.certificates.endpoints import REPORT_PROBLEMS, ReportWanted
from api.certificates.issuing import issue_of_visit
from api.deps import InstallerCall, now
from api.pagination import Page, Paging
from api.projects.endpoints import project_request
from api.service_visits.endpoints import CLOSE_PROBLEMS, VisitId
from api.service_visits.schemas import SignOff, VisitShown
from api.service_visits.service import close
from domain.ids import Prefix
from domain.service_visits import CloseVisit
from storage.projects import read_project
from storage.service_visits import ServiceVisits

router = APIRouter(prefix="/installer/service-visits", tags=["Service visits"])


@router.get("", summary="List my service visits", operation_id="listMyServiceVisits")
async def list_visits(call: InstallerCall, paging: Paging) -> Page[VisitShown]:
    """The service visits that you have accepted, over or not, newest first."""
    moment = now()
    async with call.read() as connection:
        rows = await ServiceVisits(connection).page_of_installer(
            call.account.id, before=paging.after_id(Prefix.SERVICE_VISIT), limit=paging.fetch
        )
    return paging.page(rows, lambda one: VisitShown.as_of(moment, one), lambda one: one.id)


@router.get(
    "/{service_visit_id}",
    summary="Show a service visit of mine",
    operation_id="getMyServiceVisit",
)
async def get_visit(call: InstallerCall, service_visit_id: VisitId) -> VisitShown:
    """One service visit that you have accepted, over or not."""
    async with call.read() as connection:
        visit = await ServiceVisits(connection).of_installer(service_visit_id, call.account.id)
    return VisitShown.as_of(now(), visit)


@router.post(
    "/{service_visit_id}/close",
    summary="Sign a service visit off",
    operation_id="signServiceVisitOff",
    responses=CLOSE_PROBLEMS,
)
async def close_visit(call: InstallerCall, service_visit_id: VisitId, body: SignOff) -> VisitShown:
    """Close the visit, once each of its charge points is commissioned or withdrawn.

    Your access ends with it. The same body again, should the answer have been lost, is answered
    as the first time.
    """
    async with call.read() as connection:
        visit = await ServiceVisits(connection).of_installer(service_visit_id, call.account.id)
        project = await read_project(connection, visit.project_id)
    closed = await close(
        call.parts,
        project_request(project),
        visit,
        CloseVisit(
            service_visit_id=service_visit_id,
            sign_off_notes=body.sign_off_notes,
            installer_signature=body.installer_signature,
            by=call.actor.by_id,
        ),
    )
    return VisitShown.as_of(now(), closed)


@router.get(
    "/{service_visit_id}/report",
    summary="Get the certificate of a service visit of mine",
    operation_id="getMyServiceVisitReport",
    response_class=Response,
    responses=REPORT_PROBLEMS,
)
async def report_of_visit(
    call: InstallerCall, service_visit_id: VisitId, request: Request, wanted: ReportWanted = None
) -> Response:
    """What was done in a visit that you have signed off; you keep it when your access ends."""
    async with call.read() as connection:
        visit = await ServiceVisits(connection).of_installer(service_visit_id, call.account.id)
    return await answer(call.parts, request, await issue_of_visit(call.parts, visit), wanted)
