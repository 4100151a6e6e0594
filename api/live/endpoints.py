"""Endpoint of the stream of events."""

from collections.abc import AsyncIterator
from enum import StrEnum
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Query, Response

from api.commissioning import service
from api.deps import AppParts, ChargePointId, Installer, Session, account_of
from api.live.feeds import Followed
from api.live.stream import EventStream, Listener, Right
from api.live.telling import Position
from api.parts import Parts
from api.problems import problems
from api.verified import VERIFIED
from domain.checks import RunView
from domain.wording import Matching
from storage.charge_points import ChargePoints
from storage.models.accounts import Account
from storage.runs import Runs

router = APIRouter(prefix="/installer/commissioning/{charge_point_id}", tags=["Commissioning"])

_EVENT_ID: Final = Matching(
    r"^com_[0-9A-Z]{26}/(\d{1,6}|verdict)$",
    "must be an id that this stream has sent; without one it is told from its beginning",
)
STREAM_HEADERS: Final = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
_EXAMPLE: Final = """\
retry: 2000

event: check_started
data: {"commissioning_id":"com_01HX6RSTUVWXYZ1234",\
"charge_point_id":"cp_01HX5P2QRSTUVWXYZ0","check":"ocpp_handshake",\
"at":"2026-05-01T09:35:00.214Z"}
id: com_01HX6RSTUVWXYZ1234/2

"""
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The stream",
        "content": {"text/event-stream": {"schema": {"type": "string"}, "example": _EXAMPLE}},
    },
    204: {"description": "With `until=verdict`: the verdict was heard, do not connect again"},
}


class Until(StrEnum):
    """When the stream ends by itself."""

    VERDICT = "verdict"


async def _feed(
    charge_point_id: ChargePointId, installer: Installer, parts: AppParts
) -> AsyncIterator[Followed[RunView]]:
    await _check_ownership(parts, installer, charge_point_id)
    look = partial(service.newest_of, parts, charge_point_id)
    with parts.feeds.follow(charge_point_id, account_id=installer.id, look=look) as feed:
        yield feed  # until the stream has ended, in whatever way


async def _check_ownership(parts: Parts, installer: Account, charge_point_id: str) -> None:
    async with parts.database.read() as connection:
        await ChargePoints(connection).get(charge_point_id, installer_id=installer.id)


@router.get(
    "/events",
    summary="Follow commissioning live",
    operation_id="followCommissioning",
    dependencies=VERIFIED,
    response_class=EventStream,
    responses=_RESPONSES | problems(401, 403, 404, 422, 429, 503),
)
async def events(
    charge_point_id: ChargePointId,
    installer: Installer,
    session: Session,
    parts: AppParts,
    feed: Annotated[Followed[RunView], Depends(_feed)],
    until: Annotated[
        Until | None, Query(description="`verdict`: end the stream after the newest run's verdict")
    ] = None,
    last_event_id: Annotated[
        Annotated[str, _EVENT_ID] | None,
        Header(description="The `id` heard last; the stream goes on after it"),
    ] = None,
) -> Response:
    """The runs of the charge point as server-sent events, as they happen.

    It begins with the newest run, from its first event, and goes on with the next run. An event
    with an `id` is told once; after a break, `Last-Event-ID` resumes on any server. Events without
    an `id` (`waiting`, `interrupted`, `closing`) are true for the moment only.
    """
    position = None if last_event_id is None else Position.of(last_event_id)
    if until is Until.VERDICT and position is not None and position.ended:
        async with parts.database.read() as connection:
            newest = await Runs(connection).latest(charge_point_id)
        if newest is not None and newest.request.commissioning_id == position.run:
            return Response(status_code=HTTPStatus.NO_CONTENT)
    token, _ = session

    async def recheck() -> None:
        await account_of(parts, token)
        await _check_ownership(parts, installer, charge_point_id)

    right = Right(
        recheck=recheck, expires_at=token.expires_at, stopping=lambda: parts.feeds.closing
    )
    listener = Listener(
        feed,
        right,
        position=position,
        until_verdict=until is Until.VERDICT,
        since=partial(service.views_since, parts, installer, charge_point_id),
    )
    return EventStream(listener.listen(), headers=STREAM_HEADERS)
