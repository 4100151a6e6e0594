"""Pages of other origins may call the API from a browser, if the settings name them."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import problem_response
from api.middleware import request_id_of
from domain.errors import ForbiddenError

_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_TAKEN: Final = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "Last-Event-ID",
    "X-Request-Id",
)
_SHOWN: Final = (
    "Allow",
    "Content-Disposition",
    "Idempotency-Replayed",
    "Location",
    "RateLimit",
    "RateLimit-Limit",
    "RateLimit-Policy",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "Retry-After",
    "X-Request-Id",
)
_PREFLIGHT_SECONDS: Final = 600


class _Cors(CORSMiddleware):
    """The library's, which refuses in plain text; here a refusal is a problem as any other is."""

    def preflight_response(self, request_headers: Headers) -> Response:
        """Answer a browser that asks whether a page may send a request."""
        response = super().preflight_response(request_headers)
        if response.status_code < HTTPStatus.BAD_REQUEST:
            return response
        refused = ForbiddenError("cross_origin_refused", self._why(request_headers))
        request_id = request_id_of(request_headers)
        answer = problem_response(refused, request_id)
        for name, value in response.headers.items():
            if name not in {"content-type", "content-length"}:
                answer.headers[name] = value
        answer.headers["X-Request-Id"] = request_id
        return answer

    def _why(self, asked: Headers) -> str:
        if not self.is_allowed_origin(asked["origin"]):
            return (
                "Pages of this origin may not call the API. Who runs the server names it in "
                "DYNAMO_CORS_ORIGINS."
            )
        if asked["access-control-request-method"] not in self.allow_methods:
            return f"Pages of other origins may use {', '.join(_METHODS)}, and no other method."
        return (
            f"Pages of other origins may send the headers {', '.join(_TAKEN)}, and no others but "
            "those that every page may send; and none may reach into a private network."
        )


class CrossOriginMiddleware:
    """Adds the headers of CORS for the origins of the settings; for none, nothing at all.

    Credentials in the sense of CORS (cookies) are never allowed: a token is sent by hand.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._origins: Sequence[str] = ()
        self._cors: ASGIApp = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        origins = scope["app"].state.parts.settings.cors_origins
        if origins != self._origins:  # the parts come after the middleware
            self._origins = origins
            self._cors = self._app if not origins else self._allowing(origins)
        await self._cors(scope, receive, send)

    def _allowing(self, origins: Sequence[str]) -> ASGIApp:
        return _Cors(
            self._app,
            allow_origins=origins,
            allow_methods=_METHODS,
            allow_headers=_TAKEN,
            expose_headers=_SHOWN,
            max_age=_PREFLIGHT_SECONDS,
        )
