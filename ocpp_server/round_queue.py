"""Work that many ask for at once, a few pieces in each round of the event loop."""

import asyncio
from collections import deque
from collections.abc import Callable


class RoundQueue:
    """Does ``a_round`` pieces of work in a round of the loop, so that sockets come between."""

    def __init__(self, a_round: int) -> None:
        self._a_round = a_round
        self._left = a_round
        self._waiting: deque[Callable[[], None]] = deque()
        self._is_counting = False

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

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
