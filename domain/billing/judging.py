"""What becomes of a session: a bill by readings that are believed, or a hold with its reason."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from domain.billing.bound import Rating
from domain.billing.clocks import LONGEST_SESSION, Times
from domain.billing.held import Decision, Hold, HoldCause, Wanted
from domain.billing.register import Reading, Session, Span
from domain.billing.story import Evidence, Story, least_mwh, tell
from domain.billing.tariff import Dimension, TariffElement, TariffVersion

_MWH_PER_KWH: Final = 1_000_000
_CLOCK_WRONG: Final = "The charge point's clock was wrong, so no time was billed."
_END_UNKNOWN: Final = "Its end was not told, so no time was billed."
_CLOCK_DOUBTED: Final = (
    "By the charge point's clock it took too short a time for its energy; the arrival of its "
    "messages allows it."
)
_SUPERSEDED: Final = "The charge point never told its end; it was ended by the engine."


@dataclass(frozen=True, kw_only=True, slots=True)
class ToldSession:
    """A session as its charge point told it. Registers in mWh, as in :class:`Evidence`.

    ``readings`` carry its stamps where its clock is believed, else the moments of their arrival.
    """

    times: Times
    meter_start_mwh: int | None
    meter_stop_mwh: int | None
    readings: tuple[Reading, ...]
    rating: Rating
    before_mwh: int | None = None
    after_mwh: int | None = None
    suspended: tuple[Span, ...] = ()
    superseded: bool = False
    """The engine ended it: no stop was told."""
    contested: bool = False
    """Something of it came while several links spoke as the charge point."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """``session`` is what can be billed, ``hold`` what cannot; both where it is the time alone."""

    session: Session | None
    hold: Hold | None


def judge(told: ToldSession, versions: Sequence[TariffVersion]) -> Judgement:
    """Find what the readings allow; the owner's decision is not looked at."""
    evidence = _evidence(told)
    if told.contested:
        return Judgement(session=None, hold=_hold_contested(told, evidence, versions))
    story = tell(evidence)
    timed = evidence.session.timed
    remarks = [_SUPERSEDED] if told.superseded else []
    if not timed:
        remarks.append(_CLOCK_WRONG)
    if story is None:
        return Judgement(session=None, hold=_hold_energy(told, evidence, versions))
    session = story.session(evidence.session)
    if timed and not _fast_enough(told, story, evidence):
        timed = False
        remarks.append(_CLOCK_DOUBTED)
    if timed and not told.superseded:
        return Judgement(session=_remarked(session, remarks), hold=None)
    if not _is_priced_by_time(versions, told.times):
        return Judgement(session=_remarked(replace(session, timed=timed), remarks), hold=None)
    hold = _hold_time(told, evidence, story, energy_too=_energy_waits(versions, told.times))
    if timed:
        remarks.append(_END_UNKNOWN)
    if Wanted.ENERGY in hold.wanted:
        return Judgement(session=None, hold=hold)
    return Judgement(session=_remarked(replace(session, timed=False), remarks), hold=hold)


def decide(
    told: ToldSession, decision: Decision, versions: Sequence[TariffVersion]
) -> Session | None:
    """Return the session as its owner says that it was; None where it cannot be billed so.

    What the owner has not said is taken from the readings.
    """
    evidence = _evidence(told)
    session: Session | None = evidence.session
    judged = judge(told, versions)
    remarks = [f"Released by the site owner{f': {decision.note}' if decision.note else '.'}"]
    if decision.energy_kwh is not None:
        energy = int(decision.energy_kwh * _MWH_PER_KWH)
        session = replace(evidence.session, meter_start_mwh=0, meter_stop_mwh=energy, readings=())
    else:
        session = judged.session
        if session is None:
            return None
        session = replace(session, remarks=())
    if decision.minutes is not None:
        length = timedelta(minutes=float(decision.minutes))
        session = replace(session, started_at=session.stopped_at - length, timed=True)
    return _remarked(session, remarks)


def _evidence(told: ToldSession) -> Evidence:
    times = told.times
    timed = times.sound
    session = Session(
        started_at=times.started_at if timed else times.received_at,
        stopped_at=times.ended if timed else max(times.ended, times.received_at),
        meter_start_mwh=0,
        meter_stop_mwh=0,
        readings=told.readings,
        timed=timed,
        suspended=told.suspended,
    )
    return Evidence(
        session=session,
        meter_start_mwh=told.meter_start_mwh,
        meter_stop_mwh=None if told.superseded else told.meter_stop_mwh,
        longest=times.longest,
        rating=told.rating,
        before_mwh=told.before_mwh,
        after_mwh=told.after_mwh,
    )


def _remarked(session: Session, remarks: Sequence[str]) -> Session:
    return replace(session, remarks=(*session.remarks, *remarks))


def _fast_enough(told: ToldSession, story: Story, evidence: Evidence) -> bool:
    """Whether the charge point's own stamps leave the time for the energy."""
    most = told.rating.most_mwh(told.times.by_its_clock)
    return story.energy_mwh(evidence.session) <= most


def _hold_energy(told: ToldSession, evidence: Evidence, versions: Sequence[TariffVersion]) -> Hold:
    start, stop = evidence.start, evidence.stop
    timed = evidence.session.timed
    least = least_mwh(evidence)
    most = evidence.most_mwh
    if start is None and stop is None and not told.readings:
        cause, reason = HoldCause.NO_READINGS, "The meter's reading was never told."
    elif told.superseded:
        cause = HoldCause.END_UNKNOWN
        reason = (
            "Its end was never told, and its readings leave open how much was charged after the "
            "last one."
        )
    elif start is not None and stop is not None and stop - start > most:
        cause = HoldCause.ABOVE_BOUND
        reason = (
            f"By the meter's start and stop {_kwh(stop - start)} kWh were charged; no more than "
            f"{_kwh(most)} kWh can have been, in {_minutes(evidence.longest)} minutes at "
            f"{told.rating.watts / 1000:g} kW ({told.rating.source.words})."
        )
    elif _rise(told.readings) > most:
        cause = HoldCause.ABOVE_BOUND
        reason = (
            f"Its readings rose by more than the {_kwh(most)} kWh that can have been charged in "
            f"{_minutes(evidence.longest)} minutes at {told.rating.watts / 1000:g} kW "
            f"({told.rating.source.words})."
        )
    else:
        cause = HoldCause.READINGS_DISAGREE
        reason = (
            f"The meter's start ({_shown(told.meter_start_mwh)}), its readings in between "
            f"({_between(told.readings)}) and its stop ({_shown(told.meter_stop_mwh)}) do not "
            "agree, and leave open how much was charged."
        )
    untimed = not timed or told.superseded
    asks_time = untimed and _is_priced_by_time(versions, told.times)
    return Hold(
        cause=cause,
        reason=reason,
        wanted=(Wanted.ENERGY, *((Wanted.TIME,) if asks_time else ())),
        most_mwh=most,
        longest=evidence.longest,
        rating_w=told.rating.watts,
        rating_source=told.rating.source,
        least_mwh=least,
        least=_least_time(told) if asks_time else None,
    )


def _hold_contested(
    told: ToldSession, evidence: Evidence, versions: Sequence[TariffVersion]
) -> Hold:
    by_time = _is_priced_by_time(versions, told.times)
    return Hold(
        cause=HoldCause.CONTESTED,
        reason=(
            "While it went on, or was told, several links spoke as the charge point: which of its "
            "readings are the charge point's is not known."
        ),
        wanted=(Wanted.ENERGY, *((Wanted.TIME,) if by_time else ())),
        most_mwh=evidence.most_mwh,
        longest=evidence.longest,
        rating_w=told.rating.watts,
        rating_source=told.rating.source,
    )


def _hold_time(told: ToldSession, evidence: Evidence, story: Story, *, energy_too: bool) -> Hold:
    superseded = told.superseded and told.times.sound
    what = "its energy and its time" if energy_too else "its time"
    return Hold(
        cause=HoldCause.END_UNKNOWN if superseded else HoldCause.CLOCK_WRONG,
        reason=(
            f"Its end was never told, and the tariff prices {what} by the clock."
            if superseded
            else f"The charge point's clock was wrong, and the tariff prices {what} by the clock."
        ),
        wanted=(Wanted.ENERGY, Wanted.TIME) if energy_too else (Wanted.TIME,),
        most_mwh=evidence.most_mwh,
        longest=evidence.longest,
        rating_w=told.rating.watts,
        rating_source=told.rating.source,
        least_mwh=story.energy_mwh(evidence.session),
        least=_least_time(told),
    )


def _least_time(told: ToldSession) -> timedelta | None:
    """From the first reading to the last, as they arrived or were stamped."""
    if not told.readings:
        return None
    at = [reading.at for reading in told.readings]
    return min(max(at) - min(at), told.times.longest)


def _holding(versions: Sequence[TariffVersion], times: Times) -> list[TariffElement]:
    """Elements that may count: those of the versions that can have held at any moment of it.

    Whose clock is wrong may have told it as late as any charge point does.
    """
    until = max(times.ended, times.stop_received_at)
    since = times.started_at if times.sound else min(times.received_at, until) - LONGEST_SESSION
    return [
        element
        for version in _versions_between(versions, since, until)
        for element in version.tariff.elements
    ]


def _versions_between(
    versions: Sequence[TariffVersion], since: datetime, until: datetime
) -> list[TariffVersion]:
    ordered = sorted(versions, key=lambda version: (version.valid_from, version.id))
    before = [version for version in ordered if version.valid_from <= since][-1:]
    return before + [version for version in ordered if since < version.valid_from <= until]


def _is_priced_by_time(versions: Sequence[TariffVersion], times: Times) -> bool:
    """Whether a price is for time, or another one at another time."""
    elements = _holding(versions, times)
    for_time = any(
        component.price and component.type in {Dimension.TIME, Dimension.PARKING_TIME}
        for element in elements
        for component in element.price_components
    )
    return for_time or _energy_waits(versions, times)


def _energy_waits(versions: Sequence[TariffVersion], times: Times) -> bool:
    """Whether what energy, or the session itself, costs depends on when it was."""
    elements = _holding(versions, times)
    clocked = any(
        element.restrictions is not None
        and element.restrictions.depend_on_time
        and any(
            component.type in {Dimension.ENERGY, Dimension.FLAT}
            for component in element.price_components
        )
        for element in elements
    )
    return clocked or (not times.sound and _prices_changed(versions, times))


def _prices_changed(versions: Sequence[TariffVersion], times: Times) -> bool:
    until = max(times.ended, times.stop_received_at)
    since = min(times.received_at, until) - LONGEST_SESSION
    held = _versions_between(versions, since, until)
    return any(version.tariff.elements != held[0].tariff.elements for version in held[1:])


def _rise(readings: Sequence[Reading]) -> int:
    ordered = sorted(readings, key=lambda reading: reading.at)
    return ordered[-1].mwh - ordered[0].mwh if ordered else 0


def _kwh(mwh: int) -> str:
    return f"{mwh / _MWH_PER_KWH:,.3f}"


def _minutes(length: timedelta) -> str:
    return f"{length / timedelta(minutes=1):,.1f}"


def _shown(mwh: int | None) -> str:
    return "not told" if mwh is None else f"{_kwh(mwh)} kWh"


def _between(readings: Sequence[Reading]) -> str:
    if not readings:
        return "none"
    ordered = sorted(readings, key=lambda reading: reading.at)
    if len(ordered) == 1:
        return _shown(ordered[0].mwh)
    return f"{len(ordered)} from {_shown(ordered[0].mwh)} to {_shown(ordered[-1].mwh)}"
