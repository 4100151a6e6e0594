"""Limits: messages, connections, id tags of a charge point, refused handshakes of a source."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from domain.proxies import source_network

_MAX_SOURCES: Final = 10_000
MOST: Final = 5
"""Unknown id tags of one charge point within a minute that are answered at once."""
_WINDOW: Final = 60.0
_STEP: Final = 2.0
LATEST: Final = 8.0
"""Seconds; some firmware waits ten for an answer."""
_REMEMBERED: Final = MOST + int(LATEST / _STEP)
_MAX_CHARGE_POINTS: Final = 10_000


def keep_newest(found: dict[Any, Any], key: object, value: object, most: int) -> None:
    """Keep a value as the newest, and forget the oldest of more than ``most``."""
    found.pop(key, None)
    found[key] = value
    while len(found) > most:
        del found[next(iter(found))]


class Allowance:
    """Token bucket: ``burst`` at once, then ``rate`` a second."""

    __slots__ = ("_at", "_burst", "_clock", "_rate", "_tokens")

    def __init__(
        self, *, rate: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._tokens = burst
        self._at = clock()

    def spend(self, tokens: int = 1) -> float:
        """Take tokens and return how many seconds to wait for them."""
        pause = self.pause()
        self._tokens -= tokens
        return pause if self._tokens >= 0 else -self._tokens / self._rate

    def would_pause(self, tokens: int = 1) -> float:
        """Return how many seconds :meth:`spend` would have one wait; takes nothing."""
        self.pause()
        return max(0.0, (tokens - self._tokens) / self._rate)

    def pause(self) -> float:
        """Return how many seconds to wait until no token is owed."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        return 0.0 if self._tokens >= 0 else -self._tokens / self._rate


@dataclass(kw_only=True, eq=False)
class Arrivals:
    """Makes whoever connects far too often as one charge point wait, and never locks it out.

    Two with one identity push each other out as fast as they can connect, and each connection is a
    commit: from the twentieth on, one a second. A source has that for itself, so that a stranger
    with the identity uses up nothing of the charge point's; and who is sent away has used up
    nothing. Only the newest ten thousand are remembered.
    """

    rate: float = 1.0
    burst: float = 20.0
    longest: float = 5.0
    """Who would have to wait for more seconds is sent away."""
    clock: Callable[[], float] = time.monotonic
    _allowances: OrderedDict[tuple[str, str], Allowance] = field(default_factory=OrderedDict)

    def __len__(self) -> int:
        return len(self._allowances)

    def pause(self, source: str | None, charge_point_id: str) -> float | None:
        """Count a connection, and return how many seconds it has to wait; None: it is sent away."""
        key = source_network(source or ""), charge_point_id
        allowance = self._allowances.get(key)
        if allowance is None:
            allowance = Allowance(rate=self.rate, burst=self.burst, clock=self.clock)
        keep_newest(self._allowances, key, allowance, _MAX_SOURCES)
        return None if allowance.would_pause() > self.longest else allowance.spend()


@dataclass(kw_only=True, eq=False)
class Failures:
    """Counts refusals by source. Beyond the limit they are no longer recorded, and answered late.

    A source is never locked out: behind one address there may be a hundred honest charge points,
    and who is admitted does not wait.
    """

    limit: int = 30
    window: float = 60.0
    step: float = 0.1
    """So many seconds longer waits each refusal beyond the limit, ``longest`` at most."""
    longest: float = 4.0
    burst: float = 300.0
    """So many of all sources are recorded, then ``rate`` a second: who has many addresses must not
    fill the log, nor the database."""
    rate: float = 5.0
    clock: Callable[[], float] = time.monotonic
    _all: Allowance = field(init=False)
    _counts: OrderedDict[str, tuple[int, float]] = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        self._all = Allowance(rate=self.rate, burst=self.burst, clock=self.clock)

    def exceeded(self, source: str) -> bool:
        """Count a refusal; True when there were too many of this source, or of all."""
        source, now = source_network(source), self.clock()
        count, ends = self._counts.get(source, (0, 0.0))
        if now >= ends:
            count, ends = 0, now + self.window
        keep_newest(self._counts, source, (count + 1, ends), _MAX_SOURCES)
        if count >= self.limit or self._all.would_pause() > 0:
            return True
        self._all.spend()
        return False

    def pause(self, source: str) -> float:
        """Return how many seconds the answer to its newest refusal is to wait."""
        count, ends = self._counts.get(source_network(source), (0, 0.0))
        if self.clock() >= ends:
            return 0.0
        return min(max(count - self.limit, 0) * self.step, self.longest)


class Guesses:
    """Counts unknown id tags of each charge point, over all its links: none can be found so.

    Who presents many is answered late, whatever is presented there then, the right one too, so that
    the time tells nothing; and nobody is refused for it, for a driver may stand there whose card is
    the sixth.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: OrderedDict[str, tuple[float, ...]] = OrderedDict()

    def pause(self, charge_point_id: str, *, unknown: bool) -> float:
        """Count an id tag that was presented; return how many seconds its answer has to wait."""
        now = self._clock()
        seen = self._seen.get(charge_point_id, ())
        recent = sum(now - at < _WINDOW for at in seen)
        if unknown:
            newest = (*seen, now)[-_REMEMBERED:]
            keep_newest(self._seen, charge_point_id, newest, _MAX_CHARGE_POINTS)
        return min(max(recent - MOST + 1, 0) * _STEP, LATEST)
