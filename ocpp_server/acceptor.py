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
from typing import Final

import structlog

from domain.proxies import source_network
from ocpp_server.queues import Crowd, RoundQueue
from ocpp_server.visitor import MOST_OF_A_REQUEST, Visitor

SILENT: Final = 2048
"""Connections on which no whole request has come; each may have sent 8 KiB of it. All may be of one
address: thousands of charge points come back at once behind one proxy, or one provider's NAT."""
ASKING: Final = 2048
"""Connections with a whole request that wait for their turn."""
HANDSHAKES: Final = 1024
"""Requests that are being answered; those whose answer is to wait are not among them."""
_BACKLOG: Final = 4096
_TAKEN_A_ROUND: Final = 16
_LET_IN_A_ROUND: Final = 1
_CROWDED: Final = 64
"""Where more ask, nobody is let in who has hung up; where fewer do, what he asked is recorded, and
he may have closed his half alone."""
_GONE_A_ROUND: Final = 32
"""So many of them are passed over until the next one is let in."""
_REST: Final = 1.0
_TOO_LONG: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"Connection: close\r\nContent-Length: 0\r\n\r\n"
)
_log = structlog.get_logger(__name__)


class Acceptor:
    """Listens; stands for the loop's own server.

    ``make`` gives the protocol of a connection, from what came on it already, and calls back when
    its handshake is over. ``source`` says from which address a whole request came: behind a proxy,
    many share the connection's, and nobody else's is known before.
    """

    def __init__(
        self,
        make: Callable[[bytes, Callable[[], None]], asyncio.BaseProtocol],
        source: Callable[[Visitor], str | None],
    ) -> None:
        self.sockets: list[socket.socket] = []
        self._make = make
        self._source = source
        self._loop = asyncio.get_running_loop()
        self._silent: Crowd[Visitor] = Crowd(SILENT)
        self._asking: Crowd[Visitor] = Crowd(ASKING)
        self._handshakes = 0
        self._kept_out = 0
        """How many ask and wait until a handshake is over."""
        self._queue = RoundQueue(_LET_IN_A_ROUND)
        self._connecting: set[asyncio.Task[None]] = set()

    async def open(self, host: str, port: int) -> "Acceptor":
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
        """Stop listening, and send away those who are not in yet."""
        for listener in self.sockets:
            self._loop.remove_reader(listener)
            listener.close()
        self.sockets = []
        for crowd in (self._silent, self._asking):
            for visitor in list(crowd):
                crowd.remove(visitor)
                visitor.send_away()

    async def wait_closed(self) -> None:
        """Wait for those who are being let in."""
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
            visitor = Visitor(connection, address[0])
            if self._hear(visitor):
                visitor.listen(self._on_more, self._on_late)
                too_many = self._silent.add(visitor, source_network(visitor.peer))
                if too_many is not None:
                    too_many.send_away()

    def _take_again(self, listener: socket.socket) -> None:
        if listener in self.sockets:
            self._loop.add_reader(listener, self._take, listener)

    def _on_more(self, visitor: Visitor) -> None:
        if not self._hear(visitor):
            self._silent.remove(visitor)

    def _on_late(self, visitor: Visitor) -> None:
        self._silent.remove(visitor)
        visitor.send_away()

    def _hear(self, visitor: Visitor) -> bool:
        """Tell whether one stays silent; else it has asked, or is sent away."""
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
        too_many = self._asking.add(visitor, source_network(self._source(visitor) or ""))
        if too_many is None:
            self._queue.take(self._let_in)
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

    def _next(self) -> Visitor | None:
        """Return the next that is still there, if any."""
        for _ in range(min(len(self._asking), _GONE_A_ROUND)):
            visitor = self._asking.next()
            if len(self._asking) < _CROWDED or not visitor.is_gone:
                return visitor
            visitor.send_away()
        if self._asking:
            self._queue.take(self._let_in)
        return None

    async def _connect(self, visitor: Visitor) -> None:
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
            self._queue.take(self._let_in)
