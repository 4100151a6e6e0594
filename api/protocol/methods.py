"""Which methods a path takes, by all of its routes; HEAD wherever GET is, and OPTIONS.

The router itself names the methods of the first route alone.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from fastapi.routing import iter_route_contexts
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.cancellation import end

GET: Final = "GET"
HEAD: Final = "HEAD"
OPTIONS: Final = "OPTIONS"
POST: Final = "POST"
_ENDLESS: Final = "text/event-stream"


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """A route: its path as a pattern, its methods, its name in the OpenAPI document, if any."""

    pattern: re.Pattern[str]
    methods: frozenset[str]
    operation_id: str | None


class Operations:
    """The routes of an application, in the order in which they are asked."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self._operations = [
            Operation(
                pattern=context.path_regex,
                methods=frozenset(context.methods),
                operation_id=getattr(context, "operation_id", None),
            )
            for context in iter_route_contexts(routes)
            if context.methods  # what is mounted looks after itself
        ]

    def of(self, method: str, path: str) -> Operation | None:
        """The operation that a request is for."""
        return next((one for one in self._at(path) if method in one.methods), None)

    def allowed(self, path: str) -> str:
        """Every method that a path takes, as the header ``Allow`` names them; empty: no such path.

        HEAD is answered where GET is, and OPTIONS everywhere.
        """
        methods = {method for one in self._at(path) for method in one.methods}
        if GET in methods:
            methods.add(HEAD)
        return ", ".join(sorted(methods | {OPTIONS})) if methods else ""

    def _at(self, path: str) -> list[Operation]:
        return [one for one in self._operations if one.pattern.match(path)]


class MethodsMiddleware:
    """Serves HEAD by the route of GET, without its body, and OPTIONS by itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and scope["method"] in {HEAD, OPTIONS}:
            operations: Operations = scope["app"].state.operations
            path = scope["path"]
            if scope["method"] == OPTIONS:
                allowed = operations.allowed(path)
                if allowed:
                    answer = Response(status_code=HTTPStatus.NO_CONTENT, headers={"Allow": allowed})
                    await answer(scope, receive, send)
                    return
            elif operations.of(HEAD, path) is None and operations.of(GET, path) is not None:
                await self._head(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _head(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_endless = asyncio.Event()

        async def without_body(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b""})
                if Headers(raw=message["headers"]).get("content-type", "").startswith(_ENDLESS):
                    is_endless.set()

        # A copy: the server sees by its own that no body is due, or it would miss one and hang up.
        inner = {**scope, "method": GET}
        serving = asyncio.ensure_future(self._app(inner, receive, without_body))
        leaving = asyncio.ensure_future(is_endless.wait())
        try:
            await asyncio.wait({serving, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not serving.done():
                await end(serving)  # as if the reader had hung up
            if not serving.cancelled():
                serving.result()
        finally:
            await end(serving)
            await end(leaving)
            scope.update({**inner, "method": HEAD})  # what the router has found out is logged
