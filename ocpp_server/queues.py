"""Queues at the door: who waits, by where they come from; work for rounds of the event loop."""

import asyncio
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from typing import Final, Generic, TypeVar

from domain.proxies import source_network

T = TypeVar("T")
PAUSING: Final = 256
"""Each is a file and a handshake's memory; the acceptor counts none of them."""


class Crowd(Generic[T]):
    """Keeps ``most`` of those who wait; each step costs the same, however many."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._sources: dict[T, str] = {}
        self._of_source: OrderedDict[str, OrderedDict[T, None]] = OrderedDict()
        self._of_size: defaultdict[int, OrderedDict[str, None]] = defaultdict(OrderedDict)
        """Sources of which so many are here."""
        self._largest = 0

    def __len__(self) -> int:
        return len(self._sources)

    def __iter__(self) -> Iterator[T]:
        return iter(self._sources)

    def add(self, one: T, source: str) -> T | None:
        """Add one; if that is one too many, remove and return the oldest of the largest source."""
        self._sources[one] = source
        mine = self._of_source.setdefault(source, OrderedDict())
        mine[one] = None
        self._resized(source, len(mine) - 1, len(mine))
        if len(self._sources) > self._most:
            return self._oldest_of(next(iter(self._of_size[self._largest])))
        return None

    def remove(self, one: T) -> None:
        """Forget one, if it is here."""
        source = self._sources.pop(one, None)
        if source is None:
            return
        mine = self._of_source[source]
        del mine[one]
        self._resized(source, len(mine) + 1, len(mine))
        if not mine:
            del self._of_source[source]

    def next(self) -> T:
        """Remove and return the oldest of the source whose turn it is.

        Raises:
            StopIteration: nobody is here.

        """
        source = next(iter(self._of_source))
        self._of_source.move_to_end(source)
        return self._oldest_of(source)

    def _oldest_of(self, source: str) -> T:
        oldest = next(iter(self._of_source[source]))
        self.remove(oldest)
        return oldest

    def _resized(self, source: str, before: int, now: int) -> None:
        if before:
            self._of_size[before].pop(source)
            if not self._of_size[before]:
                del self._of_size[before]
        if now:
            self._of_size[now][source] = None
        if now > self._largest or (before == self._largest and before not in self._of_size):
            self._largest = now


class Pauses:
    """Handshakes that are answered a while later: of a source that is refused, or comes, too often.

    Of one too many, the oldest of the largest source waits no more.
    """

    def __init__(self) -> None:
        self._waiting: Crowd[asyncio.Future[None]] = Crowd(PAUSING)
        self._are_over = False

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    async def wait(self, seconds: float, source: str | None) -> bool:
        """Wait so many seconds; False when it is cut short."""
        if self._are_over:
            return False
        cut = asyncio.get_running_loop().create_future()
        too_many = self._waiting.add(cut, source_network(source or ""))
        if too_many is not None:
            too_many.set_result(None)
        try:
            await asyncio.wait({cut}, timeout=seconds)
        finally:
            self._waiting.remove(cut)
        return not cut.done()

    def end(self) -> None:
        """Cut all short, and those to come."""
        self._are_over = True
        for cut in list(self._waiting):
            self._waiting.remove(cut)
            cut.set_result(None)


class RoundQueue:
    """Does ``a_round`` pieces of work in a round of the loop, so that sockets come between."""

    def __init__(self, a_round: int) -> None:
        self._a_round = a_round
        self._left = a_round
        self._waiting: deque[Callable[[], None]] = deque()
        self._is_counting = False

    def take(self, work: Callable[[], None]) -> bool:
        """Do it now if this round has room (True), else in a later one. It must not raise."""
        if self._left and not self._waiting:
            self._left -= 1
            self._count()
            work()
            return True
        self._waiting.append(work)
        self._count()
        return False

    def _count(self) -> None:
        if not self._is_counting:
            self._is_counting = True
            asyncio.get_running_loop().call_soon(self._next_round)

    def _next_round(self) -> None:
        self._is_counting = False
        self._left = self._a_round
        while self._waiting and self._left:
            self._left -= 1
            self._count()
            self._waiting.popleft()()
