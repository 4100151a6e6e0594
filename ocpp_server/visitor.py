"""A connection that is not let in yet, and its request as far as it has come."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Final

MOST_OF_A_REQUEST: Final = 8 * 1024
"""Bytes of an opening handshake; a charge point needs a few hundred."""
REQUEST_SECONDS: Final = 10.0
"""Within which a request has to be whole."""
_END_OF_LINE: Final = b"\r\n"
_END_OF_REQUEST: Final = b"\r\n\r\n"


class Visitor:
    """Who is not let in yet. ``peer`` is the address that it connects from, maybe a proxy's."""

    __slots__ = ("_deadline", "peer", "said", "socket")

    def __init__(self, connection: socket.socket, peer: str) -> None:
        self.socket = connection
        self.peer = peer
        self.said = b""
        self._deadline: asyncio.TimerHandle | None = None

    def listen(self, ready: Callable[["Visitor"], None], late: Callable[["Visitor"], None]) -> None:
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

    def header(self, name: str) -> list[str]:
        """Give the values of a header of its request, whatever else is wrong with that."""
        request, end, _ = self.said.partition(_END_OF_REQUEST)
        lines = request.split(_END_OF_LINE)[1:] if end else []
        pairs = (line.decode("ascii", "surrogateescape").partition(":") for line in lines)
        return [value.strip() for given, _, value in pairs if given.lower() == name.lower()]
