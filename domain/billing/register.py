"""The register of one session: how much had been charged at every moment of it.

Energy is in mWh and relative to the start of the session; both are whole numbers, so that nothing
is lost when a session is cut into parts.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from domain.billing.rising import Point, restarting, rising

MICROSECOND: Final = timedelta(microseconds=1)
IDLE_BELOW_MW: Final = 100_000
"""Below 100 W no vehicle charges: what still flows is standby."""
_MOST_MW: Final = 1_000_000_000
"""A megawatt: whatever seems to rise faster is no charging."""
_MICROSECONDS_PER_HOUR: Final = 3_600_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """The register at one moment, as the charge point reported it."""

    at: datetime
    mwh: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """From one moment until another, which is not included."""

    start: datetime
    end: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """A transaction that has ended. Register values in mWh.

    ``timed``: when it was, and how long it took, is known; else ``stopped_at`` alone counts.
    ``suspended`` is when the site, and not the vehicle, kept power back.
    ``remarks`` say what was odd.
    """

    started_at: datetime
    stopped_at: datetime
    meter_start_mwh: int
    meter_stop_mwh: int
    readings: tuple[Reading, ...] = ()
    timed: bool = True
    suspended: tuple[Span, ...] = ()
    remarks: tuple[str, ...] = ()


class Register:
    """The register between start and stop: a line through the readings that make sense.

    Readings may come in any order, twice, or not at all. Those that lie beyond what start and stop
    allow, or do not rise with most others, are passed over: start and stop are the truth. Only
    where the stop lies below the start has the register restarted; then its rises are added up.
    """

    def __init__(self, session: Session) -> None:
        self.restarted = session.meter_stop_mwh < session.meter_start_mwh
        inside = _inside(session)
        values = _rises(session, inside) if self.restarted else _plain(session, inside)
        self.total_mwh = values[-1][1]
        points = {session.started_at: 0}
        if session.stopped_at > session.started_at:
            points |= dict(values)
        self._at: Sequence[datetime] = list(points)
        self._mwh: Sequence[int] = list(points.values())

    @property
    def points(self) -> Sequence[Point]:
        """Moments, and what had been charged by then."""
        return list(zip(self._at, self._mwh, strict=True))

    def charged_at(self, moment: datetime) -> int:
        """Energy charged until a moment of the session, to the nearest mWh."""
        after = bisect_right(self._at, moment)
        if after == len(self._at):
            return self._mwh[-1]
        before = after - 1
        passed = (moment - self._at[before]) // MICROSECOND
        whole = (self._at[after] - self._at[before]) // MICROSECOND
        rise = self._mwh[after] - self._mwh[before]
        return self._mwh[before] + (2 * rise * passed + whole) // (2 * whole)

    def reached(self, mwh: int) -> datetime | None:
        """The first moment by which so much had been charged; None when it never was."""
        for (at_1, mwh_1), (at_2, mwh_2) in pairwise(zip(self._at, self._mwh, strict=True)):
            if mwh_1 < mwh <= mwh_2:
                whole = (at_2 - at_1) // MICROSECOND
                passed = -(-whole * (mwh - mwh_1) // (mwh_2 - mwh_1))  # rounded up
                return at_1 + passed * MICROSECOND
        return None

    def idle_since(self) -> datetime:
        """The moment from which on, until the stop, nothing flowed but standby.

        A pause after which the vehicle charges again is not idle.
        Where power never was above standby, it is idle from its last rise on.
        """
        rose = flowed = self._at[0]
        for (at_1, mwh_1), (at_2, mwh_2) in pairwise(zip(self._at, self._mwh, strict=True)):
            rise, length = mwh_2 - mwh_1, (at_2 - at_1) // MICROSECOND
            if rise > 0:
                rose = at_2
            if rise * _MICROSECONDS_PER_HOUR >= IDLE_BELOW_MW * length:
                flowed = at_2
        return rose if flowed == self._at[0] else flowed


def _inside(session: Session) -> list[Point]:
    """Readings between start and stop in the order of time; of one instant the highest."""
    found: dict[datetime, int] = {}
    for reading in session.readings:
        if session.started_at < reading.at < session.stopped_at:
            found[reading.at] = max(found.get(reading.at, reading.mwh), reading.mwh)
    return sorted(found.items())


def _plain(session: Session, inside: Sequence[Point]) -> list[Point]:
    total = session.meter_stop_mwh - session.meter_start_mwh
    start = session.meter_start_mwh
    if inside and all(mwh < start and mwh <= total for _, mwh in inside):
        start = 0  # the samples count from the start of the session, meterStart does not
    risen = [(at, mwh - start) for at, mwh in inside]
    kept = rising([point for point in risen if 0 <= point[1] <= total])
    return [*kept, (session.stopped_at, total)]


def _rises(session: Session, inside: Iterable[Point]) -> list[Point]:
    summed, since, before = 0, session.started_at, session.meter_start_mwh
    values: list[Point] = []
    ended = session.stopped_at, session.meter_stop_mwh
    for at, mwh in restarting([*inside, ended], before):
        rise, length = mwh - before, (at - since) // MICROSECOND
        if rise * _MICROSECONDS_PER_HOUR <= _MOST_MW * length:
            summed += max(rise, 0)
        since, before = at, mwh
        values.append((at, summed))
    return values
