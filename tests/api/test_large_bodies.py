"""Bodies are in memory a few at a time, accounts in turns, however many come at once."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from httpx import Response
from starlette.types import Message, Receive, Scope, Send

from api import bodies
from api.bodies import LARGE_AT_ONCE, MAX_BODY, SMALL
from api.middleware import RequestMiddleware
from api.security.tokens import Tokens
from domain.states import Role
from tests.api.callers import problem
from tests.support.eventually import eventually

TOKENS = Tokens(b"k" * 32, lifetime=timedelta(hours=1))
APP = SimpleNamespace(state=SimpleNamespace(parts=SimpleNamespace(tokens=TOKENS)))


def upload_of(account: str | None, size: int) -> Scope:
    """A photo of this account on its way."""
    headers = [(b"content-length", str(size).encode())]
    if account is not None:
        token, _ = TOKENS.issue(
            account_id=account, role=Role.INSTALLER, epoch=0, now=datetime.now(UTC)
        )
        headers.append((b"authorization", f"Bearer {token}".encode()))
    return {"type": "http", "method": "POST", "headers": headers, "path": "/x/photos", "app": APP}


class Sending:
    """A body on its way, piece by piece; ``stalls``: until somebody loses patience, after one."""

    def __init__(self, *pieces: int, stalls: bool = False) -> None:
        self._pieces = list(pieces)
        self._stalls = stalls
        self.asked = 0

    async def receive(self) -> Message:
        if self._stalls and self.asked:
            self._stalls = False
            await asyncio.Event().wait()
        self.asked += 1
        size = self._pieces.pop(0)
        return {"type": "http.request", "body": b"x" * size, "more_body": bool(self._pieces)}


class Served:
    """Who is served, until all are let go."""

    def __init__(self) -> None:
        self.done = asyncio.Event()
        self.count = Counter[str]()
        self.statuses: list[int] = []

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        self.count["begun"] += 1
        await self.done.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        self.count["ended"] += 1

    async def sent(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.statuses.append(message["status"])


async def test_an_account_has_two_of_the_places_and_another_waits_for_none_of_its() -> None:
    served = Served()
    middleware = RequestMiddleware(served.app)
    async with asyncio.TaskGroup() as group:

        def send(account: str) -> None:
            scope = upload_of(account, MAX_BODY + 1)
            group.create_task(middleware(scope, Sending(MAX_BODY + 1).receive, served.sent))

        def begun(number: int) -> None:
            assert served.count["begun"] == number

        for _ in range(20):
            send("usr_busy")
        await eventually(lambda: begun(2))
        send("usr_honest")
        await eventually(lambda: begun(3))
        for number in range(LARGE_AT_ONCE):
            send(f"usr_{number}")
        await eventually(lambda: begun(LARGE_AT_ONCE))
        served.done.set()
    assert served.count["ended"] == 21 + LARGE_AT_ONCE


async def test_an_account_has_so_many_on_their_way_and_no_more() -> None:
    served = Served()
    middleware = RequestMiddleware(served.app)
    begun: list[Message] = []
    refused: list[bytes] = []

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            begun.append(message)
        elif not served.done.is_set():
            refused.append(message["body"])

    async with asyncio.TaskGroup() as group:
        for _ in range(41):
            scope = upload_of("usr_busy", MAX_BODY + 1)
            group.create_task(middleware(scope, Sending(MAX_BODY + 1).receive, sent))

        def one_is_refused() -> None:
            assert len(refused) == 1

        await eventually(one_is_refused)
        (start,) = begun
        served.done.set()
    headers = [(name.decode(), value.decode()) for name, value in start["headers"]]
    answer = Response(start["status"], headers=headers, content=refused[0])
    problem(answer, 429, "too_many_bodies")
    assert served.count["ended"] == 40


async def test_while_all_places_are_held_the_answer_says_of_what(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bodies, "_PATIENCE", 0.0)
    served = Served()
    middleware = RequestMiddleware(served.app)
    refused: list[bytes] = []

    async def sent(message: Message) -> None:
        refused.append(message.get("body", b""))

    async with asyncio.TaskGroup() as group:
        for number in range(LARGE_AT_ONCE):
            scope = upload_of(f"usr_{number}", MAX_BODY + 1)
            group.create_task(middleware(scope, Sending(MAX_BODY + 1).receive, served.sent))
        await asyncio.sleep(0)  # they have their places
        waiting = Sending(MAX_BODY + 1)
        await middleware(upload_of("usr_honest", MAX_BODY + 1), waiting.receive, sent)
        served.done.set()
    assert b'"bodies_busy"' in b"".join(refused)
    assert served.statuses == [204] * LARGE_AT_ONCE


async def test_who_is_not_known_sends_a_little_and_holds_no_place() -> None:
    served = Served()
    served.done.set()
    middleware = RequestMiddleware(served.app)
    large = Sending(MAX_BODY + 1)
    await middleware(upload_of(None, MAX_BODY + 1), large.receive, served.sent)
    await middleware(upload_of(None, SMALL), Sending(SMALL).receive, served.sent)
    assert large.asked == 0
    assert served.statuses == [413, 204]


async def test_what_comes_slowly_goes_on_while_nobody_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bodies, "_SECONDS", 0.05)
    served = Served()
    served.done.set()
    sending = Sending(SMALL, MAX_BODY, stalls=True)
    await RequestMiddleware(served.app)(
        upload_of("usr_a", MAX_BODY + SMALL), sending.receive, served.sent
    )
    assert served.statuses == [204]


async def test_it_makes_room_for_who_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "_SECONDS", 0.2)
    served = Served()
    served.done.set()
    middleware = RequestMiddleware(served.app)
    size = MAX_BODY + SMALL
    async with asyncio.TaskGroup() as group:
        for number in range(LARGE_AT_ONCE):
            sending = Sending(SMALL, MAX_BODY, stalls=True)
            scope = upload_of(f"usr_{number}", size)
            group.create_task(middleware(scope, sending.receive, served.sent))
        await asyncio.sleep(0)  # they have their places
        await middleware(upload_of("usr_honest", size), Sending(size).receive, served.sent)
        assert served.statuses[-1] == 204
    assert 408 in served.statuses


async def test_what_does_not_come_on_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "_SECONDS", 0.05)
    served = Served()
    middleware = RequestMiddleware(served.app)
    for who, size in (("usr_a", MAX_BODY), (None, SMALL)):
        sending = Sending(1, size - 1, stalls=True)
        await middleware(upload_of(who, size), sending.receive, served.sent)
    assert served.statuses == [408, 408]
