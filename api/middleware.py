"""Around every request: who calls, its id, its log line, its body, and the last resort."""

import re
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any, Final
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.bodies import Bodies
from api.errors import problem_response, unexpected_response
from api.protocol.limits import follow, headers_of
from domain.errors import EngineError
from domain.proxies import source_address
from runtime.line_budget import LineBudget

LINES: Final = 600
"""Of one address, a minute; one more says how many were left out. Our failures are all in."""
_MOST_ADDRESSES: Final = 10_000
_OTHERS: Final = "others"
_FAILED: Final = 500
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_log = structlog.get_logger()


class ProxiesMiddleware:
    """Puts the address that a trusted proxy tells in the place of its own, for all within."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        client = scope.get("client")
        if scope["type"] == "http" and client is not None:
            headers = Headers(scope=scope)
            source = source_address(
                client[0],
                forwarded=headers.getlist("forwarded"),
                x_forwarded_for=headers.getlist("x-forwarded-for"),
                trusted=scope["app"].state.parts.settings.trusted_proxies,
            )
            scope["client"] = (source, client[1])
        await self._app(scope, receive, send)


class RequestLog:
    """Logs requests, within a budget for each caller: one without end hides nobody's lines.

    What was left out is summed up once its minute is over.
    """

    def __init__(self, *, log: Any = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log or structlog.get_logger()
        self._budget = LineBudget[str](LINES, clock=clock)

    def tell(self, *, address: str | None, status: int, **fields: object) -> None:
        """Log a request that was answered, unless its caller has had the lines of the minute."""
        for caller, number in self._budget.left_out().items():
            self._log.info("http_requests_left_out", address=caller, left_out=number)
        caller = address or ""
        if caller not in self._budget and self._budget.subjects >= _MOST_ADDRESSES:
            caller = _OTHERS
        if self._budget.admits(caller) or status >= _FAILED:
            self._log.info("http_request", status=status, address=address, **fields)


class RequestMiddleware:
    """Gives each request an id, reads its body within bounds, and logs one line about it.

    Neither query nor headers nor body are logged: any of them may hold a credential. So may a path
    with a token in it, or one that nobody serves; of these only the root is logged.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._bodies = Bodies()
        self._log = RequestLog()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = request_id_of(Headers(scope=scope))
        scope["dynamo.request_id"] = request_id
        status = 0
        began = time.perf_counter()
        limits = follow()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                headers["X-Content-Type-Options"] = "nosniff"
                headers.setdefault("Cache-Control", "no-store")
                headers.update(headers_of(limits))
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._serve(scope, receive, send_with_id)
            except Exception:
                _log.exception("unexpected_error", path=_loggable_path(scope))
                if status:  # the answer has begun; the connection is all that can be ended
                    raise
                await unexpected_response(request_id)(scope, receive, send_with_id)
            finally:
                client = scope.get("client")
                self._log.tell(
                    method=scope["method"],
                    path=_loggable_path(scope),
                    status=status,
                    ms=round((time.perf_counter() - began) * 1000, 1),
                    address=client[0] if client else None,
                )

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with AsyncExitStack() as held:
            try:
                body = await self._bodies.read(scope, receive, held)
            except EngineError as error:
                await problem_response(error, scope["dynamo.request_id"])(scope, receive, send)
                return
            if body is not None:
                await self._app(scope, replayed(body, receive), send)


def replayed(body: bytes, receive: Receive) -> Receive:
    """Hand a body that was read to the next reader."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _loggable_path(scope: Scope) -> str:
    path: str = scope["path"]
    if "endpoint" in scope and "token" not in scope.get("path_params", {}):
        return path
    root, _, rest = path.lstrip("/").partition("/")
    return f"/{root[:40]}/…" if rest else f"/{root[:40]}"


def request_id_of(headers: Headers) -> str:
    """Take a harmless id over from the caller, else make one."""
    offered = headers.get("x-request-id", "")
    return offered if _REQUEST_ID.fullmatch(offered) else uuid4().hex
