"""Calls that wait to be sent: one in flight, transaction-related ones survive being offline."""

import asyncio
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass

from simulator.frames import Payload
from simulator.words import Action

CAPACITY = 1000


@dataclass(slots=True, eq=False)
class Outgoing:
    """One call to be made. Its payload is built when it is sent, once the ids are known."""

    action: str
    payload: Callable[[], Payload]
    _: KW_ONLY
    on_reply: Callable[[Payload], None] = lambda _reply: None
    on_failure: Callable[[], None] = lambda: None
    durable: bool = False
    """Transaction-related: kept while offline, retried, delivered in order."""
    before_accepted: bool = False
    """May be sent while the central system has not accepted the boot."""
    attempts: int = 0
    """How often it failed; a connection that was lost meanwhile does not count."""
    not_before: float = 0.0
    """On the clock of the event loop."""


class Outbox:
    """The queue of one charge point."""

    def __init__(self) -> None:
        self._items: list[Outgoing] = []
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._items)

    def add(self, item: Outgoing) -> None:
        """Append a call; a full memory forgets the oldest readings, as that of hardware does."""
        if len(self._items) >= CAPACITY:
            self._forget_a_reading()
        self._items.append(item)
        self._changed.set()

    def wake(self) -> None:
        """Look again: whether the boot is accepted has changed."""
        self._changed.set()

    def remove(self, item: Outgoing) -> None:
        """Take out a call that was answered, or given up."""
        if item in self._items:
            self._items.remove(item)

    def drop_volatile(self) -> None:
        """Forget what is not worth sending once the connection is gone."""
        self._items = [item for item in self._items if item.durable]

    async def next(self, accepted: Callable[[], bool]) -> Outgoing:
        """Wait for the call to send now. It stays in the queue until removed."""
        loop = asyncio.get_running_loop()
        while True:
            self._changed.clear()
            item, wait = self._pick(loop.time(), accepted=accepted())
            if item is not None:
                return item
            try:
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _forget_a_reading(self) -> None:
        # The head may be in flight, and what begins or ends a transaction is never forgotten.
        for item in self._items[1:]:
            if item.action == Action.METER_VALUES:
                self._items.remove(item)
                return

    def _pick(self, now: float, *, accepted: bool) -> tuple[Outgoing | None, float | None]:
        wait: float | None = None
        durable_blocked = False
        for item in self._items:
            if not accepted and not item.before_accepted:
                continue
            if item.durable and durable_blocked:
                continue
            if item.not_before <= now:
                return item, None
            # A transaction's messages never overtake each other; a heartbeat may overtake them.
            durable_blocked |= item.durable
            wait = item.not_before - now if wait is None else min(wait, item.not_before - now)
        return None, wait
