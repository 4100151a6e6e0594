"""What HTTP itself promises: methods, media types, limits that are told, other origins."""

import asyncio
import re
import socket

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from tests.api.callers import PASSWORD, V1, Caller, problem

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

APP = "https://app.example.com"


class TestMethods:
    async def test_head_is_answered_where_get_is(self, app: FastAPI, anonymous: Caller) -> None:
        """By the same route: the same status and headers, and no body."""
        paths = {
            re.sub(r"\{[^}]*\}", "x", str(context.path))
            for context in iter_route_contexts(app.routes)
            if "GET" in (context.methods or ())
        }
        assert len(paths) > 40
        for path in sorted(paths):
            got = await anonymous.call("GET", path)
            head = await anonymous.call("HEAD", path)
            assert head.status_code == got.status_code, path
            assert head.content == b"", path
            assert head.headers["content-type"] == got.headers["content-type"], path

    async def test_head_of_what_is_ones_own(self, installer: Caller) -> None:
        await installer.project()
        got = await installer.get("/projects")
        head = await installer.call("HEAD", f"{V1}/installer/projects")
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(got.content))

    async def test_a_server_keeps_the_connection_after_head(self, app: FastAPI) -> None:
        """A real one: it hangs up on whoever announces a body and then sends none."""
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None))
        with socket.create_server(("127.0.0.1", 0)) as listening:
            serving = asyncio.ensure_future(server.serve([listening]))
            reader, writer = await asyncio.open_connection(*listening.getsockname())
            for _ in range(2):
                writer.write(b"HEAD /health/live HTTP/1.1\r\nHost: engine\r\n\r\n")
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 200 ")
                assert b"content-length:" in head
            writer.close()
            server.should_exit = True
            await serving

    async def test_head_of_a_stream_ends(self, app: FastAPI, installer: Caller) -> None:
        charge_point = await installer.charge_point()
        path = f"{V1}/installer/commissioning/{charge_point}/events"
        head = await installer.call("HEAD", path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-type"].startswith("text/event-stream")
        assert app.state.parts.feeds.streams == 0

    @pytest.mark.parametrize(
        ("path", "allowed"),
        [
            ("/installer/projects", "GET, HEAD, OPTIONS, POST"),
            ("/installer/charge-points/cp_x", "DELETE, GET, HEAD, OPTIONS, PATCH"),
            ("/installer/login", "OPTIONS, POST"),
            ("/site-owner/projects/prj_x/tariff", "GET, HEAD, OPTIONS, PUT"),
        ],
    )
    async def test_allow_names_every_method(
        self, anonymous: Caller, path: str, allowed: str
    ) -> None:
        answer = await anonymous.call("TRACE", f"{V1}{path}")
        problem(answer, 405, "method_not_allowed")
        assert answer.headers["allow"] == allowed
        answer = await anonymous.call("OPTIONS", f"{V1}{path}")
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["allow"] == allowed

    async def test_there_are_no_options_of_nothing(self, anonymous: Caller) -> None:
        problem(await anonymous.call("OPTIONS", "/nowhere"), 404, "not_found")
        answer = await anonymous.call("HEAD", f"{V1}/installer/login")
        assert (answer.status_code, answer.headers["allow"]) == (405, "OPTIONS, POST")


class TestMediaTypes:
    @pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "text/json", ""])
    async def test_a_body_that_is_not_declared_as_json(
        self, anonymous: Caller, installer: Caller, media_type: str
    ) -> None:
        headers = {"Content-Type": media_type} if media_type else {}
        body = b'{"email": "a@acme.com", "password": "x"}'
        path = f"{V1}/installer/login"
        answer = await anonymous.call("POST", path, content=body, headers=headers)
        assert "application/json" in problem(answer, 415, "not_json")["detail"]
        charge_point = await installer.charge_point()
        path = f"{V1}/installer/commissioning/{charge_point}/start"
        answer = await installer.call("POST", path, content=b"{}", headers=headers)
        problem(answer, 415, "not_json")

    async def test_json_under_another_name(self, installer: Caller) -> None:
        headers = {"Content-Type": "application/problem+json; charset=utf-8"}
        answer = await installer.call(
            "POST", f"{V1}/installer/projects", content=b"{}", headers=headers
        )
        problem(answer, 422, "invalid_input")

    async def test_who_is_nobody_is_told_that_first(self, anonymous: Caller) -> None:
        path = f"{V1}/installer/projects"
        problem(await anonymous.call("POST", path, content=b"x=1"), 401, "token_missing")


class TestLimits:
    async def test_what_is_left_is_told(self, anonymous: Caller, installer: Caller) -> None:
        wrong = {"email": installer.email, "password": "wrong password"}
        for left in range(9, -1, -1):
            answer = await anonymous.post("/login", wrong)
            problem(answer, 401, "login_failed")
            assert answer.headers["ratelimit-limit"] == "10"
            assert answer.headers["ratelimit-remaining"] == str(left)
            assert f'"login-account-address";r={left};t=' in answer.headers["ratelimit"]
        answer = await anonymous.post("/login", wrong)
        problem(answer, 429, "too_many_attempts")
        assert answer.headers["ratelimit-remaining"] == "0"
        assert answer.headers["ratelimit-reset"] == answer.headers["retry-after"]
        assert '"login-account-address";q=10;w=900' in answer.headers["ratelimit-policy"]

    async def test_a_success_has_cleared_what_it_was_counted_for(
        self, anonymous: Caller, installer: Caller
    ) -> None:
        body = {"email": installer.email, "password": PASSWORD}
        answer = await anonymous.post("/login", body)
        assert "login-account" not in answer.headers["ratelimit"]
        assert answer.headers["ratelimit-limit"] == "200"

    async def test_nothing_is_told_where_nothing_is_limited(self, installer: Caller) -> None:
        answer = await installer.get("/me")
        assert not [name for name in answer.headers if name.startswith("ratelimit")]

    async def test_too_many_streams(self, app: FastAPI, installer: Caller) -> None:
        charge_point = await installer.charge_point()
        app.state.parts.feeds.seats._of_an_account = 0
        answer = await installer.get(f"/commissioning/{charge_point}/events")
        problem(answer, 429, "too_many_streams")
        assert answer.headers["ratelimit-remaining"] == "0"
        assert answer.headers["ratelimit-reset"] == answer.headers["retry-after"]


class TestOtherOrigins:
    @staticmethod
    def _headers(answer: httpx.Response) -> list[str]:
        return [name for name in answer.headers if name.startswith("access-control")]

    async def test_none_is_let_in_unless_the_settings_say_so(self, installer: Caller) -> None:
        answer = await installer.get("/me", headers={"Origin": APP})
        assert answer.status_code == 200
        assert not self._headers(answer)
        asked = {"Origin": APP, "Access-Control-Request-Method": "GET"}
        answer = await installer.call("OPTIONS", f"{V1}/installer/me", headers=asked)
        assert not self._headers(answer)


@pytest.mark.parametrize("cors_origins", [(APP,), ("*",)])
class TestALetInOrigin:
    @pytest.fixture(autouse=True)
    def _settings(self, app: FastAPI, cors_origins: tuple[str, ...]) -> None:
        parts = app.state.parts
        settings = parts.settings.model_copy(update={"cors_origins": cors_origins})
        object.__setattr__(parts, "settings", settings)

    async def test_a_page_may_ask_and_read(self, installer: Caller) -> None:
        asked = {
            "Origin": APP,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, content-type, idempotency-key",
        }
        answer = await installer.call("OPTIONS", f"{V1}/installer/projects", headers=asked)
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] in {APP, "*"}
        assert "POST" in answer.headers["access-control-allow-methods"]
        assert "Idempotency-Key" in answer.headers["access-control-allow-headers"]
        answer = await installer.get("/me", headers={"Origin": APP})
        assert answer.headers["access-control-allow-origin"] in {APP, "*"}
        shown = answer.headers["access-control-expose-headers"]
        assert {"Retry-After", "RateLimit", "X-Request-Id"} <= set(shown.split(", "))
        assert "access-control-allow-credentials" not in answer.headers

    @pytest.mark.parametrize(
        ("changed", "words"),
        [
            ({"Access-Control-Request-Method": "TRACE"}, "no other method"),
            ({"Access-Control-Request-Headers": "x-mine"}, "Idempotency-Key"),
        ],
    )
    async def test_what_no_page_may_do_is_refused_in_words(
        self, anonymous: Caller, changed: dict[str, str], words: str
    ) -> None:
        asked = {"Origin": APP, "Access-Control-Request-Method": "GET"} | changed
        answer = await anonymous.call("OPTIONS", f"{V1}/installer/me", headers=asked)
        assert words in problem(answer, 403, "cross_origin_refused")["detail"]
        assert answer.headers["access-control-allow-methods"]

    async def test_another_origin_is_refused_in_words(
        self, anonymous: Caller, cors_origins: tuple[str, ...]
    ) -> None:
        asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
        answer = await anonymous.call("OPTIONS", f"{V1}/installer/me", headers=asked)
        if cors_origins == ("*",):
            assert answer.status_code == 200
            return
        said = problem(answer, 403, "cross_origin_refused")["detail"]
        assert "DYNAMO_CORS_ORIGINS" in said
        assert "access-control-allow-origin" not in answer.headers

    async def test_errors_can_be_read_too(self, anonymous: Caller) -> None:
        too_large = {"Origin": APP, "Content-Type": "application/json"}
        for answer, status in (
            (await anonymous.get("/me", headers={"Origin": APP}), 401),
            (await anonymous.call("GET", "/nowhere", headers={"Origin": APP}), 404),
            (
                await anonymous.call(
                    "POST", f"{V1}/installer/login", content=b" " * 2**21, headers=too_large
                ),
                413,
            ),
        ):
            assert answer.status_code == status
            assert answer.headers["access-control-allow-origin"] in {APP, "*"}

    async def test_a_stream_can_be_followed(self, installer: Caller) -> None:
        charge_point = await installer.charge_point()
        path = f"{V1}/installer/commissioning/{charge_point}/events"
        asked = {
            "Origin": APP,
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "authorization, last-event-id",
        }
        answer = await installer.call("OPTIONS", path, headers=asked)
        assert answer.status_code == 200, answer.text
        answer = await installer.call("HEAD", path, headers={"Origin": APP})
        assert answer.headers["access-control-allow-origin"] in {APP, "*"}

    async def test_another_origin_is_not_let_in(
        self, installer: Caller, cors_origins: tuple[str, ...]
    ) -> None:
        answer = await installer.get("/me", headers={"Origin": "https://evil.example.com"})
        allowed = answer.headers.get("access-control-allow-origin")
        assert allowed == ("*" if cors_origins == ("*",) else None)
