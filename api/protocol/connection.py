"""A connection to the API: the head of a request is short, and comes in time.

uvicorn's other parser bounds neither: whoever sends header upon header, or nothing at all, keeps
memory and a socket for as long as he likes.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_BYTES: Final = 32 * 1024
"""Of request line and headers together."""
HEAD_SECONDS: Final = 10.0
"""For all of them, from the connection or from their first byte on."""


class BoundedProtocol(H11Protocol):
    """uvicorn's own, with a deadline for the head of each request."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._arrived()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Take what has come: the rest of a head is waited for, but not for ever."""
        super().handle_events()
        if self.conn.their_state is not h11.IDLE:
            self._arrived()
        elif self.conn.trailing_data[0]:
            self._wait()

    def _wait(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_SECONDS, self._late)

    def _arrived(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _late(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self.transport.abort()


BOUNDED: Final[Mapping[str, Any]] = {
    "http": BoundedProtocol,
    "h11_max_incomplete_event_size": HEAD_BYTES,
}
"""What uvicorn's configuration has to say for it."""
