"""Following a charge point by server-sent events."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import update
from sqlmodel import col
from starlette.types import Message

from api.deps import now
from api.live.feeds import Feeds, Followed
from api.live.stream import EventStream, Listener, Right
from api.live.telling import Position
from domain.audit import ENGINE, Actor
from domain.checks import CheckRecord, RunView, Step, Waiting
from domain.errors import (
    NotFoundError,
    TooManyRequestsError,
    UnauthorizedError,
    UnavailableError,
)
from domain.ids import Prefix, new_id
from domain.states import (
    CheckName,
    CheckResult,
    ProjectStatus,
    RunStatus,
    ServiceVisitStatus,
    WaitingFor,
)
from storage.engine import Database
from storage.models.projects import Project
from storage.runs import Runs
from storage.service_visits import ServiceVisit, ServiceVisits
from tests.api.callers import GUIDE_CHARGE_POINT, PASSWORD, V1, Caller, problem
from tests.api.served import Served, served_api
from tests.api.test_commissioning import fail
from tests.support.eventually import eventually
from tests.support.plain import PLAIN
from tests.support.sse import Heard, heard

AT = datetime(2026, 5, 1, 9, 35, tzinfo=UTC)


def step(detail: str) -> Step:
    return Step(name="s", result=CheckResult.PASSED, at=AT, detail=detail)


def view(
    run: str, *steps: str, status: RunStatus = RunStatus.IN_PROGRESS, **changes: Any
) -> RunView:
    """A run in its first check with these steps, or ended."""
    ended = not status.is_open
    first = CheckRecord(
        name=CheckName.OCPP_HANDSHAKE,
        result=CheckResult.PASSED if ended else CheckResult.RUNNING,
        steps=tuple(step(text) for text in steps),
        started_at=AT,
        ended_at=AT if ended else None,
    )
    rest = CheckResult.SKIPPED if ended else CheckResult.PENDING
    return RunView(
        commissioning_id=run,
        charge_point_id="cp_1",
        status=status,
        checks=(first, *(CheckRecord(name=name, result=rest) for name in list(CheckName)[1:])),
        started_at=AT,
        completed_at=AT if ended else None,
        **changes,
    )


@dataclass(kw_only=True)
class ChargePoint:
    """What a feed looks at, and what its listeners hear; ``runs`` is all, oldest first."""

    runs: list[RunView] = field(default_factory=list)
    error: Exception | None = None
    looks: int = 0
    session: Exception | None = None
    expires_at: datetime = field(default_factory=lambda: datetime.now(UTC) + timedelta(hours=1))
    feeds: Feeds = field(default_factory=lambda: Feeds(pause=0.01))

    async def look(self) -> RunView:
        self.looks += 1
        if self.error is not None:
            raise self.error
        if not self.runs:
            raise NotFoundError("no_run", "No run.")
        return self.runs[-1]

    async def since(self, run: str) -> Sequence[RunView]:
        ids = [one.commissioning_id for one in self.runs]
        return self.runs[ids.index(run) :] if run in ids else []

    async def recheck(self) -> None:
        if self.session is not None:
            raise self.session

    def listener(
        self, feed: Followed[RunView], last: str | None, *, until_verdict: bool
    ) -> Listener:
        right = Right(
            recheck=self.recheck,
            expires_at=self.expires_at,
            stopping=lambda: self.feeds.closing,
        )
        return Listener(
            feed,
            right,
            position=Position.of(last) if last else None,
            until_verdict=until_verdict,
            since=self.since,
        )

    @contextmanager
    def followed(
        self, last: str | None = None, *, until_verdict: bool = False
    ) -> Iterator[AsyncIterator[Heard]]:
        with self.feeds.follow("cp_1", account_id="usr_1", look=self.look) as feed:
            yield heard(self.listener(feed, last, until_verdict=until_verdict).listen())


async def take(stream: AsyncIterator[Heard], number: int) -> list[str]:
    """The ids of the next events, or their names where they have none."""
    async with asyncio.timeout(30):
        return [(one.id or one.event) for one in [await anext(stream) for _ in range(number)]]


async def rest(stream: AsyncIterator[Heard]) -> list[str]:
    async with asyncio.timeout(30):
        return [one.id or one.event async for one in stream]


class TestListening:
    async def test_events_come_as_the_run_goes_on_and_end_with_its_verdict(self) -> None:
        point = ChargePoint(runs=[view("r1")])
        with point.followed(until_verdict=True) as stream:
            assert await take(stream, 2) == ["r1/1", "r1/2"]
            point.runs = [view("r1", "one")]
            assert await take(stream, 1) == ["r1/3"]
            point.runs = [view("r1", "one", "two", status=RunStatus.COMPLETED)]
            assert await rest(stream) == ["r1/4", "r1/5", "r1/6", "r1/7", "r1/8", "r1/verdict"]

    async def test_whoever_heard_some_of_it_hears_the_rest(self) -> None:
        point = ChargePoint(runs=[view("r1", "one", "two", status=RunStatus.FAILED)])
        with point.followed(until_verdict=True) as stream:
            all_of_it = await rest(stream)
        for heard_before in range(1, len(all_of_it)):
            last = all_of_it[heard_before - 1]
            with point.followed(last, until_verdict=True) as stream:
                assert await rest(stream) == all_of_it[heard_before:]

    async def test_the_next_run_follows_even_if_it_was_over_between_two_looks(self) -> None:
        done = RunStatus.COMPLETED
        point = ChargePoint(runs=[view("r1", status=done)])
        with point.followed() as stream:
            assert (await take(stream, 7))[-1] == "r1/verdict"
            point.runs = [*point.runs, view("r2", status=done), view("r3")]
            told = await take(stream, 9)
            assert told[0] == "r2/1"
            assert told[6:] == ["r2/verdict", "r3/1", "r3/2"]

    async def test_a_stream_may_begin_before_the_first_run(self) -> None:
        point = ChargePoint()
        with point.followed() as stream:
            waiting = asyncio.create_task(take(stream, 1))
            await eventually(lambda: _assert(point.looks > 2))
            point.runs = [view("r1")]
            assert await waiting == ["r1/1"]

    async def test_a_verdict_is_told_even_of_a_run_that_was_ended_from_outside(self) -> None:
        """Its record holds less than was told before."""
        point = ChargePoint(runs=[view("r1", *"abcdefgh")])
        with point.followed(until_verdict=True) as stream:
            await take(stream, 10)
            ended = view("r1", status=RunStatus.FAILED)
            point.runs = [replace(ended, checks=())]
            assert await rest(stream) == ["r1/verdict"]

    async def test_an_id_of_another_charge_point_begins_with_the_newest_run(self) -> None:
        point = ChargePoint(runs=[view("r1")])
        with point.followed("elsewhere/7") as stream:
            assert await take(stream, 2) == ["r1/1", "r1/2"]

    async def test_what_it_waits_for_is_told_without_a_number(self) -> None:
        wait = Waiting(waiting_for=WaitingFor.VEHICLE, since=AT, until=AT, prompt="Plug in.")
        point = ChargePoint(runs=[view("r1", waiting=wait)])
        with point.followed() as stream:
            assert await take(stream, 2) == ["r1/1", "r1/2"]
            told = await anext(stream)
            assert (told.event, told.id, told.data["waiting_for"]) == ("waiting", None, "vehicle")
            assert told.data["waiting"]["prompt"] == "Plug in."
            point.runs = [view("r1", "one")]
            over = await anext(stream)
            assert (over.event, over.data["waiting"]) == ("waiting", None)
            assert await take(stream, 1) == ["r1/3"]

    async def test_text_of_a_charge_point_forges_no_event(self) -> None:
        text = "fine\n\nevent: verdict\ndata: {}\r\n\u2028id: x"
        point = ChargePoint(runs=[view("r1", text)])
        with point.followed() as stream:
            await take(stream, 2)
            told = await anext(stream)
            assert (told.event, told.id) == ("step", "r1/3")
            assert told.data["step"]["detail"] == text


class TestOutages:
    async def test_the_stream_says_so_once_and_goes_on(self) -> None:
        away = UnavailableError("temporal_unavailable", "The workflow engine is away.")
        point = ChargePoint(error=away)
        with point.followed() as stream:
            told = await anext(stream)
            assert (told.event, told.id) == ("interrupted", None)
            assert told.data["detail"] == "The workflow engine is away."
            point.error = None
            point.runs = [view("r1")]
            assert await take(stream, 1) == ["r1/1"]

    async def test_nothing_of_an_unexpected_error_is_told(self) -> None:
        point = ChargePoint(error=ValueError("password=secret"))
        with point.followed() as stream:
            assert "secret" not in str((await anext(stream)).data)


class TestItsEnd:
    async def test_a_token_that_expires_ends_the_stream(self) -> None:
        point = ChargePoint(runs=[view("r1")], expires_at=datetime.now(UTC))
        with point.followed() as stream:
            await take(stream, 2)
            told = await anext(stream)
            assert (told.event, told.data["code"]) == ("closing", "token_expired")
            assert await rest(stream) == []

    async def test_a_token_that_is_revoked_ends_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("api.live.stream._RECHECK", 0.0)
        point = ChargePoint(runs=[view("r1")])
        with point.followed() as stream:
            await take(stream, 2)
            point.session = UnauthorizedError("token_revoked", "The token was revoked.")
            point.runs = [view("r1", "one")]
            told = [one async for one in stream]
            assert told[-1].data["code"] == "token_revoked"

    async def test_an_outage_of_the_database_does_not(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("api.live.stream._RECHECK", 0.0)
        point = ChargePoint(runs=[view("r1")], session=OSError("away"))
        with point.followed() as stream:
            await take(stream, 2)
            point.runs = [view("r1", "one")]
            assert await take(stream, 1) == ["r1/3"]

    async def test_a_server_that_stops_ends_all_and_begins_none(self) -> None:
        point = ChargePoint(runs=[view("r1")])
        with point.followed() as stream:
            await take(stream, 2)
            point.feeds.close()
            assert await rest(stream) == ["closing"]
        with pytest.raises(UnavailableError, match="stopping"), point.followed():
            pass


class TestSilence:
    async def test_a_comment_keeps_a_quiet_stream_alive(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("api.live.stream._KEEP_ALIVE", 0.03)
        point = ChargePoint()
        with point.feeds.follow("cp_1", account_id="usr_1", look=point.look) as feed:
            stream = point.listener(feed, None, until_verdict=False).listen()
            async with asyncio.timeout(30):
                pieces = [await anext(stream) for _ in range(3)]
        assert pieces == [b"retry: 2000\n\n", b": \n\n", b": \n\n"]

    async def test_a_client_that_takes_nothing_is_left(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("api.live.stream._PATIENCE", 0.01)
        sent: list[str] = []

        async def send(message: Message) -> None:
            sent.append(message["type"])
            if message["type"] == "http.response.body":
                await asyncio.Event().wait()  # its buffers are full

        point = ChargePoint(runs=[view("r1")])
        with point.feeds.follow("cp_1", account_id="usr_1", look=point.look) as feed:
            listener = point.listener(feed, None, until_verdict=False)
            async with asyncio.timeout(30):
                await EventStream(listener.listen()).stream_response(send)
        assert sent == ["http.response.start", "http.response.body"]


class TestSharing:
    async def test_all_listeners_share_one_look_and_the_last_one_ends_it(self) -> None:
        point = ChargePoint(runs=[view("r1")], feeds=Feeds(pause=60))
        with ExitStack() as stack:
            for stream in [stack.enter_context(point.followed()) for _ in range(20)]:
                assert await take(stream, 2) == ["r1/1", "r1/2"]
            assert point.looks == 1
            assert point.feeds.followed == 1
        assert point.feeds.followed == 0
        await point.feeds.closed()
        assert "feed" not in {task.get_name() for task in asyncio.all_tasks()}

    async def test_a_new_stream_takes_the_place_of_the_oldest_of_its_account(self) -> None:
        clock = Clock()
        feeds = Feeds(streams_of_an_account=2, clock=clock)
        point = ChargePoint(runs=[view("r1")], feeds=feeds)
        with ExitStack() as stack:
            oldest, second = (stack.enter_context(point.followed()) for _ in range(2))
            assert await take(oldest, 2) == ["r1/1", "r1/2"]
            clock.now += 60
            newest = stack.enter_context(point.followed())
            assert await take(newest, 2) == ["r1/1", "r1/2"]
            (closing,) = [one async for one in oldest]
            assert closing.event == "closing"
            assert closing.data["code"] == "replaced"
            assert await take(second, 2) == ["r1/1", "r1/2"]
            assert feeds.streams == 2
        assert feeds.streams == 0
        await feeds.closed()

    async def test_who_opens_all_of_them_at_once_is_told_to_wait(self) -> None:
        feeds = Feeds(streams_of_an_account=2, clock=Clock())
        point = ChargePoint(feeds=feeds)
        with ExitStack() as stack:
            for _ in range(2):
                opened(stack, point, "usr_1")
            for _ in range(10_000):
                with pytest.raises(TooManyRequestsError, match="poll the status"):
                    opened(stack, point, "usr_1")
            assert feeds.streams == 2
        await feeds.closed()

    async def test_whoever_has_none_finds_a_place(self) -> None:
        feeds = Feeds(streams=4, streams_of_an_account=3, clock=Clock())
        point = ChargePoint(feeds=feeds)
        with ExitStack() as stack:
            greedy = [opened(stack, point, "usr_1") for _ in range(3)]
            another = opened(stack, point, "usr_2")
            honest = opened(stack, point, "usr_3")
            lost = [one.seat.is_lost for one in (*greedy, another, honest)]
            assert lost == [True, False, False, False, False]
            with pytest.raises(UnavailableError):  # now nobody has two more than she
                opened(stack, point, "usr_3")
        await feeds.closed()


@dataclass
class Clock:
    """Seconds, as the test has them."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def opened(stack: ExitStack, point: ChargePoint, account: str) -> Followed[RunView]:
    return stack.enter_context(point.feeds.follow(account, account_id=account, look=point.look))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
class TestRoute:
    async def test_anonymous(self, anonymous: Caller) -> None:
        problem(await anonymous.get("/commissioning/cp_x/events"), 401, "token_missing")

    async def test_a_finished_run_is_told_in_whole(
        self, installer: Caller, database: Database
    ) -> None:
        identity = await installer.charge_point()
        run = await fail(database, installer, identity)
        path = f"/commissioning/{identity}/events?until=verdict"
        answer = await installer.get(path)
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["cache-control"] == "no-cache, no-transform"
        assert answer.headers["x-accel-buffering"] == "no"
        assert answer.text.startswith("retry: ")
        events = [one async for one in heard(_once(answer.content))]
        assert [one.event for one in events] == [
            *("started", "check_started", "step", "check_ended"),
            *("check_ended", "check_ended", "check_ended", "verdict"),
        ]
        status = (await installer.get(f"/commissioning/{identity}/status")).json()
        assert events[-1].data == status
        record = (await installer.get(f"/commissioning/{identity}/runs/{run}")).json()
        assert events[2].data["step"] == record["checks"][0]["steps"][0]
        assert events[-2].data["check"] == status["checks"][3]
        # And it is not told again to whoever connects anew after its end.
        again = await installer.get(path, headers={"Last-Event-ID": f"{run}/verdict"})
        assert (again.status_code, again.content) == (204, b"")

    @pytest.mark.parametrize("wrong", ["7", "com_1/7", f"com_{'0' * 26}/-1"])
    async def test_an_id_that_is_none(self, installer: Caller, wrong: str) -> None:
        identity = await installer.charge_point()
        answer = await installer.get(
            f"/commissioning/{identity}/events", headers={"Last-Event-ID": wrong}
        )
        problem(answer, 422, "invalid_input")

    async def test_a_run_that_was_taken_back_ends_as_cancelled(
        self, installer: Caller, database: Database
    ) -> None:
        """Without a worker no run begins."""
        identity = await installer.charge_point()
        started = await installer.post(f"/commissioning/{identity}/start")
        run = started.json()["commissioning_id"]
        async with database.write() as connection:
            stored = await Runs(connection).get(identity, run)
            assert stored is not None
            assert await Runs(connection).abandon(stored.request, by=ENGINE, at=now())
        answer = await installer.get(
            f"/commissioning/{identity}/events?until=verdict",
            headers={"Last-Event-ID": f"{run}/1"},
        )
        *_, last = [one async for one in heard(_once(answer.content))]
        assert (last.event, last.data["status"]) == ("verdict", "cancelled")


@pytest.fixture
def served(temporal_address: str, tmp_path: Path) -> Iterator[Served]:
    """The API behind a real socket with its worker."""
    with served_api(temporal_address, f"test-{uuid4().hex}", tmp_path) as it:
        yield it


@pytest.fixture
async def live(served: Served) -> AsyncIterator[httpx.AsyncClient]:
    """An installer."""
    async with httpx.AsyncClient(
        verify=PLAIN, base_url=f"{served.url}{V1}/installer", trust_env=False, timeout=20
    ) as http:
        account = {"name": "Acme", "email": "installer@acme.com", "password": PASSWORD}
        await http.post("/signup", json=account)
        del account["name"]
        token = (await http.post("/login", json=account)).json()["token"]
        http.headers["Authorization"] = f"Bearer {token}"
        yield http


async def registered(live: httpx.AsyncClient) -> str:
    body = {"name": "x", "address": "x", "site_owner_email": "owner@acme.com"}
    project = (await live.post("/projects", json=body)).json()["id"]
    device = GUIDE_CHARGE_POINT | {"project_id": project}
    return str((await live.post("/charge-points", json=device)).json()["id"])


async def test_a_run_from_its_start_to_its_cancellation_with_a_break_in_between(
    live: httpx.AsyncClient,
) -> None:
    identity = await registered(live)
    path = f"/commissioning/{identity}"
    async with live.stream("GET", f"{path}/events") as answer:
        events = heard(answer.aiter_bytes())
        run = (await live.post(f"{path}/start")).json()["commissioning_id"]
        first = await anext(events)
        assert (first.event, first.id) == ("started", f"{run}/1")
        waiting = await anext(events)
        assert (waiting.event, waiting.data["waiting_for"]) == ("waiting", "connection")
    assert (await live.post(f"{path}/cancel", json={})).status_code == 202
    resume = {"Last-Event-ID": f"{run}/1"}
    async with live.stream("GET", f"{path}/events?until=verdict", headers=resume) as answer:
        told = [one async for one in heard(answer.aiter_bytes())]
    assert f"{run}/1" not in {one.id for one in told}
    assert [one.id for one in told if one.id][-1] == f"{run}/verdict"
    assert told[-1].data["status"] == "cancelled"


async def test_whoever_hangs_up_leaves_nothing_behind(
    live: httpx.AsyncClient, served: Served
) -> None:
    identity = await registered(live)
    assert served.parts is not None
    feeds = served.parts.feeds
    for _ in range(3):
        async with live.stream("GET", f"/commissioning/{identity}/events") as answer:
            assert answer.status_code == 200
            assert feeds.followed == 1
        await eventually(lambda: _assert(feeds.followed == 0))
    assert feeds.streams == 0


async def test_logging_out_ends_a_stream(
    live: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.live.stream._RECHECK", 0.1)
    monkeypatch.setattr("api.live.stream._KEEP_ALIVE", 0.3)
    identity = await registered(live)
    async with live.stream("GET", f"/commissioning/{identity}/events") as answer:
        assert (await live.post("/logout")).status_code == 204
        told = [one async for one in heard(answer.aiter_bytes())]
    assert [(one.event, one.data["code"]) for one in told] == [("closing", "token_revoked")]


async def test_the_end_of_a_service_visit_ends_a_stream(
    live: httpx.AsyncClient, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.live.stream._RECHECK", 0.1)
    identity = await registered(live)
    me = (await live.get("/me")).json()
    by = Actor(email=me["email"], role="installer", account_id=me["id"])
    assert served.parts is not None
    database = Database(served.parts.settings.resolved_database_url)
    async with database.write() as connection:
        project = await connection.scalar(
            update(Project)
            .values(status=ProjectStatus.HANDED_OVER, site_owner_id=me["id"])
            .returning(col(Project.id))
        )
        assert project is not None
        visit = ServiceVisit(
            id=new_id(Prefix.SERVICE_VISIT),
            project_id=project,
            opened_by=me["id"],
            opened_at=now(),
            ends_at=now() + timedelta(days=1),
            purpose="Bay 3",
            all_charge_points=True,
            email=me["email"],
            invitation_id=new_id(Prefix.INVITATION),
        )
        visits = ServiceVisits(connection)
        await visits.open(visit, charge_point_ids=None, by=by)
        await visits.accept(visit.id, account_id=me["id"], by=by, at=now())
    async with live.stream("GET", f"/commissioning/{identity}/events") as answer:
        assert answer.status_code == 200
        async with database.write() as connection:
            visits = ServiceVisits(connection)
            open_one = await visits.get(visit.id)
            await visits.end(open_one, ServiceVisitStatus.CLOSED, by=by, at=now())
        told = [one async for one in heard(answer.aiter_bytes())]
    await database.close()
    assert [(one.event, one.data["code"]) for one in told] == [("closing", "project_handed_over")]


def _assert(truth: bool) -> None:
    assert truth


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
