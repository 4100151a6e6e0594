"""Endpoint of the stream of a whole project."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Response

from api.commissioning import service
from api.deps import AppParts, Installer, OwnedProjectId, ProjectId, Session, SiteOwner, account_of
from api.live.endpoints import STREAM_HEADERS
from api.live.feeds import Followed
from api.live.project_stream import ProjectListener, read
from api.live.projects import ProjectLook, ProjectSeen
from api.live.stream import EventStream, Right
from api.live.telling import Position
from api.parts import Parts
from api.problems import problems
from api.security.tokens import Token
from api.verified import VERIFIED
from domain.checks import RunView
from domain.errors import ConflictError, FieldError, InvalidError
from domain.states import Role
from domain.wording import Matching
from storage.models.accounts import Account
from storage.project_runs import NewestRun, charge_points_by_run, newest_runs, verdicts_of
from storage.projects import Projects

router = APIRouter(prefix="/installer/projects/{project_id}", tags=["Commissioning"])
owner_router = APIRouter(prefix="/site-owner/projects/{project_id}", tags=["Running a site"])

MOST_CHARGE_POINTS: Final = 400
"""The id of an event names the newest run of each, and travels as a header."""
_REMEMBERED_RUNS: Final = 5000
_EVENT_ID: Final = Matching(
    r"^prj_[0-9A-Z]{26}/[A-Za-z0-9_-]{0,4000}$",
    "must be an id that this stream has sent; without one it is told from its beginning",
)
_LastEventId = Annotated[
    Annotated[str, _EVENT_ID] | None,
    Header(description="The `id` heard last; the stream goes on after it"),
]
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


async def _feed(
    project_id: ProjectId, installer: Installer, parts: AppParts
) -> AsyncIterator[Followed[ProjectSeen]]:
    async with _followed(parts, installer, project_id) as feed:
        yield feed


async def _owned_feed(
    project_id: OwnedProjectId, owner: SiteOwner, parts: AppParts
) -> AsyncIterator[Followed[ProjectSeen]]:
    async with _followed(parts, owner, project_id) as feed:
        yield feed


@asynccontextmanager
async def _followed(
    parts: Parts, account: Account, project_id: str
) -> AsyncIterator[Followed[ProjectSeen]]:
    await _check_access(parts, account, project_id)
    async with parts.database.read() as connection:
        runs = await newest_runs(connection, project_id, limit=MOST_CHARGE_POINTS + 1)
    if len(runs) > MOST_CHARGE_POINTS:
        raise ConflictError("too_many_charge_points", _TOO_MANY)
    look = _look(parts, project_id)
    with parts.feeds.follow(project_id, account_id=account.id, look=look) as feed:
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


async def _check_access(parts: Parts, account: Account, project_id: str) -> None:
    async with parts.database.read() as connection:
        if account.role is Role.INSTALLER:
            await Projects(connection).get(project_id, installer_id=account.id)
        else:
            await Projects(connection).owned(project_id, site_owner_id=account.id)


@router.get(
    "/events",
    summary="Follow the commissioning of a project live",
    operation_id="followProject",
    dependencies=VERIFIED,
    response_class=EventStream,
    responses=_RESPONSES | problems(401, 403, 404, 422, 429, 503, too_many_charge_points=_TOO_MANY),
)
async def project_events(
    project_id: ProjectId,
    session: Session,
    parts: AppParts,
    feed: Annotated[Followed[ProjectSeen], Depends(_feed)],
    last_event_id: _LastEventId = None,
) -> Response:
    """The runs of all charge points of the project as server-sent events, as they happen.

    The events are those of a charge point's stream. It begins with the first event of each open
    run and the verdict of each charge point whose newest run has ended, and ends with the handover.
    An event with an `id` is told once; after a break, `Last-Event-ID` resumes on any server.
    """
    return await _stream(parts, session, project_id, feed, last_event_id)


@owner_router.get(
    "/events",
    summary="Follow the commissioning of my site live",
    operation_id="followOwnedProject",
    response_class=EventStream,
    responses=_RESPONSES | problems(401, 403, 404, 422, 429, 503, too_many_charge_points=_TOO_MANY),
)
async def owned_project_events(
    project_id: OwnedProjectId,
    session: Session,
    parts: AppParts,
    feed: Annotated[Followed[ProjectSeen], Depends(_owned_feed)],
    last_event_id: _LastEventId = None,
) -> Response:
    """What the installer's stream tells, for the owner of the site: it does not end by itself."""
    return await _stream(parts, session, project_id, feed, last_event_id)


async def _stream(
    parts: Parts,
    session: tuple[Token, Account],
    project_id: str,
    feed: Followed[ProjectSeen],
    last_event_id: str | None,
) -> Response:
    positions = await _positions(parts, project_id, last_event_id)
    token, account = session

    async def recheck() -> None:
        await account_of(parts, token)
        await _check_access(parts, account, project_id)

    right = Right(
        recheck=recheck, expires_at=token.expires_at, stopping=lambda: parts.feeds.closing
    )
    listener = ProjectListener(
        feed,
        right,
        project_id=project_id,
        positions=positions,
        since=lambda charge_point_id: partial(service.views_since, parts, account, charge_point_id),
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
