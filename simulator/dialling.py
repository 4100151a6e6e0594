"""Opening the WebSocket: identity, subprotocol, Basic auth, and refusals in words (OCPP-J 1.6)."""

import base64
import ssl
from http import HTTPStatus
from urllib.parse import unquote, urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidMessage, InvalidStatus
from websockets.typing import Subprotocol

from simulator.events import EventKind

OCPP_16 = Subprotocol("ocpp1.6")
OPEN_SECONDS = 10.0
CLOSE_SECONDS = 2.0

_ADVICE = {
    HTTPStatus.NOT_FOUND: "the server does not know this charge point; register it first, and "
    "check the last part of the URL",
    HTTPStatus.UNAUTHORIZED: "the server does not accept the password; check --password",
    HTTPStatus.SERVICE_UNAVAILABLE: "the server is not ready; it is tried again",
    HTTPStatus.TOO_MANY_REQUESTS: "too many attempts; it is tried again later",
}


class DialError(Exception):
    """No connection; `kind` tells a refusal from a server that is not there."""

    def __init__(self, kind: EventKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Address:
    """Where a charge point connects to, and as whom. Raises ValueError for a useless URL."""

    def __init__(
        self, url: str, *, password: str | bytes | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        parts = urlsplit(url)
        identity = unquote(parts.path.rsplit("/", 1)[-1])
        if parts.scheme not in {"ws", "wss"} or not parts.hostname or not identity:
            raise ValueError(f"'{url}' is not like ws://host:port/identity")
        _ = parts.port  # raises ValueError when it is no port
        self.url = url
        self.identity = identity
        self.tls = tls
        self._password = password.encode() if isinstance(password, str) else password

    def use_password(self, password: bytes) -> None:
        """Take another password for the connections to come."""
        self._password = password

    @property
    def headers(self) -> dict[str, str]:
        """The Authorization header, if there is a password (OCPP-J 1.6, section 6.2)."""
        if self._password is None:
            return {}
        credentials = self.identity.encode() + b":" + self._password
        return {"Authorization": f"Basic {base64.b64encode(credentials).decode()}"}


async def dial(address: Address, *, ping_seconds: int) -> ClientConnection:
    """Open a connection, or raise DialError."""
    try:
        socket = await connect(
            address.url,
            subprotocols=[OCPP_16],
            additional_headers=address.headers,
            ssl=address.tls,
            compression=None,
            proxy=None,
            open_timeout=OPEN_SECONDS,
            close_timeout=CLOSE_SECONDS,
            ping_interval=ping_seconds or None,
            ping_timeout=ping_seconds or None,
        )
    except InvalidStatus as error:
        raise DialError(EventKind.REFUSED, _refusal(error.response.status_code)) from error
    except (InvalidMessage, TimeoutError, OSError) as error:
        raise DialError(EventKind.UNREACHABLE, f"no answer from {address.url}: {error}") from error
    except InvalidHandshake as error:
        raise DialError(EventKind.REFUSED, f"the handshake failed: {error}") from error
    if socket.subprotocol != OCPP_16:
        await socket.close()
        raise DialError(EventKind.REFUSED, "the server did not choose the subprotocol ocpp1.6")
    return socket


def _refusal(status: int) -> str:
    advice = _ADVICE.get(HTTPStatus(status)) if status in list(HTTPStatus) else None
    return f"refused with HTTP {status}" + (f": {advice}" if advice else "")
