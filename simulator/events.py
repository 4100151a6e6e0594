"""What happens to a charge point, for the console, for demos and for tests."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class EventKind(StrEnum):
    """The notable things."""

    CONNECTED = "connected"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    DISCONNECTED = "disconnected"
    BOOT = "boot"
    STATUS = "status"
    STARTED = "started"
    STOPPED = "stopped"
    POWER = "power"
    CONFIGURED = "configured"
    RESET = "reset"
    FIRMWARE = "firmware"


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One notable thing, in words."""

    identity: str
    kind: EventKind
    text: str


Listener = Callable[[Event], None]


class Events:
    """Tells the listener, and wakes whoever waits for a condition to become true."""

    def __init__(self, identity: str, listener: Listener | None) -> None:
        self._identity = identity
        self._listener = listener
        self._waiters: set[asyncio.Future[None]] = set()

    def emit(self, kind: EventKind, text: str) -> None:
        """Tell of a notable thing."""
        if self._listener is not None:
            self._listener(Event(identity=self._identity, kind=kind, text=text))
        self.changed()

    def changed(self) -> None:
        """Let those who wait look again."""
        waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def until(self, condition: Callable[[], bool], within: float) -> None:
        """Wait until the condition holds; raise TimeoutError after `within` real seconds."""
        async with asyncio.timeout(within):
            while not condition():
                waiter = asyncio.get_running_loop().create_future()
                self._waiters.add(waiter)
                try:
                    await waiter
                finally:
                    self._waiters.discard(waiter)
