"""Lets connections in once they have asked, a few in each round of the event loop.

The loop's own server takes all that wait, thousands at once, and gives each a transport, a protocol
and a task before it has said a word; whoever is connected waits for that. Here a connection costs a
file and a few bytes until its request is whole, and then waits until its address has its turn. Who
is one too many is the oldest of the address that most come from. A charge point sends its request
right away: it is not silent for long, and it waits for few, even behind one address with a whole
car park that returns at once.
"""

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import structlog

from domain.proxies import source_network
from ocpp_server.crowd import Crowd
from ocpp_server.turns import Turns

SILENT: Final = 2048
"""Connections on which no whole request has come; each may have sent 8 KiB of it. All may be of one
address: thousands of charge points come back at once behind one proxy, or one provider's NAT."""
ASKING: Final = 2048
"""Connections with a whole request that wait for their turn."""
HANDSHAKES: Final = 1024
"""Requests that are being answered."""
MOST_OF_A_REQUEST: Final = 8 * 1024
"""Bytes of an opening handshake; a charge point needs a few hundred."""
REQUEST_SECONDS: Final = 10.0
"""Within which a request has to be whole."""
_BACKLOG: Final = 4096
_TAKEN_A_ROUND: Final = 16
_LET_IN_A_ROUND: Final = 1
_CROWDED: Final = 64
"""Where more ask, nobody is let in who has hung up; where fewer do, what he asked is recorded, and
he may have closed his half alone."""
_GONE_A_ROUND: Final = 32
"""So many of them are passed over until the next one is let in."""
_REST: Final = 1.0
_END_OF_REQUEST: Final = b"\r\n\r\n"
_TOO_LONG: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"Connection: close\r\nContent-Length: 0\r\n\r\n"
)
_log = structlog.get_logger(__name__)


class _Visitor:
    """A connection that is not let in yet."""

    __slots__ = ("_deadline", "came_from", "said", "socket")

    def __init__(self, connection: socket.socket, came_from: str) -> None:
        self.socket = connection
        self.came_from = came_from
        self.said = b""
        self._deadline: asyncio.TimerHandle | None = None

    def listen(
        self, ready: Callable[["_Visitor"], None], late: Callable[["_Visitor"], None]
    ) -> None:
        """Call back when something comes, or when it is late."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self.socket, ready, self)
        self._deadline = loop.call_later(REQUEST_SECONDS, late, self)

    def listen_no_more(self) -> None:
        """Leave what comes to whoever has the socket next."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
            asyncio.get_running_loop().remove_reader(self.socket)

    def send_away(self, word: bytes = b"") -> None:
        """End it at once."""
        self.listen_no_more()
        with suppress(OSError):
            if word:
                self.socket.send(word)
        self.socket.close()

    @property
    def is_gone(self) -> bool:
        """Whether it has hung up."""
        try:
            return not self.socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def hear(self) -> bool:
        """Take what has come; False when it has hung up, or said all that can matter.

        Raises:
            BlockingIOError: nothing has come.
            OSError: it is gone.

        """
        data = self.socket.recv(MOST_OF_A_REQUEST + 1)
        before = max(len(self.said) - len(_END_OF_REQUEST) + 1, 0)
        self.said += data
        if not data or not self.said[:1].isalpha():  # TLS, or another protocol
            return False
        return _END_OF_REQUEST not in self.said[before:]


class Door:
    """Listens; stands for the loop's own server.

    ``make`` gives the protocol of a connection, from what came on it already, and calls back when
    its handshake is over.
    """

    def __init__(self, make: Callable[[bytes, Callable[[], None]], asyncio.BaseProtocol]) -> None:
        self.sockets: list[socket.socket] = []
        self._make = make
        self._loop = asyncio.get_running_loop()
        self._silent: Crowd[_Visitor] = Crowd(SILENT)
        self._asking: Crowd[_Visitor] = Crowd(ASKING)
        self._handshakes = 0
        self._kept_out = 0
        """How many ask and wait until a handshake is over."""
        self._turns = Turns(_LET_IN_A_ROUND)
        self._connecting: set[asyncio.Task[None]] = set()

    async def open(self, host: str, port: int) -> "Door":
        """Listen; raise OSError when the port is taken."""
        # The loop looks the name up and binds; it never listens.
        server = await self._loop.create_server(asyncio.Protocol, host, port, start_serving=False)
        self.sockets = [socket.socket(fileno=os.dup(bound.fileno())) for bound in server.sockets]
        server.close()
        for listener in self.sockets:
            listener.listen(_BACKLOG)
            listener.settimeout(0)
            self._loop.add_reader(listener, self._take, listener)
        return self

    def close(self) -> None:
        """Listen no more, and send away whoever is not in yet."""
        for listener in self.sockets:
            self._loop.remove_reader(listener)
            listener.close()
        self.sockets = []
        for crowd in (self._silent, self._asking):
            for visitor in list(crowd):
                crowd.remove(visitor)
                visitor.send_away()

    async def wait_closed(self) -> None:
        """Wait for those who are on the threshold."""
        if self._connecting:
            await asyncio.wait(self._connecting)

    def is_serving(self) -> bool:
        """Whether it listens."""
        return bool(self.sockets)

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop that it was made on."""
        return self._loop

    def _take(self, listener: socket.socket) -> None:
        for _ in range(_TAKEN_A_ROUND):
            try:
                connection, address = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:  # no room for another file
                _log.error("connections_wait", error=repr(error))
                self._loop.remove_reader(listener)
                self._loop.call_later(_REST, self._take_again, listener)
                return
            connection.settimeout(0)
            visitor = _Visitor(connection, source_network(address[0]))
            if self._hear(visitor):
                visitor.listen(self._on_more, self._on_late)
                too_many = self._silent.add(visitor, visitor.came_from)
                if too_many is not None:
                    too_many.send_away()

    def _take_again(self, listener: socket.socket) -> None:
        if listener in self.sockets:
            self._loop.add_reader(listener, self._take, listener)

    def _on_more(self, visitor: _Visitor) -> None:
        if not self._hear(visitor):
            self._silent.remove(visitor)

    def _on_late(self, visitor: _Visitor) -> None:
        self._silent.remove(visitor)
        visitor.send_away()

    def _hear(self, visitor: _Visitor) -> bool:
        """Whether it stays among the silent ones; else it asks from now on, or is sent away."""
        try:
            if visitor.hear():
                if len(visitor.said) <= MOST_OF_A_REQUEST:
                    return True
                visitor.send_away(_TOO_LONG)
                return False
        except BlockingIOError:
            return True
        except OSError:
            visitor.send_away()
            return False
        if not visitor.said:  # somebody looked whether the port is open
            visitor.send_away()
            return False
        visitor.listen_no_more()
        too_many = self._asking.add(visitor, visitor.came_from)
        if too_many is None:
            self._turns.take(self._let_in)
        else:
            too_many.send_away()
        return False

    def _let_in(self) -> None:
        if self._handshakes >= HANDSHAKES:
            self._kept_out += 1
        elif visitor := self._next():
            self._handshakes += 1
            task = self._loop.create_task(self._connect(visitor), name="let in")
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    def _next(self) -> _Visitor | None:
        """Whose turn it is, if anybody's who is there still."""
        for _ in range(min(len(self._asking), _GONE_A_ROUND)):
            visitor = self._asking.next()
            if len(self._asking) < _CROWDED or not visitor.is_gone:
                return visitor
            visitor.send_away()
        if self._asking:
            self._turns.take(self._let_in)
        return None

    async def _connect(self, visitor: _Visitor) -> None:
        try:
            await self._loop.connect_accepted_socket(
                lambda: self._make(visitor.said, self._answered), visitor.socket
            )
        except OSError:  # it has gone already
            visitor.socket.close()
            self._answered()

    def _answered(self) -> None:
        self._handshakes -= 1
        if self._kept_out:
            self._kept_out -= 1
            self._turns.take(self._let_in)
