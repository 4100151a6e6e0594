"""Endpoints of the streams of events, of a charge point and of a whole project."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from enum import StrEnum
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Query, Response

from api.call import Call
from api.commissioning import service
from api.deps import AnyCall, ChargePointId, InstallerCall, ProjectId, account_of, router_of
from api.live.feeds import Followed
from api.live.project_stream import ProjectListener, read
from api.live.projects import ProjectLook, ProjectSeen
from api.live.stream import EventStream, Listener, Right
from api.live.telling import Position
from api.parts import Parts
from api.problems import problems
from api.verified import VERIFIED
from domain.checks import RunView
from domain.errors import ConflictError, FieldError, InvalidError
from domain.states import Role
from domain.wording import Matching
from storage.run_queries import NewestRun, charge_points_by_run, newest_runs, verdicts_of
from storage.runs import Runs

router = APIRouter(prefix="/installer/commissioning/{charge_point_id}", tags=["Commissioning"])
project_router = router_of(Role.INSTALLER, "/projects/{project_id}", tag="Commissioning")
owner_router = router_of(Role.SITE_OWNER, "/projects/{project_id}", tag="Running a site")

MOST_CHARGE_POINTS: Final = 400
"""The id of an event names the newest run of each, and travels as a header."""
_REMEMBERED_RUNS: Final = 5000
_HEADERS: Final = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
_TOO_MANY: Final = (
    f"More than {MOST_CHARGE_POINTS} charge points of the project have runs. Follow single charge "
    "points, or ask for the commissioning of the project."
)
_FROM_THE_BEGINNING: Final = (
    "must be an id that this stream has sent; without one it is told from its beginning"
)
_HEARD_LAST: Final = Header(description="The `id` heard last; the stream goes on after it")
_RunEventId = Annotated[str, Matching(r"^com_[0-9A-Z]{26}/(\d{1,6}|verdict)$", _FROM_THE_BEGINNING)]
_ProjectEventId = Annotated[
    str, Matching(r"^prj_[0-9A-Z]{26}/[A-Za-z0-9_-]{0,4000}$", _FROM_THE_BEGINNING)
]
_EXAMPLE: Final = """\
retry: 2000

event: check_started
data: {{"commissioning_id":"com_01HX6RSTUVWXYZ1234",\
"charge_point_id":"cp_01HX5P2QRSTUVWXYZ0","check":"ocpp_handshake",\
"at":"2026-05-01T09:35:00.214Z"}}
id: {}

"""


def _stream_of(event_id: str) -> dict[int | str, dict[str, Any]]:
    content = {"schema": {"type": "string"}, "example": _EXAMPLE.format(event_id)}
    return {200: {"description": "The stream", "content": {"text/event-stream": content}}}


_OF_A_CHARGE_POINT: Final = _stream_of("com_01HX6RSTUVWXYZ1234/2") | {
    204: {"description": "With `until=verdict`: the verdict was heard, do not connect again"}
}
_OF_A_PROJECT: Final = _stream_of("prj_01HX4M7TABCDE12345/Bk2cQmEAAg") | problems(
    429, too_many_charge_points=_TOO_MANY
)


class Until(StrEnum):
    """When the stream ends by itself."""

    VERDICT = "verdict"


async def _feed(
    call: InstallerCall, charge_point_id: ChargePointId
) -> AsyncIterator[Followed[RunView]]:
    async with call.read(charge_point=charge_point_id):
        look = partial(service.newest_of, call.parts, charge_point_id)
    with call.parts.feeds.follow(charge_point_id, account_id=call.account.id, look=look) as feed:
        yield feed  # until the stream has ended, in whatever way


def _right(call: Call, *, project: str | None = None, charge_point: str | None = None) -> Right:
    async def recheck() -> None:
        await account_of(call.parts, call.token)
        async with call.read(project=project, charge_point=charge_point):
            pass  # it is still theirs

    return Right(
        recheck=recheck,
        expires_at=call.token.expires_at,
        stopping=lambda: call.parts.feeds.closing,
    )


@router.get(
    "/events",
    summary="Follow commissioning live",
    operation_id="followCommissioning",
    dependencies=VERIFIED,
    response_class=EventStream,
    responses=_OF_A_CHARGE_POINT | problems(429),
)
async def events(
    call: InstallerCall,
    charge_point_id: ChargePointId,
    feed: Annotated[Followed[RunView], Depends(_feed)],
    until: Annotated[
        Until | None, Query(description="`verdict`: end the stream after the newest run's verdict")
    ] = None,
    last_event_id: Annotated[_RunEventId | None, _HEARD_LAST] = None,
) -> Response:
    """The runs of the charge point as server-sent events, as they happen.

    It begins with the newest run, from its first event, and goes on with the next run. An event
    with an `id` is told once; after a break, `Last-Event-ID` resumes on any server. Events without
    an `id` (`waiting`, `interrupted`, `closing`) are true for the moment only.
    """
    position = None if last_event_id is None else Position.of(last_event_id)
    if until is Until.VERDICT and position is not None and position.ended:
        async with call.read() as connection:
            newest = await Runs(connection).latest(charge_point_id)
        if newest is not None and newest.request.commissioning_id == position.run:
            return Response(status_code=HTTPStatus.NO_CONTENT)

    listener = Listener(
        feed,
        _right(call, charge_point=charge_point_id),
        position=position,
        until_verdict=until is Until.VERDICT,
        since=partial(service.views_since, call, charge_point_id),
    )
    return EventStream(listener.listen(), headers=_HEADERS)


async def _project_feed(
    call: AnyCall, project_id: ProjectId
) -> AsyncIterator[Followed[ProjectSeen]]:
    async with call.read(project=project_id) as connection:
        runs = await newest_runs(connection, project_id, limit=MOST_CHARGE_POINTS + 1)
    if len(runs) > MOST_CHARGE_POINTS:
        raise ConflictError("too_many_charge_points", _TOO_MANY)
    look = _look(call.parts, project_id)
    with call.parts.feeds.follow(project_id, account_id=call.account.id, look=look) as feed:
        yield feed  # until the stream has ended, in whatever way


def _look(parts: Parts, project_id: str) -> ProjectLook:
    async def newest() -> Sequence[NewestRun]:
        async with parts.database.read() as connection:
            return await newest_runs(connection, project_id, limit=MOST_CHARGE_POINTS)

    async def verdicts(run_ids: Collection[str]) -> Sequence[RunView]:
        async with parts.database.read() as connection:
            return await verdicts_of(connection, run_ids)

    async def ask(run: NewestRun) -> RunView:
        return await service.record_of(parts, run.charge_point_id, run.commissioning_id)

    return ProjectLook(newest=newest, verdicts=verdicts, ask=ask)


@owner_router.get(
    "/events",
    summary="Follow the commissioning of my site live",
    operation_id="followOwnedProject",
    description="What the installer's stream tells, for the owner of the site: it does not end by "
    "itself.",
    response_class=EventStream,
    responses=_OF_A_PROJECT,
)
@project_router.get(
    "/events",
    summary="Follow the commissioning of a project live",
    operation_id="followProject",
    dependencies=VERIFIED,
    response_class=EventStream,
    responses=_OF_A_PROJECT,
)
async def project_events(
    call: AnyCall,
    project_id: ProjectId,
    feed: Annotated[Followed[ProjectSeen], Depends(_project_feed)],
    last_event_id: Annotated[_ProjectEventId | None, _HEARD_LAST] = None,
) -> Response:
    """The runs of all charge points of the project as server-sent events, as they happen.

    The events are those of a charge point's stream. It begins with the first event of each open
    run and the verdict of each charge point whose newest run has ended, and ends with the handover.
    An event with an `id` is told once; after a break, `Last-Event-ID` resumes on any server.
    """
    positions = await _positions(call.parts, project_id, last_event_id)

    listener = ProjectListener(
        feed,
        _right(call, project=project_id),
        project_id=project_id,
        positions=positions,
        since=lambda charge_point_id: partial(service.views_since, call, charge_point_id),
    )
    return EventStream(listener.listen(), headers=_HEADERS)


async def _positions(
    parts: Parts, project_id: str, event_id: str | None
) -> Mapping[str, Position] | None:
    if event_id is None:
        return None
    project, _, text = event_id.partition("/")
    async with parts.database.read() as connection:
        runs = await charge_points_by_run(connection, project_id, limit=_REMEMBERED_RUNS)
    try:
        positions = read(text, runs) if project == project_id else None
    except ValueError:
        positions = None
    if positions is None:
        detail = "give the `id` of an event of this stream, or leave it out to begin anew"
        wrong = FieldError(field="last-event-id", detail=detail)
        raise InvalidError("invalid_input", f"Last-Event-ID: {detail}.", (wrong,))
    return positions
