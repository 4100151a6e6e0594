"""Around every request: its id, its log line, the size of its body, and the last resort."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import problem_response, unexpected_response
from api.protocol.limits import follow, headers_of
from domain.errors import EngineError

_MIB = 1024 * 1024
MAX_BODY = _MIB
"""Bytes of a request body."""
MAX_FILE = 12 * _MIB
"""Bytes of an imported file."""
MAX_PHOTO = 8 * _MIB
"""Bytes of a photo."""
LARGE_AT_ONCE = 8
"""Bodies above MAX_BODY that are in memory at a time; the next ones are read after them."""
_BODY_SECONDS = 30
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_log = structlog.get_logger()


class BodyTooLargeError(EngineError):
    """The request's body is too large."""

    status = 413
    title = "Body too large"


class BodyTooSlowError(EngineError):
    """The request's body did not arrive in time."""

    status = 408
    title = "Body too slow"


class RequestMiddleware:
    """Gives each request an id, reads its body within bounds, and logs one line about it.

    Neither query nor headers nor body are logged: any of them may hold a credential. So may a path
    with a token in it, or one that nobody serves; of these only the root is logged.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._room = asyncio.Semaphore(LARGE_AT_ONCE)

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
                _log.info(
                    "http_request",
                    method=scope["method"],
                    path=_loggable_path(scope),
                    status=status,
                    ms=round((time.perf_counter() - began) * 1000, 1),
                    address=client[0] if client else None,
                )

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with AsyncExitStack() as held:
            try:
                body = await _read_body(
                    Headers(scope=scope),
                    receive,
                    limit=_limit(scope),
                    large=lambda: held.enter_async_context(self._room),
                )
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


async def _read_body(
    headers: Headers, receive: Receive, *, limit: int, large: Callable[[], Awaitable[object]]
) -> bytes | None:
    """Read the body, or None when the client went away; waits for room before a large one."""
    declared = headers.get("content-length", "0")
    if declared.isdecimal() and int(declared[:20]) > limit:
        raise _too_large(limit)
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                chunk = message.get("body", b"")
                if size <= MAX_BODY < size + len(chunk) <= limit:
                    await large()
                size += len(chunk)
                if size > limit:
                    raise _too_large(limit)
                chunks.append(chunk)
                if not message.get("more_body", False):
                    return b"".join(chunks)
    except TimeoutError as error:
        raise BodyTooSlowError("body_too_slow", "The body did not arrive in time.") from error


def _limit(scope: Scope) -> int:
    path: str = scope["path"]
    if path.endswith("/charge-points/import"):
        return MAX_FILE
    return MAX_PHOTO if path.endswith("/photos") else MAX_BODY


def _too_large(limit: int) -> BodyTooLargeError:
    return BodyTooLargeError("body_too_large", f"The body is larger than {limit // _MIB} MiB.")


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
