import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from api.bodies import MAX_BODY
from tests.api.callers import PASSWORD, V1, Caller, problem

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
JSON = {"Content-Type": "application/json"}


async def test_an_unknown_path(anonymous: Caller) -> None:
    problem(await anonymous.call("GET", "/nowhere"), 404, "not_found")


async def test_a_wrong_method(anonymous: Caller) -> None:
    answer = await anonymous.call("DELETE", f"{V1}/installer/projects")
    problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"]


@pytest.mark.parametrize(
    "content", [b"{", b"[1,", b"\xff\xfe", b"[" * 50_000, b'{"a": ' + b"9" * 5000 + b"}"]
)
async def test_a_body_that_is_not_json(anonymous: Caller, content: bytes) -> None:
    answer = await anonymous.call("POST", f"{V1}/installer/login", content=content, headers=JSON)
    assert answer.status_code == 400, answer.text
    assert answer.json()["code"] in {"malformed_json", "malformed_request"}


@pytest.mark.parametrize("content", [b"[]", b"null", b"7", b""])
async def test_a_body_that_is_no_object(anonymous: Caller, content: bytes) -> None:
    answer = await anonymous.call("POST", f"{V1}/installer/login", content=content, headers=JSON)
    problem(answer, 422, "invalid_input")


async def test_a_body_that_is_too_large(anonymous: Caller) -> None:
    path = f"{V1}/installer/login"
    answer = await anonymous.call("POST", path, content=b" " * (MAX_BODY + 1), headers=JSON)
    problem(answer, 413, "body_too_large")

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * (MAX_BODY // 16)

    problem(
        await anonymous.call("POST", path, content=pieces(), headers=JSON), 413, "body_too_large"
    )
    body = {"email": "a@acme.com", "password": "x"}
    answer = await anonymous.call("POST", path, body)
    problem(answer, 401, "login_failed")


async def test_an_unexpected_error_shows_nothing_of_itself(
    anonymous: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("the secret of the house")

    monkeypatch.setattr("api.accounts.security.authenticate", broken)
    answer = await anonymous.post("/login", {"email": "a@acme.com", "password": "x"})
    problem(answer, 500, "internal_error")
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


async def test_each_request_is_one_log_line_without_a_credential(installer: Caller) -> None:
    with capture_logs() as logs:
        await installer.get("/me", headers={"X-Request-Id": "mine-7"}, params={"token": "hush"})
        await installer.post("/login", {"email": installer.email, "password": PASSWORD})
    lines = [entry for entry in logs if entry["event"] == "http_request"]
    assert [(line["path"], line["status"]) for line in lines] == [
        (f"{V1}/installer/me", 200),
        (f"{V1}/installer/login", 200),
    ]
    text = str(logs)
    assert PASSWORD not in text
    assert "hush" not in text
    assert installer.token is not None
    assert installer.token not in text


async def test_a_path_that_nobody_serves_is_not_logged_in_full(anonymous: Caller) -> None:
    with capture_logs() as logs:
        await anonymous.call("GET", "/invitations/a-token-that-works-once")
    assert "a-token-that-works-once" not in str(logs)


async def test_a_request_id_is_taken_over_when_it_is_harmless(anonymous: Caller) -> None:
    for offered, taken in (("abc-1.2_3", True), ("x" * 65, False), ("a b", False)):
        answer = await anonymous.call("GET", "/health/live", headers={"X-Request-Id": offered})
        assert (answer.headers["x-request-id"] == offered) is taken


async def test_answers_are_not_cached(installer: Caller) -> None:
    answer = await installer.get("/me")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_flood_of_logins_is_refused_before_it_hurts(
    app: FastAPI, anonymous: Caller, installer: Caller
) -> None:
    app.state.parts.passwords._waiting = 64
    answer = await anonymous.post("/login", {"email": installer.email, "password": PASSWORD})
    problem(answer, 503, "busy")
    assert answer.headers["retry-after"]
    app.state.parts.passwords._waiting = 0


async def test_requests_do_not_wait_for_a_slow_body(app: FastAPI) -> None:
    transport = httpx.ASGITransport(app=app)
    never = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await never.wait()

    async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as http:
        path = f"{V1}/installer/login"
        waiting = asyncio.create_task(http.post(path, content=slow(), headers=JSON))
        assert (await http.get("/health/live")).status_code == 200
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
