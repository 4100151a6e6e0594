"""Those who wait at one place, counted by where they come from, with a bound."""

from collections import OrderedDict, defaultdict
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Crowd(Generic[T]):
    """Keeps ``most``; each step costs the same, however many."""

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
