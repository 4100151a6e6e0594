"""The register's story of a session: its start, its samples and its stop, as far as they agree.

Chargers send a start before their register is ready, a stop that is no more than the start, a
register for life beside samples of the session alone, or numbers that no meter has. Each story says
which readings are believed; it stands where physics allows it and where what nobody saw is little.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from domain.billing.bound import Rating
from domain.billing.register import MICROSECOND, Reading, Register, Session
from domain.billing.rising import Point, rising

_MOVED_MWH: Final = 100_000
"""A register moves in steps of up to 100 Wh; less than that is no movement."""
_UNSEEN_MWH: Final = 1_000_000
_UNSEEN_PART: Final = 20
"""What nobody saw is little: a kWh, or a twentieth of what was seen."""
_MICROSECONDS_PER_HOUR: Final = 3_600_000_000
_RATE_OVER: Final = timedelta(seconds=30)
_HALF: Final = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What is known of a session's energy; registers in mWh, below zero they are not known.

    ``before_mwh`` and ``after_mwh`` are what the same connector's register showed at the end of the
    session before, and at the start of the one after. ``longest`` is how long it can have lasted.
    """

    session: Session
    """When it was; its registers do not count."""
    meter_start_mwh: int | None
    meter_stop_mwh: int | None
    longest: timedelta
    rating: Rating
    before_mwh: int | None = None
    after_mwh: int | None = None

    @property
    def start(self) -> int | None:
        """What the register showed at the start; None where that is not known."""
        return _known(self.meter_start_mwh)

    @property
    def stop(self) -> int | None:
        """What it showed at the stop."""
        return _known(self.meter_stop_mwh)

    @property
    def most_mwh(self) -> int:
        """What physics allows."""
        return self.rating.most_mwh(self.longest)


@dataclass(frozen=True, kw_only=True, slots=True)
class Story:
    """Which registers are believed, and what nobody saw (mWh, at most)."""

    start_mwh: int
    stop_mwh: int
    readings: tuple[Reading, ...]
    remark: str | None = None
    unseen_mwh: int = 0

    def session(self, told: Session) -> Session:
        """Return the session as this story has it."""
        return replace(
            told,
            meter_start_mwh=self.start_mwh,
            meter_stop_mwh=self.stop_mwh,
            readings=self.readings,
            remarks=(*told.remarks, *((self.remark,) if self.remark else ())),
        )

    def energy_mwh(self, told: Session) -> int:
        """How much was charged by it."""
        return Register(self.session(told)).total_mwh


def tell(evidence: Evidence) -> Story | None:
    """Return the first story that stands; None where none does."""
    return next((story for story in stories(evidence) if _stands(story, evidence)), None)


def stories(evidence: Evidence) -> Iterator[Story]:
    """What may have been the case, the likeliest first."""
    points = _points(evidence)
    if plain := _plain(evidence):
        yield plain
    if len(points) > 0:
        yield from _by_samples(evidence, points)
    else:
        yield from _by_neighbours(evidence)
    if restarted := _restarted(evidence, points):
        yield restarted


def least_mwh(evidence: Evidence) -> int | None:
    """What the samples alone show for certain; None where they show nothing that is possible."""
    points = _points(evidence)
    if not points:
        return None
    rise = points[-1][1] - points[0][1]
    return rise if len(points) > 1 and rise <= evidence.most_mwh else None


def _known(register: int | None) -> int | None:
    return register if register is not None and register >= 0 else None


def _told(session: Session) -> list[Point]:
    """Readings of the session in the order of time; one outside of it says nothing of it."""
    return sorted(
        (reading.at, reading.mwh)
        for reading in session.readings
        if not session.timed or session.started_at <= reading.at <= session.stopped_at
    )


def _points(evidence: Evidence) -> list[Point]:
    """The readings that go together: they rise, and no faster than anything can flow."""
    chain = rising(_told(evidence.session))
    return max(_followed(evidence, chain), _followed(evidence, chain[1:]), key=len)


def _followed(evidence: Evidence, chain: Sequence[Point]) -> list[Point]:
    kept = list(chain[:1])
    for at, mwh in chain[1:]:
        if mwh - kept[-1][1] <= _most_between(evidence, kept[-1][0], at):
            kept.append((at, mwh))
    return kept


def _most_between(evidence: Evidence, since: datetime, until: datetime) -> int:
    """What can flow in between; by a clock that is wrong nobody knows how long that was."""
    if not evidence.session.timed:
        return evidence.most_mwh
    return evidence.rating.most_mwh(until - since)


def _plain(evidence: Evidence) -> Story | None:
    """Start and stop are the truth, and most samples agree with them, the last one above all."""
    start, stop = evidence.start, evidence.stop
    if start is None or stop is None or stop < start:
        return None
    told = _told(evidence.session)
    began = evidence.session.started_at
    for zero in (start, 0):
        agreeing = [
            mwh - zero
            for at, mwh in told
            if 0 <= mwh - zero <= _most_between(evidence, began, at)
            and (zero == start or mwh < start)
        ]
        if len(agreeing) * _HALF >= len(told):
            if agreeing and agreeing[-1] > stop - start + _MOVED_MWH:
                return None
            return Story(start_mwh=start, stop_mwh=stop, readings=evidence.session.readings)
    if min(mwh for _, mwh in told) > stop + _MOVED_MWH:
        rise = told[-1][1] - told[0][1]
        if 0 <= rise <= stop - start + _MOVED_MWH:  # they are of another register
            return Story(start_mwh=start, stop_mwh=stop, readings=())
    return None


def _by_samples(evidence: Evidence, points: Sequence[Point]) -> Iterator[Story]:
    """One end, or both, is not what the samples say; of the end that agrees the word counts."""
    start, stop = evidence.start, evidence.stop
    (first_at, first), (last_at, last) = points[0], points[-1]
    session = evidence.session
    fits_start = start is not None and start <= first
    fits_stop = stop is not None and last <= stop + _MOVED_MWH
    before = _unseen(evidence, points, session.started_at, first_at)
    after = _unseen(evidence, points, last_at, session.stopped_at)
    if stop is not None and fits_stop:
        yield from _without_start(evidence, points, max(stop, last), before)
    if start is not None and fits_start:
        yield from _without_stop(evidence, points, start, after)
    if (
        start is not None
        and last < start
        and first <= _most_between(evidence, session.started_at, first_at)
    ):
        yield Story(
            start_mwh=0,
            stop_mwh=last,
            readings=session.readings,
            remark="Its readings count from zero in the session, and were billed up to the last "
            "one, since the meter's start and stop do not agree with them.",
            unseen_mwh=after,
        )
    if len(points) > 1:
        yield Story(
            start_mwh=first,
            stop_mwh=last,
            readings=session.readings,
            remark="Billed from its first reading to its last one, since the meter's start and "
            "stop are missing, or do not agree with them.",
            unseen_mwh=before + after,
        )


def _without_start(
    evidence: Evidence, points: Sequence[Point], stop: int, unseen: int
) -> Iterator[Story]:
    first = points[0][1]
    before = evidence.before_mwh
    if before is not None and 0 < before <= first <= before + unseen + _MOVED_MWH:
        yield Story(
            start_mwh=before,
            stop_mwh=stop,
            readings=evidence.session.readings,
            remark="Billed from what the meter showed at the end of the session before, since its "
            "reading at the start is missing or cannot be right.",
        )
    yield Story(
        start_mwh=first,
        stop_mwh=stop,
        readings=evidence.session.readings,
        remark="Billed from its first reading in the session, since the meter's reading at the "
        "start is missing or cannot be right.",
        unseen_mwh=unseen,
    )


def _without_stop(
    evidence: Evidence, points: Sequence[Point], start: int, unseen: int
) -> Iterator[Story]:
    last = points[-1][1]
    after = evidence.after_mwh
    if after is not None and last <= after <= last + unseen + _MOVED_MWH:
        yield Story(
            start_mwh=start,
            stop_mwh=after,
            readings=evidence.session.readings,
            remark="Billed up to what the meter showed at the start of the session after, since "
            "its reading at the stop is missing or cannot be right.",
        )
    yield Story(
        start_mwh=start,
        stop_mwh=last,
        readings=evidence.session.readings,
        remark="Billed up to its last reading in the session, since the meter's reading at the "
        "stop is missing or cannot be right.",
        unseen_mwh=unseen,
    )


def _by_neighbours(evidence: Evidence) -> Iterator[Story]:
    """Without samples the sessions before and after say where a register for life stood."""
    start, stop = evidence.start, evidence.stop
    before, after = evidence.before_mwh, evidence.after_mwh
    if stop is not None and before and before <= stop:
        yield Story(
            start_mwh=before,
            stop_mwh=stop,
            readings=(),
            remark="Billed from what the meter showed at the end of the session before, since its "
            "reading at the start is missing or cannot be right.",
        )
    if start is not None and after is not None and start <= after:
        yield Story(
            start_mwh=start,
            stop_mwh=after,
            readings=(),
            remark="Billed up to what the meter showed at the start of the session after, since "
            "its reading at the stop is missing or cannot be right.",
        )


def _restarted(evidence: Evidence, points: Sequence[Point]) -> Story | None:
    """The register fell for good: its rises before and after are added."""
    start, stop = evidence.start, evidence.stop
    told = _told(evidence.session)
    if start is None or stop is None or stop >= start or not told:
        return None
    session = evidence.session
    ends = [(session.started_at, start), *told, (session.stopped_at, stop)]
    _, since, until = min((later[1] - one[1], one[0], later[0]) for one, later in pairwise(ends))
    return Story(
        start_mwh=start,
        stop_mwh=stop,
        readings=session.readings,
        unseen_mwh=_unseen(evidence, points, since, until),
    )


def _unseen(evidence: Evidence, points: Sequence[Point], since: datetime, until: datetime) -> int:
    """What may have flowed while nobody looked; of a session whose clock is wrong all may."""
    if not evidence.session.timed:
        return evidence.most_mwh
    return _at_peak(evidence, points, max(until - since, timedelta(0)))


def _at_peak(evidence: Evidence, points: Sequence[Point], length: timedelta) -> int:
    """Energy of so long at the most power that the session shows, or that can be."""
    rate = _peak_mw(points)
    if rate is None:
        rate = evidence.rating.watts * 1000
    return rate * (length // MICROSECOND) // _MICROSECONDS_PER_HOUR


def _peak_mw(points: Sequence[Point]) -> int | None:
    """The most power between two readings that are not too close; None: too short to tell."""
    found: int | None = None
    first = 0
    for last in range(1, len(points)):
        length = points[last][0] - points[first][0]
        if length < _RATE_OVER and last + 1 < len(points):
            continue
        if length > timedelta(0):
            rise = points[last][1] - points[first][1]
            found = max(found or 0, rise * _MICROSECONDS_PER_HOUR // (length // MICROSECOND))
        first = last
    return found


def _stands(story: Story, evidence: Evidence) -> bool:
    energy = story.energy_mwh(evidence.session)
    little = max(_UNSEEN_MWH, energy // _UNSEEN_PART)
    return (
        0 <= energy <= evidence.most_mwh
        and story.unseen_mwh <= little
        and _could_flow(story, evidence)
    )


def _could_flow(story: Story, evidence: Evidence) -> bool:
    """At no reading had more been charged than could flow since the start."""
    session = evidence.session
    stamped = evidence.rating.most_mwh(session.stopped_at - session.started_at)
    doubted = story.stop_mwh - story.start_mwh > stamped  # its clock stood still, or went back
    if not session.timed or doubted or story.stop_mwh < story.start_mwh:
        return True
    register = Register(story.session(session))
    return all(
        mwh <= evidence.rating.most_mwh(at - session.started_at) for at, mwh in register.points
    )
