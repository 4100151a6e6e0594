"""HEAD wherever GET is, and OPTIONS: no route has to say so."""

import asyncio
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.protocol.routes import GET, HEAD, OPTIONS, Operations
from domain.cancellation import end

_ENDLESS = "text/event-stream"


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
