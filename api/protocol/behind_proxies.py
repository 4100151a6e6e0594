"""Who calls, behind the proxies of the settings."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from domain.proxies import source_address


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
