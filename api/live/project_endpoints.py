"""Endpoint of the stream of a whole project."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from functools import partial
from typing import Annotated, Any, Final

from fastapi import Depends, Header, Response

from api.commissioning import service
from api.deps import AnyCall, ProjectId, account_of, router_of
from api.live.endpoints import STREAM_HEADERS
from api.live.feeds import Followed
from api.live.project_stream import ProjectListener, read
from api.live.projects import ProjectLook, ProjectSeen
from api.live.stream import EventStream, Right
from api.live.telling import Position
from api.parts import Parts
from api.problems import problems
from api.verified import VERIFIED
from domain.checks import RunView
from domain.errors import ConflictError, FieldError, InvalidError
from domain.states import Role
from domain.wording import Matching
from storage.run_queries import NewestRun, charge_points_by_run, newest_runs, verdicts_of

router = router_of(Role.INSTALLER, "/projects/{project_id}", tag="Commissioning")
owner_router = router_of(Role.SITE_OWNER, "/projects/{project_id}", tag="Running a site")

MOST_CHARGE_POINTS: Final = 400
"""The id of an event names the newest run of each, and travels as a header."""
_REMEMBERED_RUNS: Final = 5000
_EVENT_ID: Final = Matching(
    r"^prj_[0-9A-Z]{26}/[A-Za-z0-9_-]{0,4000}$",
    "must be an id that this stream has sent; without one it is told from its beginning",
)
_TOO_MANY: Final = (
    f"More than {MOST_CHARGE_POINTS} charge points of the project have runs. Follow single charge "
    "points, or ask for the commissioning of the project."
)
_EXAMPLE: Final = """\
retry: 2000

event: check_started
data: {"commissioning_id":"com_01HX6RSTUVWXYZ1234",\
"charge_point_id":"cp_01HX5P2QRSTUVWXYZ0","check":"ocpp_handshake",\
"at":"2026-05-01T09:35:00.214Z"}
id: prj_01HX4M7TABCDE12345/Bk2cQmEAAg

"""
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The stream",
        "content": {"text/event-stream": {"schema": {"type": "string"}, "example": _EXAMPLE}},
    }
}


async def _feed(call: AnyCall, project_id: ProjectId) -> AsyncIterator[Followed[ProjectSeen]]:
    async with call.read() as connection:
        await call.project(connection, project_id)
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
    responses=_RESPONSES | problems(429, too_many_charge_points=_TOO_MANY),
)
@router.get(
    "/events",
    summary="Follow the commissioning of a project live",
    operation_id="followProject",
    dependencies=VERIFIED,
    response_class=EventStream,
    responses=_RESPONSES | problems(429, too_many_charge_points=_TOO_MANY),
)
async def project_events(
    call: AnyCall,
    project_id: ProjectId,
    feed: Annotated[Followed[ProjectSeen], Depends(_feed)],
    last_event_id: Annotated[
        Annotated[str, _EVENT_ID] | None,
        Header(description="The `id` heard last; the stream goes on after it"),
    ] = None,
) -> Response:
    """The runs of all charge points of the project as server-sent events, as they happen.

    The events are those of a charge point's stream. It begins with the first event of each open
    run and the verdict of each charge point whose newest run has ended, and ends with the handover.
    An event with an `id` is told once; after a break, `Last-Event-ID` resumes on any server.
    """
    positions = await _positions(call.parts, project_id, last_event_id)

    async def recheck() -> None:
        await account_of(call.parts, call.token)
        async with call.read() as connection:
            await call.project(connection, project_id)

    right = Right(
        recheck=recheck,
        expires_at=call.token.expires_at,
        stopping=lambda: call.parts.feeds.closing,
    )
    listener = ProjectListener(
        feed,
        right,
        project_id=project_id,
        positions=positions,
        since=lambda charge_point_id: partial(service.views_since, call, charge_point_id),
    )
    return EventStream(listener.listen(), headers=STREAM_HEADERS)


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
