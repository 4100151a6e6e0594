"""Pages of other origins may call the API from a browser, if the settings name them."""

from collections.abc import Sequence
from typing import Final

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

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
        return CORSMiddleware(
            self._app,
            allow_origins=origins,
            allow_methods=_METHODS,
            allow_headers=_TAKEN,
            expose_headers=_SHOWN,
            max_age=_PREFLIGHT_SECONDS,
        )
