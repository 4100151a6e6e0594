"""Is it the opening handshake of a WebSocket at all (RFC 6455 §4.2.1)? If not, what it is."""

import re

from websockets import exceptions
from websockets.http11 import Request
from websockets.server import ServerProtocol

from ocpp_server.auth import Refusal, RefusalCode
from ocpp_server.requests import UnreadableRequest

_PRINTABLE = re.compile(rb"[\x20-\x7e]+")
_BYTES_SHOWN = 8
_PROXY = "if a proxy is on the way, let it pass WebSockets on"


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
