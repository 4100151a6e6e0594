"""How often a charge point restarts, as far as its connections and boots tell."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from collections import Counter
    from dataclasses import dataclass
    from datetime import datetime, timedelta
    from itertools import pairwise

    from domain.facts import ConnectionFact
    from workflows import policies


@dataclass(kw_only=True)
class _Life:
    """A connection, or the part of one from a restart that did not break it."""

    began: datetime | None = None
    ended: datetime | None = None
    booted: datetime | None = None


class RestartCount:
    """Keeps when connections began, booted and ended; they may be told in any order.

    Many charge points send a boot at each reconnect, so that a boot alone proves no restart. One
    after a connection that lived for less than a minute is counted; see
    :data:`policies.BOOT_LOOP_LIFE`. Who comes from another address may be somebody else, so that
    nothing is counted while two come: a loop is of one charge point.
    """

    def __init__(self) -> None:
        self._lives: dict[tuple[int, int], _Life] = {}
        """By generation, and the number of restarts on that connection."""
        self._parts: dict[int, int] = {}
        self._addresses: dict[int, str | None] = {}

    def connection(self, fact: ConnectionFact) -> None:
        """Take the beginning or the end of a connection."""
        self._addresses[fact.generation] = fact.remote_address
        if fact.connected:
            first = self._lives.setdefault((fact.generation, 0), _Life())
            first.began = first.began or fact.at
        else:
            last = self._last(fact.generation)
            last.ended = last.ended or fact.at

    def boot(self, generation: int, at: datetime) -> None:
        """Take the first boot of a connection."""
        life = self._last(generation)
        life.began, life.booted = life.began or at, at

    def boot_on_the_same(self, generation: int, at: datetime) -> None:
        """Take a restart that did not break the connection: behind a local proxy it need not."""
        self._parts[generation] = self._parts.get(generation, 0) + 1
        self.boot(generation, at)

    def within(self, window: timedelta) -> int:
        """Count those in so much time until the newest."""
        found = [
            (later.booted, earlier.began or later.booted)
            for (_, earlier), (_, later) in pairwise(sorted(self._lives.items(), key=_order))
            if later.booted is not None and _brief(earlier, later)
        ]
        counted = [began for at, began in found if at >= found[-1][0] - window]
        return 0 if counted and self._is_mixed(counted[0]) else len(counted)

    def _is_mixed(self, since: datetime) -> bool:
        """Whether one that comes back to its address, and any other, have been there since then.

        An address that is new each time is that of a link that changes it.
        """
        ordered = sorted(self._lives.items(), key=_order)
        ends = [earlier.ended or later.began for (_, earlier), (_, later) in pairwise(ordered)]
        there = {
            generation
            for ((generation, _), _), end in zip(ordered, [*ends, None], strict=True)
            if end is None or end >= since
        }
        times = Counter(self._addresses.get(generation) for generation in there)
        return len(times) > 1 and max(times.values()) > 1

    def _last(self, generation: int) -> _Life:
        return self._lives.setdefault((generation, self._parts.get(generation, 0)), _Life())


def _order(item: tuple[tuple[int, int], _Life]) -> tuple[int, int]:
    return item[0]


def _brief(earlier: _Life, later: _Life) -> bool:
    """Whether the earlier ended soon; its end is the later's beginning when it was never told."""
    end = earlier.ended or later.began
    if earlier.began is None or end is None:
        return False
    return end - earlier.began < policies.BOOT_LOOP_LIFE
