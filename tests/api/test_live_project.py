"""Following all charge points of a project over one connection."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from api.live.feeds import Feeds
from api.live.project_stream import ProjectListener, read, written
from api.live.projects import ProjectLook, ProjectSeen
from api.live.stream import Right
from api.live.telling import Position
from domain.checks import RunView, Waiting
from domain.errors import NotFoundError, UnavailableError
from domain.ids import Prefix, new_id
from domain.states import ProjectRole, ProjectStatus, Role, RunStatus, WaitingFor
from storage.accounts import Accounts
from storage.engine import Database
from storage.members import Members
from storage.models.accounts import Account
from storage.projects import Projects
from storage.run_queries import NewestRun
from tests.api.callers import PASSWORD, V1, Caller, problem
from tests.api.served import Served, served_api
from tests.api.test_commissioning import fail
from tests.api.test_live import AT, view
from tests.support.plain import PLAIN
from tests.support.sse import Heard, heard

BAYS = [f"cp_{number:02}" for number in range(40)]
PROJECT = "prj_" + "0" * 26


def run_of(bay: str, number: int = 1, *steps: str, **changes: object) -> RunView:
    made = view(f"com_{bay}_{number}", *steps, **changes)  # type: ignore[arg-type]
    return replace(made, charge_point_id=bay)


@dataclass(kw_only=True)
class Site:
    """What a feed sees of a project; ``runs`` are all of each bay, oldest first."""

    runs: dict[str, list[RunView]] = field(default_factory=dict)
    outage: str | None = None
    feeds: Feeds = field(default_factory=lambda: Feeds(pause=0.01))

    async def look(self) -> ProjectSeen:
        newest = tuple(runs[-1] for runs in self.runs.values())
        return ProjectSeen(runs=newest, outage=self.outage)

    def put(self, bay: str, *steps: str, number: int = 1, **changes: object) -> None:
        """Let a run of the bay stand so, its newest one or one more."""
        made = run_of(bay, number, *steps, **changes)
        self.runs[bay] = [*self.runs.get(bay, [])[: number - 1], made]

    def positions(self, last: str | None) -> dict[str, Position] | None:
        by_run = {run.commissioning_id: bay for bay, runs in self.runs.items() for run in runs}
        return None if last is None else dict(read(last.partition("/")[2], by_run))

    @contextmanager
    def followed(self, last: str | None = None) -> Iterator[AsyncIterator[Heard]]:
        right = Right(
            recheck=self.recheck,
            expires_at=datetime.now(UTC) + timedelta(hours=1),
            stopping=lambda: self.feeds.closing,
        )
        with self.feeds.follow(PROJECT, account_id="usr_1", look=self.look) as feed:
            listener = ProjectListener(
                feed,
                right,
                project_id=PROJECT,
                positions=self.positions(last),
                since=lambda bay: lambda run: self.since(bay, run),
            )
            yield heard(listener.listen())

    async def since(self, bay: str, run: str) -> Sequence[RunView]:
        ids = [one.commissioning_id for one in self.runs[bay]]
        return self.runs[bay][ids.index(run) :]

    async def recheck(self) -> None:
        """Everybody may go on."""


async def take(stream: AsyncIterator[Heard], number: int) -> list[Heard]:
    async with asyncio.timeout(30):
        return [await anext(stream) for _ in range(number)]


def named(one: Heard) -> tuple[str, str, str]:
    """What tells an event from every other."""
    check = one.data.get("check", "")
    what = check["name"] if isinstance(check, dict) else check
    return one.data["commissioning_id"], one.event, f"{what} {one.data.get('step', '')}"


class TestListening:
    async def test_forty_bays_and_a_break_at_any_event(self) -> None:
        site = Site()
        for bay in BAYS:
            site.put(bay, "one", "two", status=RunStatus.IN_PROGRESS)
        with site.followed() as stream:
            whole = await take(stream, 4 * len(BAYS))
        once = Counter(named(one) for one in whole)
        assert len(once) == 4 * len(BAYS)
        assert {one.data["charge_point_id"] for one in whole} == set(BAYS)
        for cut in range(1, len(whole), 7):
            with site.followed(whole[cut - 1].id) as stream:
                rest = await take(stream, len(whole) - cut)
            assert Counter(named(one) for one in [*whole[:cut], *rest]) == once
            assert rest[-1].id == whole[-1].id
        await site.feeds.closed()

    async def test_each_run_is_told_to_its_verdict_and_then_the_next(self) -> None:
        site = Site()
        site.put("cp_00", "one")
        site.put("cp_01")
        with site.followed() as stream:
            heard_before = await take(stream, 5)
        site.put("cp_00", "one", status=RunStatus.FAILED)
        site.put("cp_00", number=2)
        site.put("cp_01", status=RunStatus.COMPLETED)
        site.put("cp_02")
        with site.followed(heard_before[-1].id) as stream:
            told = [named(one)[:2] for one in await take(stream, 14)]
        ends = ["check_ended"] * 4
        assert [event for run, event in told if run == "com_cp_00_1"] == [*ends, "verdict"]
        assert [event for run, event in told if run == "com_cp_00_2"] == [
            "started",
            "check_started",
        ]
        assert [event for run, event in told if run == "com_cp_01_1"] == [*ends, "verdict"]
        assert [event for run, event in told if run == "com_cp_02_1"] == [
            "started",
            "check_started",
        ]
        await site.feeds.closed()

    async def test_of_what_had_ended_before_the_verdict_is_told_and_no_more(self) -> None:
        site = Site()
        for bay in BAYS:
            site.put(bay, "one", status=RunStatus.COMPLETED)
        with site.followed() as stream:
            told = await take(stream, len(BAYS))
            assert {one.event for one in told} == {"verdict"}
            site.put("cp_07", number=2)
            assert [one.event for one in await take(stream, 2)] == ["started", "check_started"]
        with site.followed(told[-1].id) as stream:
            assert {one.data["charge_point_id"] for one in await take(stream, 2)} == {"cp_07"}
        await site.feeds.closed()

    async def test_an_outage_of_open_runs_keeps_no_verdict_back(self) -> None:
        site = Site()
        site.put("cp_00")
        with site.followed() as stream:
            await take(stream, 2)
            site.outage = "Temporal is away."
            site.put("cp_01", status=RunStatus.COMPLETED)
            told = await take(stream, 8)
        assert [one.event for one in told][-2:] == ["verdict", "interrupted"]
        assert told[-1].data["detail"] == "Temporal is away."
        await site.feeds.closed()

    def test_the_id_of_the_largest_project_fits_into_a_header(self) -> None:
        runs = {f"com_{number:026}": f"cp_{number}" for number in range(400)}
        positions = [Position(run=run, heard=number) for number, run in enumerate(runs)]
        text = written(positions)
        assert len(text) < 4000
        back = read(text, runs)
        assert back == {f"cp_{one.heard}": one for one in positions if one.heard}


@dataclass(kw_only=True)
class Open:
    """Open runs behind Temporal, and what it costs to look at them."""

    runs: dict[str, RunView]
    rows: dict[str, NewestRun]
    away: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    read: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, bays: Sequence[str]) -> "Open":
        rows = {
            bay: NewestRun(
                charge_point_id=bay,
                commissioning_id=f"com_{bay}_1",
                status=RunStatus.IN_PROGRESS,
                wait_number=0,
            )
            for bay in bays
        }
        return cls(runs={bay: run_of(bay) for bay in bays}, rows=rows)

    async def newest(self) -> Sequence[NewestRun]:
        return list(self.rows.values())

    async def verdicts(self, run_ids: Collection[str]) -> Sequence[RunView]:
        self.read += run_ids
        return [run for run in self.runs.values() if run.commissioning_id in run_ids]

    async def ask(self, run: NewestRun) -> RunView:
        self.asked.append(run.charge_point_id)
        if run.charge_point_id in self.away:
            raise UnavailableError("temporal_unavailable", "It does not answer.")
        return self.runs[run.charge_point_id]

    def look(self) -> ProjectLook:
        return ProjectLook(newest=self.newest, verdicts=self.verdicts, ask=self.ask)

    def end(self, bay: str) -> None:
        self.rows[bay] = replace(self.rows[bay], status=RunStatus.COMPLETED)
        self.runs[bay] = run_of(bay, status=RunStatus.COMPLETED)


class TestLooking:
    async def test_ten_are_asked_at_a_look_and_each_in_its_turn(self) -> None:
        site = Open.of(BAYS)
        look = site.look()
        for number in range(1, 5):
            seen = await look()
            assert len(site.asked) == 10 * number
            assert len(seen.runs) == 10 * number
        assert set(site.asked) == set(BAYS)
        for _ in range(4):
            await look()
        assert set(Counter(site.asked).values()) == {2}

    async def test_a_run_that_waits_is_asked_when_it_waits_for_something_else(self) -> None:
        wait = Waiting(waiting_for=WaitingFor.CONNECTION, since=AT, until=AT, prompt="Switch on.")
        site = Open.of(BAYS[:3])
        site.runs |= {bay: replace(run_of(bay), waiting=wait) for bay in site.runs}
        look = site.look()
        for _ in range(5):
            await look()
        assert site.asked == BAYS[:3]
        site.rows["cp_01"] = replace(site.rows["cp_01"], wait_number=1)
        site.asked.clear()
        await look()
        assert sorted(site.asked) == BAYS[:3], "every fifth look"
        site.asked.clear()
        site.rows["cp_01"] = replace(site.rows["cp_01"], wait_number=2)
        await look()
        assert site.asked == ["cp_01"]

    async def test_a_verdict_is_read_once(self) -> None:
        site = Open.of(BAYS[:2])
        look = site.look()
        await look()
        site.end("cp_00")
        for _ in range(3):
            seen = await look()
        assert site.read == ["com_cp_00_1"]
        assert [run.status for run in seen.runs] == [RunStatus.COMPLETED, RunStatus.IN_PROGRESS]

    async def test_runs_that_do_not_answer_hold_up_no_other(self) -> None:
        site = Open.of(BAYS)
        site.away = set(BAYS[:10])
        look = site.look()
        assert (await look()).outage == "It does not answer."
        for _ in range(3):
            seen = await look()
            assert seen.outage is None
        assert len(seen.runs) == 30

    async def test_a_run_that_was_taken_back_is_left_out(self) -> None:
        site = Open.of(BAYS[:2])

        async def ask(run: NewestRun) -> RunView:
            if run.charge_point_id == "cp_00":
                raise NotFoundError("run_not_found", "None.")
            return await site.ask(run)

        seen = await ProjectLook(newest=site.newest, verdicts=site.verdicts, ask=ask)()
        assert [run.charge_point_id for run in seen.runs] == ["cp_01"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
class TestRoute:
    async def test_anonymous(self, anonymous: Caller) -> None:
        problem(await anonymous.get(f"/projects/{PROJECT}/events"), 401, "token_missing")

    @pytest.mark.parametrize("wrong", ["7", f"{PROJECT}/", f"com_{'0' * 26}/7", "own/AAAAA"])
    async def test_an_id_that_is_none(self, installer: Caller, wrong: str) -> None:
        project = await installer.project()
        answer = await installer.get(
            f"/projects/{project}/events",
            headers={"Last-Event-ID": wrong.replace("own", project)},
        )
        problem(answer, 422, "invalid_input")

    async def test_a_project_with_too_many(
        self, installer: Caller, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("api.live.endpoints.MOST_CHARGE_POINTS", 1)
        project = await installer.project()
        for number in range(2):
            identity = await installer.charge_point(project, serial_number=f"SN-{number}")
            await fail(database, installer, identity)
        answer = await installer.get(f"/projects/{project}/events")
        problem(answer, 409, "too_many_charge_points")


@pytest.fixture
def served(temporal_address: str, tmp_path: Path) -> Iterator[Served]:
    """The API behind a real socket with its worker."""
    with served_api(temporal_address, f"test-{uuid4().hex}", tmp_path) as it:
        yield it


async def signed_up(http: httpx.AsyncClient, email: str) -> dict[str, str]:
    account = {"email": email, "password": PASSWORD}
    await http.post("/signup", json=account | {"name": "Acme"})
    token = (await http.post("/login", json=account)).json()["token"]
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
async def live(served: Served) -> AsyncIterator[httpx.AsyncClient]:
    """An installer."""
    async with httpx.AsyncClient(
        verify=PLAIN, base_url=f"{served.url}{V1}/installer", trust_env=False, timeout=30
    ) as http:
        http.headers.update(await signed_up(http, "installer@acme.com"))
        yield http


async def forty(live: httpx.AsyncClient) -> tuple[str, list[str]]:
    """A project with forty bays."""
    body = {"name": "x", "address": "x", "site_owner_email": "owner@acme.com"}
    project = (await live.post("/projects", json=body)).json()["id"]
    rows = "\n".join(f"SN-{number},ABB Terra AC W22,ABB" for number in range(40))
    answer = await live.post(
        f"/projects/{project}/charge-points/import",
        content=f"serial_number,model,vendor\n{rows}\n",
        headers={"Content-Type": "application/octet-stream"},
    )
    assert answer.status_code == 201, answer.text
    return project, [one["id"] for one in answer.json()["items"]]


async def test_forty_runs_from_start_to_verdict_over_one_connection_with_a_break(
    live: httpx.AsyncClient, served: Served
) -> None:
    project, bays = await forty(live)
    path = f"/projects/{project}/events"
    told: list[Heard] = []
    async with asyncio.timeout(150):
        async with live.stream("GET", path) as answer:
            assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
            events = heard(answer.aiter_bytes())
            for bay in bays:
                started = await live.post(f"/commissioning/{bay}/start")
                assert started.status_code == 202, started.text
            while len({one.data["charge_point_id"] for one in told}) < 25:
                told.append(await anext(events))
            assert served.parts is not None
            assert served.parts.feeds.streams == 1
        last = [one.id for one in told if one.id][-1]
        for bay in bays:
            cancelled = await live.post(f"/commissioning/{bay}/cancel", json={})
            assert cancelled.status_code == 202, cancelled.text
        async with live.stream("GET", path, headers={"Last-Event-ID": str(last)}) as answer:
            events = heard(answer.aiter_bytes())
            while sum(one.event == "verdict" for one in told) < len(bays):
                told.append(await anext(events))
    numbered = Counter(named(one) for one in told if one.id)
    assert set(numbered.values()) == {1}, "each once"
    for bay in bays:
        of_bay = [one.event for one in told if one.id and one.data["charge_point_id"] == bay]
        assert of_bay[0] == "started"
        assert of_bay[-1] == "verdict"
        record = (await live.get(f"/commissioning/{bay}/runs")).json()["items"][0]
        path = f"/commissioning/{bay}/runs/{record['commissioning_id']}"
        steps = sum(len(check["steps"]) for check in (await live.get(path)).json()["checks"])
        assert of_bay.count("step") == steps


async def test_who_is_let_go_hears_no_more_and_the_others_go_on(
    live: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.live.stream._RECHECK", 0.1)
    monkeypatch.setattr("api.live.stream._KEEP_ALIVE", 0.3)
    project, (bay, *_) = await forty(live)
    colleague = await signed_up(live, "sam@acme.com")
    lead = (await live.get("/me")).json()["id"]
    sam = (await live.get("/me", headers=colleague)).json()["id"]
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/engine.sqlite3")
    try:
        async with database.write() as connection:
            members = Members(connection, project)
            await members.put(sam, ProjectRole.TECHNICIAN, at=AT)
        path = f"/projects/{project}/events"
        async with (
            asyncio.timeout(60),
            live.stream("GET", path, headers=colleague) as first,
            live.stream("GET", f"/commissioning/{bay}/events", headers=colleague) as first_of_one,
            live.stream("GET", path) as second,
            live.stream("GET", f"/commissioning/{bay}/events") as second_of_one,
        ):
            assert lead != sam
            answer = await live.delete(f"/projects/{project}/collaborators/{sam}")
            assert answer.status_code == 204, answer.text
            for stream in (first, first_of_one):
                told = [one async for one in heard(stream.aiter_bytes())]
                assert [one.event for one in told] == ["closing"]
                assert told[0].data["code"].endswith("_not_found")
            # What they share is looked at by nobody's right: it goes on for who has one.
            assert (await live.post(f"/commissioning/{bay}/start")).status_code == 202
            for stream in (second, second_of_one):
                assert (await anext(heard(stream.aiter_bytes()))).event == "started"
    finally:
        await database.close()


async def test_it_ends_with_the_handover(
    live: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.live.stream._RECHECK", 0.1)
    monkeypatch.setattr("api.live.stream._KEEP_ALIVE", 0.3)
    project, _ = await forty(live)
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/engine.sqlite3")
    try:
        async with asyncio.timeout(60), live.stream("GET", f"/projects/{project}/events") as answer:
            async with database.write() as connection:
                await Projects(connection).change(project, {"status": ProjectStatus.HANDED_OVER})
            told = [one async for one in heard(answer.aiter_bytes())]
        assert [(one.event, one.data["code"]) for one in told] == [
            ("closing", "project_handed_over")
        ]
    finally:
        await database.close()


async def owner_of(served: Served, database: Database, project: str) -> dict[str, str]:
    """Give the project an owner, who is logged in."""
    account = Account(
        id=new_id(Prefix.ACCOUNT),
        role=Role.SITE_OWNER,
        email="owner@acme.com",
        name="Alex",
        company=None,
        password_hash="not a hash",
        token_epoch=0,
        created_at=AT,
    )
    async with database.write() as connection:
        await Accounts(connection).create(account)
        await Projects(connection).change(project, {"site_owner_id": account.id})
    assert served.parts is not None
    token, _ = served.parts.tokens.issue(
        account_id=account.id, role=account.role, epoch=0, now=datetime.now(UTC)
    )
    return {"Authorization": f"Bearer {token}"}


async def test_the_owner_follows_the_site_past_the_handover(
    served: Served, live: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.live.stream._RECHECK", 0.1)
    monkeypatch.setattr("api.live.stream._KEEP_ALIVE", 0.3)
    project, (first, second, *_) = await forty(live)
    other, _ = await forty(live)
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/engine.sqlite3")
    site = f"{served.url}{V1}/site-owner/projects"
    try:
        owner = await owner_of(served, database, project)
        async with (
            asyncio.timeout(60),
            httpx.AsyncClient(verify=PLAIN, headers=owner, trust_env=False, timeout=30) as http,
        ):
            problem(await http.get(f"{site}/{other}/events"), 404, "project_not_found")
            async with http.stream("GET", f"{site}/{project}/events") as answer:
                assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
                assert (await live.post(f"/commissioning/{first}/start")).status_code == 202
                began = await anext(heard(answer.aiter_bytes()))
                assert (began.event, began.data["charge_point_id"]) == ("started", first)
            assert (await live.post(f"/commissioning/{second}/start")).status_code == 202
            last = {"Last-Event-ID": str(began.id)}
            async with http.stream("GET", f"{site}/{project}/events", headers=last) as answer:
                chunks = answer.aiter_bytes()
                events = heard(chunks)
                while (told := await anext(events)).event != "started":
                    assert told.data["charge_point_id"] == first
                assert told.data["charge_point_id"] == second, "the first start is told once"
                run = f"charge-points/{second}/runs/{told.data['commissioning_id']}"
                assert (await http.get(f"{site}/{project}/{run}")).status_code == 200
                async with database.write() as connection:
                    change = {"status": ProjectStatus.HANDED_OVER}
                    await Projects(connection).change(project, change)
                for _ in range(3):  # its right has been looked at since
                    assert b"closing" not in await anext(chunks)
    finally:
        await database.close()
