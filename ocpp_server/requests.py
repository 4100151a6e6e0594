"""Requests as they come, also those that the library would hang up on: they are refused in words.

The library closes a connection without a word when it cannot read a request: TLS on the plain port,
a body, a broken header. A charge point that is set up wrongly does just that, and its installer is
to hear of it. So the parser of the request is ours, around the library's own.
"""

import re
from collections.abc import Generator
from dataclasses import dataclass
from typing import Final

from websockets.datastructures import Headers
from websockets.exceptions import InvalidMessage
from websockets.http11 import Request
from websockets.protocol import Protocol
from websockets.server import ServerProtocol

_TLS_HANDSHAKE: Final = b"\x16"
"""The first byte of a ClientHello (RFC 8446 §5.1), and of no request."""
_METHOD: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A token (RFC 9110 §9.1)."""
_BEGINNING: Final = 24


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
            request = _unreadable(bytes(first_line), error)
    protocol.events.append(request)
    while isinstance(request, UnreadableRequest):
        reader.discard()  # until the answer ends it
        yield
    protocol.parser = Protocol.parse(protocol)  # what this one holds is not kept for days
    next(protocol.parser)
    yield


def _unreadable(first_line: bytes, error: Exception) -> UnreadableRequest:
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
    protocol.handshake_exc = InvalidMessage("did not receive a valid HTTP request")
    protocol.handshake_exc.__cause__ = error
    protocol.send_eof()
    protocol.parser = protocol.discard()
    next(protocol.parser)
    yield
