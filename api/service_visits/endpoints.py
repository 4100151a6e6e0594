"""Endpoints of the site owner: service visits to a site."""

from contextlib import suppress
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Request, Response

from api.certificates.answer import answer
from api.certificates.endpoints import REPORT_PROBLEMS, ReportWanted
from api.certificates.issuing import issue_of_project, issue_of_visit
from api.deps import OwnerCall, ProjectId, now, path_id
from api.mail.admission import RECIPIENT_BLOCKED, admit_invitation
from api.pagination import Page, Paging
from api.parts import Parts
from api.power.service import look_again
from api.problems import problems
from api.projects.endpoints import project_request
from api.service_visits.schemas import NewVisit, OwnerClose, VisitChange, VisitShown
from api.service_visits.service import close, refuse_end
from domain.errors import ConflictError, EngineError, NotFoundError, UnavailableError
from domain.handover import OpenVisit
from domain.ids import Prefix, new_id
from domain.service_visits import CloseVisit
from domain.states import ProjectStatus
from storage.projects import Project
from storage.service_visits import ServiceVisit, ServiceVisits

router = APIRouter(
    prefix="/site-owner/projects/{project_id}/service-visits", tags=["Service visits"]
)
_OVER = "It is over; `status` says how."
_TAKEN = "Another visit has one of the charge points: `service_visit_id`, `charge_point_ids`."
_NOT_YET = "Until the handover the installer has access anyway."
CLOSE_PROBLEMS: Final = problems(
    service_visit_blocked="`blockers` lists what stands in the way: `code`, `detail`, "
    "`charge_point_id`.",
    service_visit_over=_OVER,
)
VisitId = Annotated[
    str,
    path_id(
        "service_visit_id",
        Prefix.SERVICE_VISIT,
        lambda: NotFoundError("service_visit_not_found", "There is no service visit with this id."),
        example="sv_01HXB7Q8ABCDEFGH12",
    ),
]


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    summary="Open a service visit",
    operation_id="openServiceVisit",
    responses=problems(
        429,
        recipient_blocked=RECIPIENT_BLOCKED,
        service_visit_open=_TAKEN,
        project_not_handed_over=_NOT_YET,
    ),
)
async def open_visit(call: OwnerCall, project_id: ProjectId, body: NewVisit) -> VisitShown:
    """Invite an installer to work on the site again, for a time: the former one, or another.

    Once they have accepted, they can test, mend, replace, withdraw and add charge points and set
    their configuration, until the visit is closed or its time is over. Who may charge, prices,
    billing and the project itself stay yours, and sessions go on at the other bays.
    """
    moment = now()
    refuse_end(body.ends_at, now=moment)
    await admit_invitation(
        call.parts,
        inviter=call.account,
        project_id=project_id,
        email=body.email,
        address=call.actor.address,
    )
    async with call.read() as connection:
        _refuse_not_yet(await call.project(connection, project_id))
    await call.parts.temporal.check()  # before the row: without Temporal nothing is half done
    await _keep_the_certificate(call.parts, project_id)
    async with call.write() as connection:
        project = await call.project_for_change(connection, project_id)
        _refuse_not_yet(project)
        visit = await ServiceVisits(connection).open(
            ServiceVisit(
                id=new_id(Prefix.SERVICE_VISIT),
                project_id=project_id,
                opened_by=call.account.id,
                opened_at=moment,
                ends_at=body.ends_at,
                purpose=body.purpose,
                all_charge_points=body.charge_points is None,
                email=body.email,
                invitation_id=new_id(Prefix.INVITATION),
            ),
            charge_point_ids=body.charge_points,
            by=call.actor,
        )
    due = OpenVisit(service_visit_id=visit.id, due_at=moment)
    # The visit is there from here on: what is lost now, the reconciler has done within a minute.
    with suppress(UnavailableError):
        await call.parts.temporal.open_visit(project_request(project), due)
    return VisitShown.as_of(moment, visit)


@router.get("", summary="List the service visits", operation_id="listServiceVisits")
async def list_visits(call: OwnerCall, project_id: ProjectId, paging: Paging) -> Page[VisitShown]:
    """Every service visit of the site, newest first."""
    moment = now()
    async with call.read(project=project_id) as connection:
        rows = await ServiceVisits(connection).page(
            project_id, before=paging.after_id(Prefix.SERVICE_VISIT), limit=paging.fetch
        )
    return paging.page(rows, lambda one: VisitShown.as_of(moment, one), lambda one: one.id)


@router.get("/{service_visit_id}", summary="Show a service visit", operation_id="getServiceVisit")
async def get_visit(
    call: OwnerCall, project_id: ProjectId, service_visit_id: VisitId
) -> VisitShown:
    """One service visit of the site, over or not."""
    async with call.read(project=project_id) as connection:
        visit = await ServiceVisits(connection).of_project(service_visit_id, project_id)
    return VisitShown.as_of(now(), visit)


@router.patch(
    "/{service_visit_id}",
    summary="Move the end of a service visit, or widen it",
    operation_id="changeServiceVisit",
    responses=problems(service_visit_over=_OVER, service_visit_open=_TAKEN),
)
async def change_visit(
    call: OwnerCall, project_id: ProjectId, service_visit_id: VisitId, body: VisitChange
) -> VisitShown:
    """Give the installer more time or less, or more charge points."""
    moment = now()
    if body.ends_at is not None:
        refuse_end(body.ends_at, now=moment)
    async with call.write() as connection:
        await call.project_for_change(connection, project_id)
        visits = ServiceVisits(connection)
        visit = await visits.change(
            await visits.of_project(service_visit_id, project_id),
            ends_at=body.ends_at,
            add_charge_points=body.add_charge_points or (),
            by=call.actor,
            at=moment,
        )
        left = await visits.not_commissioned(visit.id)
    await look_again(call.parts, project_id, *left)  # its site says until when it is serviced
    await call.parts.temporal.visit_changed(
        project_id, OpenVisit(service_visit_id=visit.id, due_at=visit.ends_at)
    )
    return VisitShown.as_of(moment, visit)


@router.post(
    "/{service_visit_id}/close",
    summary="Close a service visit",
    operation_id="closeServiceVisit",
    responses=CLOSE_PROBLEMS,
)
async def close_visit(
    call: OwnerCall, project_id: ProjectId, service_visit_id: VisitId, body: OwnerClose
) -> VisitShown:
    """End the installer's access, once each charge point of the visit is commissioned or withdrawn.

    With `unfinished` it ends before that: runs that are open are cancelled, and there is no
    certificate. A visit that nobody has accepted is taken back.
    """
    async with call.read() as connection:
        project = await call.project(connection, project_id)
        visit = await ServiceVisits(connection).of_project(service_visit_id, project_id)
    closed = await close(
        call.parts,
        project_request(project),
        visit,
        CloseVisit(
            service_visit_id=service_visit_id,
            sign_off_notes=body.sign_off_notes,
            unfinished=body.unfinished,
            reason=body.reason,
            by=call.actor.by_id,
        ),
    )
    return VisitShown.as_of(now(), closed)


@router.get(
    "/{service_visit_id}/report",
    summary="Get the certificate of a service visit",
    operation_id="getServiceVisitReport",
    response_class=Response,
    responses=REPORT_PROBLEMS,
)
async def report_of_visit(
    call: OwnerCall,
    project_id: ProjectId,
    service_visit_id: VisitId,
    request: Request,
    wanted: ReportWanted = None,
) -> Response:
    """What was done in a visit that was signed off: its charge points, and no others.

    It is numbered after the certificates of the project, which stay as they were.
    """
    async with call.read(project=project_id) as connection:
        visit = await ServiceVisits(connection).of_project(service_visit_id, project_id)
    return await answer(call.parts, request, await issue_of_visit(call.parts, visit), wanted)


async def _keep_the_certificate(parts: Parts, project_id: str) -> None:
    """Have the site's certificate issued as it stands, before somebody changes what it is about.

    Whoever has no key to sign with, or nothing to report, opens the visit all the same.
    """
    with suppress(EngineError):
        await issue_of_project(parts, project_id)


def _refuse_not_yet(project: Project) -> None:
    if project.status is not ProjectStatus.HANDED_OVER:
        raise ConflictError(
            "project_not_handed_over",
            "The project is not handed over yet: until then its installer has access anyway.",
        )
