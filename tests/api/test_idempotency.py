"""A POST with an ``Idempotency-Key`` is carried out once, whatever is repeated or dies."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, update
from sqlmodel import col

from api.deps import now
from api.idempotency import keyed
from api.idempotency.decisions import NOT_KEYED, SECRET
from api.idempotency.work import KeyedWork
from api.temporal import TemporalGateway
from domain.errors import UnavailableError
from domain.ids import Prefix, new_id
from domain.invitations import InvitationSent
from domain.states import AccessMode, DeliveryStatus, Role
from storage.access import Access
from storage.engine import Database
from storage.fact_records import TransactionStart
from storage.kept_answers import KeptAnswers, Keyed, StoredAnswer
from storage.models.accounts import KeptAnswer
from storage.models.charge_points import ChargePoint
from storage.models.projects import Project
from storage.models.webhooks import Webhook, WebhookDelivery
from storage.store_facts import store_facts
from temporal.reconciler import Reconciler
from tests.api.callers import GUIDE_CHARGE_POINT, V1, Caller, problem
from tests.api.conftest import Outbox, accept_invitation
from tests.api.node import contest, hold
from tests.api.test_audit import Asking
from tests.api.test_commissioning import cancelled
from tests.api.test_connection_attempts import refuse
from tests.api.test_declarations import picture
from tests.api.test_handover import SIGN_OFF
from tests.api.visits import Site, accept
from tests.support.eventually import eventually
from tests.support.holding import held_record

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PROJECT = {
    "name": "Riverside Business Park",
    "address": "12 Riverside Way, Bristol, BS1 4AA",
    "site_owner_email": "facilities@riversidebp.com",
}
WEBHOOK = {"url": "https://93.184.216.34/hook"}


def key(value: str = "") -> dict[str, str]:
    """A header with that key, or with one of its own."""
    return {"Idempotency-Key": value or str(uuid4())}


async def count(database: Database, table: Any) -> int:
    async with database.read() as connection:
        return int(await connection.scalar(select(func.count()).select_from(table)) or 0)


def same(first: httpx.Response, again: httpx.Response) -> None:
    """The answer of a repeat is that of the first request."""
    assert (again.status_code, again.content) == (first.status_code, first.content), again.text
    for name in ("content-type", "location"):
        assert again.headers.get(name) == first.headers.get(name)
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"


class TestRepeats:
    async def test_a_repeat_has_the_same_answer_and_no_effect(
        self, installer: Caller, database: Database
    ) -> None:
        headers = key()
        first = await installer.post("/projects", PROJECT, headers=headers)
        assert first.status_code == 201
        same(first, await installer.post("/projects", PROJECT, headers=headers))
        same(first, await installer.post("/projects", PROJECT, headers=headers))
        assert await count(database, Project) == 1

    async def test_many_at_once_have_one_effect(
        self, installer: Caller, database: Database
    ) -> None:
        headers = key()
        answers = await asyncio.gather(
            *(installer.post("/projects", PROJECT, headers=headers) for _ in range(8))
        )
        made = [answer for answer in answers if answer.status_code == 201]
        assert made
        assert len({answer.content for answer in made}) == 1
        for answer in answers:
            if answer not in made:
                problem(answer, 409, "idempotency_key_in_use")
                assert int(answer.headers["retry-after"]) > 0
        assert await count(database, Project) == 1

    async def test_another_body_with_the_key_is_refused(
        self, installer: Caller, database: Database
    ) -> None:
        headers = key()
        await installer.post("/projects", PROJECT, headers=headers)
        answer = await installer.post("/projects", PROJECT | {"name": "Other"}, headers=headers)
        problem(answer, 409, "idempotency_key_reused")
        assert await count(database, Project) == 1
        answer = await installer.post("/projects", PROJECT | {"name": "Other"}, headers=key())
        assert answer.status_code == 201, answer.text

    async def test_a_key_is_of_an_account_and_a_route(
        self, installer: Caller, stranger: Caller, database: Database
    ) -> None:
        headers = key()
        first = await installer.post("/projects", PROJECT, headers=headers)
        other = await stranger.post("/projects", PROJECT, headers=headers)
        assert other.status_code == 201
        assert other.json()["id"] != first.json()["id"]
        body = GUIDE_CHARGE_POINT | {"project_id": first.json()["id"]}
        answer = await installer.post("/charge-points", body, headers=headers)
        assert answer.status_code == 201, answer.text
        one = answer.json()["id"]
        two = await installer.charge_point(first.json()["id"], serial_number="SN-2")
        for identity in (one, two):
            answer = await installer.post(f"/commissioning/{identity}/start", headers=headers)
            assert answer.json()["charge_point_id"] == identity
        assert await count(database, KeptAnswer) == 5

    async def test_without_a_key_nothing_is_kept(
        self, installer: Caller, database: Database
    ) -> None:
        await installer.project()
        await installer.project()
        assert await count(database, Project) == 2
        assert await count(database, KeptAnswer) == 0

    async def test_who_is_nobody_leaves_nothing(
        self, anonymous: Caller, database: Database
    ) -> None:
        for _ in range(2):
            answer = await anonymous.post("/projects", PROJECT, headers=key("k"))
            problem(answer, 401, "token_missing")
        bad = Caller(http=anonymous.http, token="no token")
        problem(await bad.post("/projects", PROJECT, headers=key("k")), 401, "token_invalid")
        assert await count(database, KeptAnswer) == 0


@on_sqlite
class TestTheKey:
    @pytest.mark.parametrize(
        ("one", "other"), [('"abc"', "abc"), (r'"a\"b\\c"', r'a"b\c'), ("x y", ' "x y" ')]
    )
    async def test_is_the_same_with_or_without_quotes(
        self, installer: Caller, one: str, other: str
    ) -> None:
        first = await installer.post("/projects", PROJECT, headers=key(one))
        same(first, await installer.post("/projects", PROJECT, headers=key(other)))

    async def test_case_matters(self, installer: Caller) -> None:
        first = await installer.post("/projects", PROJECT, headers=key("abc"))
        other = await installer.post("/projects", PROJECT, headers=key("ABC"))
        assert first.json()["id"] != other.json()["id"]

    @pytest.mark.parametrize("bad", ['""', " ", "x" * 256, "caf\u00e9", "a\tb"])
    async def test_has_1_to_255_printable_characters(self, installer: Caller, bad: str) -> None:
        headers = {b"Idempotency-Key": bad.encode("latin-1")}
        answer = await installer.call(
            "POST", f"{V1}/installer/projects", PROJECT, headers=_with(installer, headers)
        )
        assert "255" in problem(answer, 400, "idempotency_key_invalid")["detail"]

    async def test_is_one(self, installer: Caller) -> None:
        two = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
        headers = httpx.Headers([("Authorization", f"Bearer {installer.token}"), *two])
        answer = await installer.http.post(
            f"{V1}/installer/projects", json=PROJECT, headers=headers
        )
        problem(answer, 400, "idempotency_key_invalid")
        assert (await installer.post("/projects", PROJECT, headers=key())).status_code == 201

    async def test_json_is_compared_by_what_it_says(self, installer: Caller) -> None:
        headers = key() | {"Content-Type": "application/json"}
        path = "/projects"
        text = b'{"name": "N", "address": "A", "site_owner_email": "a@acme.com"}'
        turned = b'{"site_owner_email":"a@acme.com","address":"A","name":"N"}'
        first = await installer.post(path, content=text, headers=headers)
        same(first, await installer.post(path, content=turned, headers=headers))

    async def test_the_query_counts(self, installer: Caller) -> None:
        identity = await installer.charge_point()
        path, headers = f"/charge-points/{identity}/photos", key()
        first = await installer.post(f"{path}?caption=RCD", content=picture(), headers=headers)
        assert first.status_code == 201
        answer = await installer.post(f"{path}?caption=MCB", content=picture(), headers=headers)
        problem(answer, 409, "idempotency_key_reused")


def _with(caller: Caller, headers: Mapping[bytes, bytes]) -> dict[Any, Any]:
    return {b"Authorization": f"Bearer {caller.token}".encode(), **headers}


class TestErrors:
    async def test_what_was_refused_can_be_put_right_with_the_same_key(
        self, installer: Caller
    ) -> None:
        headers = key()
        answer = await installer.post("/projects", PROJECT | {"name": ""}, headers=headers)
        problem(answer, 422, "invalid_input")
        answer = await installer.post("/projects", PROJECT, headers=headers)
        assert answer.status_code == 201

    async def test_a_conflict_is_looked_at_anew(self, installer: Caller) -> None:
        identity = await installer.charge_point()
        headers = key()
        project = (await installer.get(f"/charge-points/{identity}")).json()["project_id"]
        body = GUIDE_CHARGE_POINT | {"project_id": project}
        problem(
            await installer.post("/charge-points", body, headers=headers), 409, "duplicate_serial"
        )
        await installer.delete(f"/charge-points/{identity}")
        answer = await installer.post("/charge-points", body, headers=headers)
        assert answer.status_code == 201

    async def test_what_was_away_is_tried_anew(
        self, app: FastAPI, installer: Caller, database: Database
    ) -> None:
        whole = app.state.parts

        class Away(TemporalGateway):
            def __init__(self) -> None:
                vars(self).update(vars(whole.temporal))

            async def check(self) -> None:
                raise UnavailableError("temporal_unavailable", "Away.")

        headers = key()
        app.state.parts = replace(whole, temporal=Away())
        answer = await installer.post("/projects", PROJECT, headers=headers)
        problem(answer, 503, "temporal_unavailable")
        app.state.parts = whole
        other = await installer.post("/projects", PROJECT | {"name": "Other"}, headers=headers)
        problem(other, 409, "idempotency_key_reused")
        answer = await installer.post("/projects", PROJECT, headers=headers)
        assert answer.status_code == 201
        assert await count(database, Project) == 1

    async def test_an_unexpected_error_gives_the_key_back(
        self, installer: Caller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        headers = key()

        async def broken(*_: Any, **__: Any) -> None:
            raise ZeroDivisionError

        with monkeypatch.context() as patched:
            patched.setattr("storage.projects.Projects.create", broken)
            answer = await installer.post("/projects", PROJECT, headers=headers)
            problem(answer, 500, "internal_error")
        assert (await installer.post("/projects", PROJECT, headers=headers)).status_code == 201


class Killed(BaseException):
    """The process died here."""


class TestCrashes:
    """A request that dies at some point, and its repeat."""

    @staticmethod
    async def _die(installer: Caller, path: str, body: Any, headers: dict[str, str]) -> None:
        with pytest.raises(Killed):
            await installer.post(path, body, headers=headers)

    @staticmethod
    async def _a_minute_later(database: Database) -> None:
        async with database.write() as connection:
            past = now() - timedelta(seconds=1)
            await connection.execute(update(KeptAnswer).values(claimed_until=past))

    async def test_before_the_effect(
        self, installer: Caller, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def killed(*_: Any, **__: Any) -> None:
            raise Killed

        project, headers = await installer.project(), key()
        body = GUIDE_CHARGE_POINT | {"project_id": project}
        with monkeypatch.context() as patched:
            patched.setattr("storage.charge_points.ChargePoints.register", killed)
            await self._die(installer, "/charge-points", body, headers)
        answer = await installer.post("/charge-points", body, headers=headers)
        problem(answer, 409, "idempotency_key_in_use")
        assert 0 < int(answer.headers["retry-after"]) <= 60
        await self._a_minute_later(database)
        answer = await installer.post("/charge-points", body, headers=headers)
        assert answer.status_code == 201
        assert await count(database, ChargePoint) == 1

    async def test_before_the_answer_is_stored(
        self, installer: Caller, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The effect is in the database alone: it is stored with its answer, or not at all."""

        async def killed(*_: Any, **__: Any) -> None:
            raise Killed

        project, headers = await installer.project(), key()
        body = GUIDE_CHARGE_POINT | {"project_id": project}
        with monkeypatch.context() as patched:
            patched.setattr(KeyedWork, "answered", killed)
            await self._die(installer, "/charge-points", body, headers)
        assert await count(database, ChargePoint) == 0
        await self._a_minute_later(database)
        answer = await installer.post("/charge-points", body, headers=headers)
        assert answer.status_code == 201
        same(answer, await installer.post("/charge-points", body, headers=headers))
        assert await count(database, ChargePoint) == 1

    async def test_after_the_answer_is_stored(
        self, installer: Caller, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = KeyedWork.answered

        async def stored_and_killed(
            self: KeyedWork, answer: StoredAnswer | None, reference: str | None
        ) -> None:
            await whole(self, answer, reference)
            raise Killed

        project, headers = await installer.project(), key()
        body = GUIDE_CHARGE_POINT | {"project_id": project}
        with monkeypatch.context() as patched:
            patched.setattr(KeyedWork, "answered", stored_and_killed)
            await self._die(installer, "/charge-points", body, headers)
        answer = await installer.post("/charge-points", body, headers=headers)
        assert (answer.status_code, answer.json()["serial_number"]) == (201, "CP-SN-00483921")
        assert answer.headers["idempotency-replayed"] == "true"
        assert await count(database, ChargePoint) == 1

    async def test_between_the_row_and_its_workflow(
        self, installer: Caller, app: FastAPI, database: Database
    ) -> None:
        """The row stands, the reconciler does the rest, and the repeat starts no second run."""
        whole = app.state.parts

        class Dying(TemporalGateway):
            def __init__(self) -> None:
                vars(self).update(vars(whole.temporal))

            @asynccontextmanager
            async def client(self) -> AsyncIterator[NoReturn]:
                async with super().client():
                    raise Killed
                yield

        identity, headers = await installer.charge_point(), key()
        path = f"/commissioning/{identity}/start"
        app.state.parts = replace(whole, temporal=Dying())
        await self._die(installer, path, {}, headers)
        app.state.parts = whole
        answer = await installer.post(path, {}, headers=headers)
        problem(answer, 409, "idempotency_key_in_use")
        await self._a_minute_later(database)
        told = problem(await installer.post(path, {}, headers=headers), 409, "done")
        assert "look at what is there now" in told["detail"]
        runs = (await installer.get(f"/commissioning/{identity}/runs")).json()["items"]
        assert len(runs) == 1

    async def test_one_that_was_slow_and_is_overtaken_leaves_nothing(
        self, installer: Caller, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It was taken for dead, and has its effect in vain: that of the repeat stands."""
        project, headers = await installer.project(), key()
        body = GUIDE_CHARGE_POINT | {"project_id": project}
        whole, overtaking = KeyedWork.answered, asyncio.Event()
        answers: list[httpx.Response] = []

        async def slow(self: KeyedWork, answer: StoredAnswer | None, reference: str | None) -> None:
            if not overtaking.is_set():
                overtaking.set()
                # Its transaction is undone here only because SQLite has one writer at a time.
                await self.abandon()
                await TestCrashes._a_minute_later(database)
                answers.append(await installer.post("/charge-points", body, headers=headers))
            await whole(self, answer, reference)

        monkeypatch.setattr(KeyedWork, "answered", slow)
        late = await installer.post("/charge-points", body, headers=headers)
        problem(late, 409, "idempotency_key_in_use")
        assert [answer.status_code for answer in answers] == [201]
        assert await count(database, ChargePoint) == 1


@on_sqlite
@pytest.mark.usefixtures("engine")
async def test_an_invitation_whose_answer_is_lost_is_the_same_in_the_next_try(
    app: FastAPI, installer: Caller, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its effect is a workflow's: what keeps it from being had twice is the id of the first try."""
    monkeypatch.setattr("storage.invitations._AT_ONCE", timedelta(days=-1))
    whole = app.state.parts

    class Lossy(TemporalGateway):
        def __init__(self) -> None:
            vars(self).update(vars(whole.temporal))

        async def invite_site_owner(self, *asked: Any) -> InvitationSent:
            await super().invite_site_owner(*asked)
            raise UnavailableError("no_answer", "Lost.")

    project, headers = await installer.project(), key()
    path, body = f"/projects/{project}/invite-site-owner", {"email": "o@acme.com"}
    app.state.parts = replace(whole, temporal=Lossy())
    problem(await installer.post(path, body, headers=headers), 503, "no_answer")
    app.state.parts = whole
    again = await installer.post(path, body, headers=headers)
    assert again.status_code == 201, again.text
    listed = (await installer.get(f"/projects/{project}/invitations")).json()["items"]
    assert [one["id"] for one in listed] == [again.json()["invitation_id"]]
    assert len(outbox.sent) == 1


@on_sqlite
class TestSecrets:
    async def test_the_repeat_says_that_it_is_done_and_how_to_get_another(
        self, installer: Caller, database: Database
    ) -> None:
        headers = key()
        made = (await installer.post("/webhooks", WEBHOOK, headers=headers)).json()
        again = problem(await installer.post("/webhooks", WEBHOOK, headers=headers), 409, "done")
        assert again["id"] == made["id"]
        assert "rotate-secret" in again["detail"]
        assert await count(database, Webhook) == 1
        path, headers = f"/webhooks/{made['id']}/rotate-secret", key()
        rotated = (await installer.post(path, headers=headers)).json()
        assert rotated["secret"] != made["secret"]
        problem(await installer.post(path, headers=headers), 409, "done")
        async with database.read() as connection:
            rows = (await connection.execute(select(KeptAnswer.__table__))).all()
        assert len(rows) == 2
        for secret in (made["secret"], rotated["secret"]):
            assert secret not in str(rows)

    async def test_tokens_are_neither_kept_nor_told_again(
        self, installer: Caller, database: Database
    ) -> None:
        body = {"email": installer.email, "password": "s3cur3P@ssword!"}
        tokens = {
            (await installer.post("/login", body, headers=key("k"))).json()["token"]
            for _ in range(2)
        }
        assert len(tokens) == 2
        assert await count(database, KeptAnswer) == 0


@on_sqlite
async def test_an_answer_is_kept_for_a_day(
    installer: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = key()
    first = await installer.post("/projects", PROJECT, headers=headers)
    later = now() + keyed.KEPT
    monkeypatch.setattr(keyed, "now", lambda: later - timedelta(minutes=1))
    same(first, await installer.post("/projects", PROJECT, headers=headers))
    monkeypatch.setattr(keyed, "now", lambda: later + timedelta(minutes=1))
    anew = await installer.post("/projects", PROJECT, headers=headers)
    assert anew.json()["id"] != first.json()["id"]


@on_sqlite
async def test_what_has_expired_is_forgotten(
    installer: Caller, database: Database, temporal_client: Any
) -> None:
    await installer.post("/projects", PROJECT, headers=key())
    for hours, left in ((23, 1), (25, 0)):
        at = now() + timedelta(hours=hours)
        healer = Reconciler(temporal_client, database, now=lambda at=at: at)  # type: ignore[misc]
        assert await healer._forget()
        assert await count(database, KeptAnswer) == left


@on_sqlite
async def test_a_body_is_not_told_by_what_is_stored(installer: Caller, database: Database) -> None:
    """Of a request no more is stored than its answer tells."""
    await installer.post("/projects", PROJECT, headers=key("my key"))
    async with database.read() as connection:
        row = (await connection.execute(select(KeptAnswer.__table__))).one()
    text = str({name: value for name, value in row._mapping.items() if name != "body"})
    for told in ("my key", PROJECT["address"], "/projects"):
        assert told not in text


async def test_of_one_account_the_newest_keys_are_kept(
    database: Database, installer: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.kept_answers.MOST", 3)
    me = (await installer.get("/me")).json()["id"]
    for number in range(5):
        at = now() + timedelta(seconds=number)
        this = Keyed(key=f"k{number}", account_id=me, fingerprint="f", claim="c")
        async with database.write() as connection:
            await KeptAnswers(connection).claim(this, now=at, until=at, expires_at=at + keyed.KEPT)
    async with database.read() as connection:
        kept = await connection.scalars(select(col(KeptAnswer.key)).order_by(col(KeptAnswer.key)))
        assert list(kept) == ["k2", "k3", "k4"]


async def test_a_claim_that_is_lost_stores_nothing(database: Database, installer: Caller) -> None:
    me = (await installer.get("/me")).json()["id"]
    mine = Keyed(key="k", account_id=me, fingerprint="f", claim="mine")
    at = now()
    times = {"now": at, "until": at - timedelta(seconds=1), "expires_at": at + keyed.KEPT}
    async with database.write() as connection:
        answers = KeptAnswers(connection)
        assert await answers.claim(mine, **times) == at
        assert await answers.claim(replace(mine, claim="theirs"), **times) == at
        kept = StoredAnswer(status=201, headers={}, body=b"{}")
        assert not await answers.done(mine, at=at, answer=kept, ended=True)
        await answers.release(mine)
        await answers.forget(mine)
        assert await answers.done(replace(mine, claim="theirs"), at=at, answer=kept, ended=True)


@dataclass(kw_only=True)
class Careful(Caller):
    """Repeats each POST with its key, and tries the key on another body."""

    app: FastAPI
    repeated: set[str] = field(default_factory=set)

    async def call(
        self, method: str, path: str, json: Any = None, **options: Any
    ) -> httpx.Response:
        if method != "POST":
            return await super().call(method, path, json, **options)
        options["headers"] = options.get("headers", {}) | key()
        first = await super().call(method, path, json, **dict(options))
        assert first.is_success, (path, first.text)
        name = self.app.state.operations.of("POST", httpx.URL(path).path).operation_id
        again = await super().call(method, path, json, **dict(options))
        if name in SECRET:
            assert problem(again, 409, "done")["id"] == first.json()["id"]
        else:
            same(first, again)
        other = dict(options) | {"content": b'{"another": "body"}'}
        other["headers"] = other["headers"] | {"Content-Type": "application/json"}
        problem(await super().call(method, path, **other), 409, "idempotency_key_reused")
        self.repeated.add(name)
        return first


async def _of_visits(site: Site, installer: Careful, outbox: Outbox) -> None:
    """The owner closes one that nobody has accepted; the installer signs another off."""
    first = await site.visit(installer.email)
    taken_back = {"unfinished": True, "reason": "Later"}
    await site.owner.call("POST", f"{site.visits}/{first}/close", taken_back)
    second = await site.visit(installer.email)
    await accept(Caller(http=installer.http), outbox)
    await installer.post(f"/service-visits/{second}/close", {"installer_signature": "J. Smith"})


@on_sqlite
@pytest.mark.usefixtures("engine")
async def test_every_post_takes_a_key_or_is_on_the_list(
    app: FastAPI,
    anonymous: Caller,
    installer: Caller,
    outbox: Outbox,
    database: Database,
) -> None:
    """A new POST has its call here, or its reason in NOT_KEYED."""
    caller = Careful(http=installer.http, token=installer.token, email=installer.email, app=app)
    project = await caller.project()
    await caller.post("/verification")
    await caller.post(f"/projects/{project}/archive", {})
    await caller.post(f"/projects/{project}/unarchive")
    identity = await caller.charge_point(project)
    await _of_a_charge_point(caller, database, project, identity)
    await _of_runs(caller, installer, identity)
    await _of_a_project(caller, outbox, project)
    await _of_webhooks(caller, database)
    owner = await accept_invitation(anonymous, outbox)
    async with database.write() as connection:
        await connection.execute(update(ChargePoint).values(status="commissioned"))
    await caller.post(f"/projects/{project}/complete-handover", SIGN_OFF)
    of_site = Careful(http=owner.http, token=owner.token, email=owner.email, app=app)
    await _of_held_records(of_site, database, project, identity)
    await _of_a_site(of_site, database, project, identity)
    await _of_webhooks(of_site, database, f"{V1}/site-owner/webhooks")
    site = Site(project=project, bays=(identity,), owner=of_site)
    await _of_visits(site, caller, outbox)
    caller.repeated |= of_site.repeated

    posts = {
        methods["post"]["operationId"]
        for methods in app.openapi()["paths"].values()
        if "post" in methods
    }
    assert caller.repeated == posts - set(NOT_KEYED)
    assert caller.repeated == {
        operation["operationId"]
        for methods in app.openapi()["paths"].values()
        for operation in methods.values()
        if any(one["name"] == "Idempotency-Key" for one in operation.get("parameters", ()))
    }
    assert set(NOT_KEYED) <= posts
    async with database.read() as connection:
        kept = [str(one) for one in await connection.scalars(select(col(KeptAnswer.body)))]
    assert any(project in one for one in kept), "kept as text"
    assert not [one for one in kept if "whsec_" in one], "a secret is never stored"
    assert set(SECRET) <= caller.repeated


async def _of_held_records(owner: Caller, database: Database, project: str, identity: str) -> None:
    held = [await held_record(database, project, identity, number) for number in range(700, 704)]
    path = f"{V1}/site-owner/projects/{project}/held-records"
    await owner.call("POST", f"{path}/{held[0]}/release", {"energy_kwh": 1})
    await owner.call("POST", f"{path}/{held[1]}/drop", {})
    for what in ("release", "drop"):
        await owner.call("POST", f"{path}/{what}", {"cause": "above_bound"})


async def _of_a_site(owner: Caller, database: Database, project: str, identity: str) -> None:
    """The charge point is not connected, which each of them says."""
    path = f"{V1}/site-owner/projects/{project}/charge-points/{identity}"
    await owner.call("POST", f"{path}/connectors/1/unlock")
    await owner.call("POST", f"{path}/reset")
    async with database.write() as connection:
        await Access(connection, project).set_mode(
            AccessMode.OPEN, by=Role.SITE_OWNER, at=datetime.now(UTC)
        )
    await owner.call("POST", f"{path}/connectors/1/start", {"id_tag": "04A2B3C4"})
    start = TransactionStart(
        charge_point_id=identity,
        connector_id=1,
        id_tag="04A2B3C4",
        started_at=now(),
        meter_start=0,
        received_at=now(),
    )
    async with database.write() as connection:
        await store_facts(connection, [start])
    await owner.call("POST", f"{path}/transactions/{start.transaction_id}/stop")
    values = {"parameters": [{"key": "HeartbeatInterval", "value": 40}]}
    await owner.call("POST", f"{path}/config/customize", values)
    await owner.call("POST", f"{path}/test-connection")
    await owner.call("POST", f"{path}/awaited-id-tag", {"seconds": 60})
    await hold(database, identity, new_id(Prefix.NODE))
    await contest(database, identity)
    await owner.call("POST", f"{path}/links/1/keep")
    await owner.call("POST", f"{path}/links/disconnect")


async def _of_a_charge_point(
    caller: Caller, database: Database, project: str, identity: str
) -> None:
    await caller.post(
        f"/projects/{project}/charge-points/import",
        content=b"serial_number,model,vendor\nSN-8,M,V\n",
        headers={"Content-Type": "text/csv"},
    )
    await caller.post(f"/charge-points/{identity}/photos", content=picture())
    await caller.post(
        f"/charge-points/{identity}/config/customize",
        {"parameters": [{"key": "HeartbeatInterval", "value": 30}]},
    )
    await caller.post(f"/charge-points/{identity}/test-connection")
    serial = str(GUIDE_CHARGE_POINT["serial_number"])
    await refuse(database, serial, code="unknown_identity")
    await caller.post(
        f"/projects/{project}/unclaimed/{serial}/claim", {"charge_point_id": identity}
    )
    await caller.post(f"/charge-points/{identity}/withdraw", {"reason": "Dead on arrival"})
    await caller.post(f"/charge-points/{identity}/reinstate")
    pair = [identity, await caller.charge_point(project, serial_number="SN-7")]
    await caller.post("/charge-points/swap", {"charge_point_ids": pair, "exchange": "places"})
    await caller.post(f"/charge-points/{pair[1]}/replace", {"serial_number": "SN-6"})
    doubled = await caller.charge_point(project, serial_number="SN-5")
    await hold(database, doubled, new_id(Prefix.NODE))
    await contest(database, doubled)
    await caller.post(f"/charge-points/{doubled}/links/1/keep")
    await caller.post(f"/charge-points/{doubled}/links/disconnect")
    await caller.delete(f"/charge-points/{doubled}")


async def _of_runs(caller: Careful, plain: Caller, identity: str) -> None:
    await caller.post(f"/commissioning/{identity}/start")
    whole = caller.app.state.parts
    caller.app.state.parts = replace(whole, temporal=Asking(whole.temporal))
    await caller.post(f"/commissioning/{identity}/answer", {"answer": "done"})
    caller.app.state.parts = whole
    await caller.post(f"/commissioning/{identity}/cancel")

    async def is_cancelled() -> None:
        shown = (await plain.get(f"/commissioning/{identity}/status")).json()
        assert shown["status"] == "cancelled"

    await eventually(is_cancelled)
    await caller.post(f"/commissioning/{identity}/retry")
    await cancelled(plain, identity)


async def _of_a_project(caller: Caller, outbox: Outbox, project: str) -> None:
    await caller.post(f"/projects/{project}/commission")
    await caller.post(f"/projects/{project}/commissioning/cancel")
    owner = {"email": "facilities@riversidebp.com"}
    first = await caller.post(f"/projects/{project}/invite-site-owner", owner)
    path = f"/projects/{project}/invitations/{first.json()['invitation_id']}"
    await caller.post(f"{path}/resend")
    await caller.post(f"{path}/revoke")
    colleague = {"email": "colleague@acme.com", "role": "technician"}
    await caller.post(f"/projects/{project}/collaborators", colleague)
    await caller.post(f"/projects/{project}/invite-site-owner", owner)
    assert len(outbox.sent) == 4  # two to the owner, one more of them again, one to the colleague


async def _of_webhooks(
    caller: Caller, database: Database, path: str = f"{V1}/installer/webhooks"
) -> None:
    made = (await caller.call("POST", path, WEBHOOK)).json()
    await caller.call("POST", f"{path}/{made['id']}/rotate-secret")
    sent = (await caller.call("POST", f"{path}/{made['id']}/test")).json()
    async with database.write() as connection:
        ended = {"status": DeliveryStatus.FAILED, "ended_at": now()}
        await connection.execute(update(WebhookDelivery).values(**ended))
    await caller.call("POST", f"{path}/{made['id']}/deliveries/{sent['id']}/redeliver")
