"""The opening handshake of a WebSocket (RFC 6455 §4.2.1): read as it comes, and judged.

The library closes a connection without a word when it cannot read a request: TLS on the plain port,
a body, a broken header. A charge point that is set up wrongly does just that, and its installer is
to hear of it. So the parser of the request is ours, around the library's own.
"""

import re
from collections.abc import Generator
from dataclasses import dataclass
from typing import Final

from websockets import exceptions
from websockets.datastructures import Headers
from websockets.http11 import Request
from websockets.protocol import Protocol
from websockets.server import ServerProtocol

from ocpp_server.auth import Refusal, RefusalCode

_TLS_HANDSHAKE: Final = b"\x16"
"""The first byte of a ClientHello (RFC 8446 §5.1), and of no request."""
_METHOD: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A token (RFC 9110 §9.1)."""
_BEGINNING: Final = 24
_PRINTABLE: Final = re.compile(rb"[\x20-\x7e]+")
_BYTES_SHOWN: Final = 8
_PROXY: Final = "if a proxy is on the way, let it pass WebSockets on"


@dataclass
class UnreadableRequest(Request):
    """What came in place of a request, as far as it could be read."""

    detail: str = ""
    is_tls: bool = False
    beginning: bytes | None = None
    """Of what is no HTTP at all: its first bytes."""


def hand_on_every_request(protocol: ServerProtocol) -> None:
    """Let the server's ``process_request`` see every request, also one that cannot be read."""
    protocol.parser = _parse(protocol)
    next(protocol.parser)


def _parse(protocol: ServerProtocol) -> Generator[None]:
    reader = protocol.reader
    first_line = bytearray()

    def read_line(limit: int, too_long: type[Exception]) -> Generator[None, None, bytearray]:
        line = yield from reader.read_line(limit, too_long)
        if not first_line:
            first_line.extend(line)
        return line

    while not reader.buffer and not reader.eof:
        yield
    request: Request
    if reader.buffer.startswith(_TLS_HANDSHAKE):
        request = UnreadableRequest("", Headers(), method="", is_tls=True)
    else:
        try:
            request = yield from Request.parse(read_line)
        except Exception as error:  # noqa: BLE001 - as the library does
            if isinstance(error, EOFError) and not first_line:
                yield from _hang_up(protocol, error)  # somebody looked whether the port is open
            request = _unread(bytes(first_line), error)
    protocol.events.append(request)
    while isinstance(request, UnreadableRequest):
        reader.discard()  # until the answer ends it
        yield
    protocol.parser = Protocol.parse(protocol)  # what this one holds is not kept for days
    next(protocol.parser)
    yield


def _unread(first_line: bytes, error: Exception) -> UnreadableRequest:
    method, _, rest = first_line.partition(b" ")
    if _METHOD.fullmatch(method) is None:
        return UnreadableRequest("", Headers(), method="", beginning=first_line[:_BEGINNING])
    return UnreadableRequest(
        rest.decode("ascii", errors="replace").strip().rpartition(" ")[0],
        Headers(),
        method=method.decode("ascii"),
        detail=str(error),
    )


def _hang_up(protocol: ServerProtocol, error: Exception) -> Generator[None]:
    protocol.handshake_exc = exceptions.InvalidMessage("did not receive a valid HTTP request")
    protocol.handshake_exc.__cause__ = error
    protocol.send_eof()
    protocol.parser = protocol.discard()
    next(protocol.parser)
    yield


def judge_handshake(protocol: ServerProtocol, request: Request, *, wanted: str) -> Refusal | None:
    """Refuse what is no handshake; the subprotocol is judged elsewhere.

    ``wanted`` names what is to be chosen in the settings of the charge point.
    """
    choose = f"Choose {wanted} (over WebSocket) in its settings"
    if isinstance(request, UnreadableRequest):
        return _unreadable(request, choose)
    try:
        protocol.process_request(request)
    except exceptions.InvalidMethod:
        return _wrong_method(request.method, choose)
    except exceptions.InvalidProtocol:
        return Refusal(
            RefusalCode.WRONG_HTTP_VERSION,
            f"A request in {request.protocol} came, which knows no WebSocket; HTTP/1.1 is needed. "
            f"Update the firmware of the charge point, and {_PROXY}.",
        )
    except exceptions.InvalidUpgrade as error:
        return Refusal(
            RefusalCode.NOT_A_WEBSOCKET,
            f"A plain HTTP request came, and none for a WebSocket: the header {error.name} "
            f"{'is missing' if error.value is None else 'says something else'}. {choose}, and "
            f"{_PROXY}.",
        )
    except exceptions.NegotiationError:
        return None
    except exceptions.InvalidHandshake as error:
        return _bad_handshake(str(error))
    return None


def asks_for_a_websocket(request: Request) -> bool:
    """Tell a charge point that tries to connect from a browser or a probe that looks by."""
    return "Upgrade" in request.headers or "Sec-WebSocket-Key" in request.headers


def _unreadable(request: UnreadableRequest, choose: str) -> Refusal:
    if request.is_tls:
        return Refusal(
            RefusalCode.TLS_ON_PLAIN_PORT,
            "TLS (wss) came to a port that speaks without it (ws). Copy the whole OCPP endpoint "
            "of the charge point into its settings, with its beginning and its port as they are.",
        )
    if request.beginning is not None:
        return _no_http(request.beginning, choose)
    if request.method not in {"GET", ""}:
        return _wrong_method(request.method, choose)
    return _bad_handshake(request.detail)


def _wrong_method(method: str, choose: str) -> Refusal:
    soap = ", as OCPP over SOAP does" if method == "POST" else ""
    return Refusal(
        RefusalCode.WRONG_METHOD,
        f"A {method[:20]} request came{soap}; a WebSocket begins with GET. {choose}.",
    )


def _no_http(beginning: bytes, choose: str) -> Refusal:
    if _PRINTABLE.fullmatch(beginning.strip()):
        shown = f'begins with "{beginning.strip().decode("ascii")}"'
    else:
        shown = f"begins with the bytes {beginning[:_BYTES_SHOWN].hex(' ')}"
    return Refusal(
        RefusalCode.BAD_HANDSHAKE,
        f"What came is no request of HTTP at all: it {shown}. {choose}; another device may have "
        "this address and port, too.",
    )


def _bad_handshake(detail: str) -> Refusal:
    return Refusal(
        RefusalCode.BAD_HANDSHAKE,
        f"The request for a WebSocket is wrong ({detail[:150]}). Update the firmware of the charge "
        f"point, and {_PROXY}.",
    )
