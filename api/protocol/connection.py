"""A connection to the API: its heads are short and come in time, its answers are read.

uvicorn's other parser bounds no head: whoever sends header upon header, or nothing at all, keeps
memory and a socket for as long as he likes. Neither looks whether an answer is read.
"""

import asyncio
import re
import socket
import sys
from collections import defaultdict
from collections.abc import Mapping
from heapq import nlargest
from itertools import count
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from domain.proxies import source_network
from runtime.files import have_files

HEAD_BYTES: Final = 32 * 1024
"""Of request line and headers together."""
HEADERS: Final = 100
"""In number; browsers behind a proxy send thirty."""
HEAD_SECONDS: Final = 10.0
"""For all of them, from the connection or from their first byte on."""
TAKEN_BYTES: Final = 16 * 1024
TAKEN_SECONDS: Final = 30.0
"""An answer that is not read by as much within as many seconds is given up."""
CONNECTIONS: Final = 2000
"""At a time, a thousand of them for streams; where the system gives us fewer files, fewer."""
_OTHER_FILES: Final = 100
_AT_ONCE: Final = 40
"""One of so many connections is ended at a time where there is no room."""
_VANISHED_MS: Final = 60_000
"""Of nothing acknowledged."""
_UNREAD_BYTES: Final = 128 * 1024
"""The system's part of an answer that is not read yet; by itself it takes some MiB for each."""
UNREAD_OF_ALL: Final = 64 * 1024 * 1024
"""What is kept of answers that are not read yet, of all connections together."""
_LARGE: Final = 64 * 1024
"""An answer of which less waits is none that they are counted for."""
GIVE_UP: Final = "dynamo.give_up"
"""The extension of a scope that ends the connection: uvicorn takes an answer that stops for a
mistake of ours."""
_ARRIVALS: Final = count()
_END: Final = re.compile(rb"\n\r?\n")
_TOO_MUCH: Final = b"The head of the request is too large: 32 KiB and 100 headers at most."


class BoundedProtocol(H11Protocol):
    """uvicorn's own, with deadlines, and with a bound for the number of connections."""

    most: int = CONNECTIONS
    network: str = ""
    """Of its address: what its like are counted by."""
    _deadline: asyncio.TimerHandle | None = None
    _look: asyncio.TimerHandle | None = None
    _unread: int = 0
    _number: int = 0
    """How many came before it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request, if there is room."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=0)  # so that we hear of all that is not read
        self.network = source_network(self.client[0]) if self.client else ""
        self._number = next(_ARRIVALS)
        self._wait()
        if len(self.connections) > self.most:
            _make_room(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._arrived()
        self._is_read()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Take what has come: the rest of a head is waited for, but not for ever."""
        if self.conn.their_state is h11.IDLE and _is_too_much(self.conn.trailing_data[0]):
            self._refuse()
            return
        super().handle_events()
        if self.scope is not None:  # of a request whose answer has not begun yet
            extensions: dict[str, Any] = self.scope.setdefault("extensions", {})
            extensions[GIVE_UP] = self.give_up
        if self.conn.their_state is h11.IDLE:
            if self.conn.trailing_data[0]:
                self._wait()
        elif not self._is_answered_early:
            self._arrived()

    def on_response_complete(self) -> None:
        """Wait for what is missing of a body that was refused, but not for ever either."""
        super().on_response_complete()
        if self._is_answered_early:
            self._wait()

    def pause_writing(self) -> None:
        """Look from now on whether the answer is read."""
        super().pause_writing()
        self._unread = self.transport.get_write_buffer_size()
        self._look = self.loop.call_later(TAKEN_SECONDS, self._look_whether_it_is_read)
        if self._unread > _LARGE:
            _bound_memory(self)

    def resume_writing(self) -> None:
        """It is."""
        self._is_read()
        super().resume_writing()

    @property
    def gives_way(self) -> tuple[int, int]:
        """How soon it is ended to make room, then for how long it is there; 0: it is not.

        Who has asked for nothing yet, or not again, goes before who still sends, and last goes
        whose answer waits to be read, be it closed behind it or not. Who is being answered
        otherwise does not go.
        """
        if self._look is not None:
            return 1, -self._number
        if self.transport.is_closing():
            return 0, 0
        order = {h11.IDLE: 3, h11.SEND_BODY: 2}.get(self.conn.their_state, 0)
        return order, -self._number

    @property
    def is_leaving(self) -> bool:
        """Whether it is closed, and nothing keeps it: its loop will tell of its end."""
        return self.transport.is_closing() and self._look is None

    @property
    def keeps(self) -> int:
        """How many bytes of its answer wait here to be read."""
        return self.transport.get_write_buffer_size() if self._look is not None else 0

    def give_up(self) -> None:
        """End it, be it half open, or closed with an answer on its way that nobody takes."""
        self._arrived()
        self._is_read()
        self.transport.abort()

    @property
    def _is_answered_early(self) -> bool:
        return self.conn.our_state is h11.DONE and self.conn.their_state is h11.SEND_BODY

    def _wait(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_SECONDS, self.give_up)

    def _arrived(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _is_read(self) -> None:
        if self._look is not None:
            self._look.cancel()
            self._look = None

    def _look_whether_it_is_read(self) -> None:
        self._look = None
        unread = self.transport.get_write_buffer_size()
        if self._unread - unread < TAKEN_BYTES:
            self.give_up()
        else:
            self._unread = unread
            self._look = self.loop.call_later(TAKEN_SECONDS, self._look_whether_it_is_read)

    def _refuse(self) -> None:
        self._arrived()
        for event in (
            h11.Response(
                status_code=431,
                headers=[(b"content-type", b"text/plain"), (b"connection", b"close")],
                reason=b"Request Header Fields Too Large",
            ),
            h11.Data(data=_TOO_MUCH),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


def _make_room(new: BoundedProtocol) -> None:
    """End connections for the new one: of the address that has most of them, the oldest.

    Several at a time, so that a flood does not have all looked through for each of its own.
    """
    there = [one for one in new.connections if isinstance(one, BoundedProtocol)]
    # Those of them that end anyway are looked through but once.
    new.connections.difference_update(one for one in there if one.is_leaving)
    if len(new.connections) <= new.most:
        return
    ready: dict[str, list[BoundedProtocol]] = defaultdict(list)
    for one in there:
        if one is not new and one.gives_way[0]:
            ready[one.network].append(one)
    if not ready:
        new.give_up()
        return
    most = max(ready.values(), key=len)
    for one in nlargest(max(new.most // _AT_ONCE, 1), most, key=lambda one: one.gives_way):
        one.give_up()


def _bound_memory(new: BoundedProtocol) -> None:
    """Where too much waits to be read, end connections of the address that keeps the most of it.

    Those with the most first, then the oldest, and some more than need be, as above.
    """
    there = [one for one in new.connections if isinstance(one, BoundedProtocol) and one.keeps]
    if sum(one.keeps for one in there) <= UNREAD_OF_ALL:
        return
    by_network: dict[str, int] = defaultdict(int)
    for one in there:
        by_network[one.network] += one.keeps
    most = max(by_network, key=by_network.__getitem__)
    to_free = max(sum(by_network.values()) - UNREAD_OF_ALL, UNREAD_OF_ALL // _AT_ONCE)
    for one in sorted(there, key=lambda one: (one.keeps, one.gives_way), reverse=True):
        if one.network == most and to_free > 0:
            to_free -= one.keeps
            one.give_up()


def _is_too_much(received: bytes) -> bool:
    """Whether the head at the beginning of it is, be it whole or not."""
    end = _END.search(received)
    head = received[: end.end()] if end else received
    return len(head) > HEAD_BYTES or head.count(b"\n") > HEADERS + 2


def have_room() -> None:
    """Ask the system for as many files as connections take, and count on no more than it gives."""
    files = have_files(CONNECTIONS + _OTHER_FILES)
    BoundedProtocol.most = max(files - _OTHER_FILES, _OTHER_FILES)


def bound_what_is_unread(listener: socket.socket) -> None:
    """Have the system keep little of an answer, and end a connection whose other side is gone."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _UNREAD_BYTES)
    if sys.platform == "linux":  # what it accepts has its options
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _VANISHED_MS)


BOUNDED: Final[Mapping[str, Any]] = {
    "http": BoundedProtocol,
    "h11_max_incomplete_event_size": HEAD_BYTES,
    "ws": "none",  # we have none, and their heads are another parser's
}
"""What uvicorn's configuration has to say for it."""
