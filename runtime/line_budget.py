"""How many lines of one subject a log takes a minute: one without end hides nobody's."""

import time
from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from typing import Final, Generic, TypeVar

KeyT = TypeVar("KeyT", bound=Hashable)
_WINDOW: Final = 60.0


class LineBudget(Generic[KeyT]):
    """Counts by the minute. Whoever logs asks for each line, and first for what was left out."""

    def __init__(self, lines: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._lines = lines
        self._clock = clock
        self._began = clock()
        self._said: Counter[KeyT] = Counter()

    @property
    def subjects(self) -> int:
        """How many there were in this minute."""
        return len(self._said)

    def __contains__(self, key: KeyT) -> bool:
        return key in self._said

    def admits(self, key: KeyT) -> bool:
        """Count one more line of it; False when it has had those of this minute."""
        self._said[key] += 1
        return self._said[key] <= self._lines

    def left_out(self) -> Mapping[KeyT, int]:
        """Once a minute is over, begin a new one, and say how many of each were left out in it."""
        now = self._clock()
        if now - self._began < _WINDOW:
            return {}
        self._began = now
        beyond = {key: said - self._lines for key, said in self._said.items()}
        self._said.clear()
        return {key: number for key, number in beyond.items() if number > 0}
