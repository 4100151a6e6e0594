"""How each charge point of a site takes part: it shares, is free, is held low, tested, or closed.

Pure, and the same for the same arguments. Who cannot be paused needs its minimum for each of its
connectors at all times, in use or not; who takes no limits needs all that its cable carries, or the
lowest limit that it obeys; who is silent, or offline, and may have none, draws what its cable
carries. As many as fit are let; the connectors of the others are inoperative. Enough for one
vehicle is left to those that share, where there are any: nobody waits for ever.

Where a run tests, so much is set aside as it was lent, whoever waits. Who is not commissioned, or
leaves, is inoperative.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from domain.power.site import Circuit, SiteLimit
from domain.power.state import Station, Terms
from domain.power.troubles import Trouble
from domain.states import FeatureState


class Part(StrEnum):
    """How a charge point takes part."""

    FREE = "free"
    SHARES = "shares"
    HELD = "held"
    TESTED = "tested"
    CLOSED = "closed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What a charge point shall be told; ``terms`` None: nothing limits it.

    ``kept_amps`` is what each of its open connectors is kept for it, in use or not.
    ``closed`` are the connectors that shall be inoperative.
    """

    part: Part
    terms: Terms | None = None
    closed: frozenset[int] = frozenset()
    kept_amps: float = 0.0


_FREE = Standing(part=Part.FREE)


def standings(
    stations: Collection[Station], limit: SiteLimit, *, paused: bool = False
) -> Mapping[str, Standing]:
    """Decide for each charge point of a site, by its id."""
    found = {one.charge_point_id: _out_of_use(one) for one in stations if _is_out_of_use(one)}
    used = [one for one in stations if one.charge_point_id not in found]
    if paused:
        return found | {station.charge_point_id: _FREE for station in used}
    ample = _ample(used, limit)
    terms = {one.charge_point_id: terms_of(one, limit, ample=ample) for one in used}
    found |= {
        one.charge_point_id: _tested(one, terms[one.charge_point_id]) for one in used if one.tested
    }
    return found | _shared([one for one in used if not one.tested], limit, terms, ample=ample)


def _shared(
    stations: Collection[Station],
    limit: SiteLimit,
    terms: Mapping[str, Terms | None],
    *,
    ample: bool,
) -> dict[str, Standing]:
    """Decide for those where drivers charge. Nobody is closed for a test: that waits."""
    found: dict[str, Standing] = {}
    room = _Room(stations, limit, terms)
    away = {one.charge_point_id for one in stations if one.out_of_reach and not one.given_up}
    never = {one.charge_point_id for one in stations if one.state is FeatureState.ACTIVATING}
    for station in stations:
        if station.charge_point_id in away & never:
            room.lose(station.phases, station.max_amps)
    for station in _in_order(one for one in stations if not one.given_up):
        told = terms[station.charge_point_id]
        if told is None:
            found[station.charge_point_id] = _FREE
        elif station.needs_minimum and _binding(station, limit, ample=ample):
            counted = station.charge_point_id in away & never
            closed = frozenset[int]() if counted else room.closed(station, told.default_amps)
            found[station.charge_point_id] = Standing(
                part=Part.SHARES, terms=told, closed=closed, kept_amps=told.default_amps
            )
        else:
            found[station.charge_point_id] = Standing(part=Part.SHARES, terms=told)
    for station in stations:  # who was told once is likely to be back soon, so nobody is closed
        if station.charge_point_id in away - never:
            standing = found[station.charge_point_id]
            kept = (len(station.outlets) - len(standing.closed)) * standing.kept_amps
            room.lose(station.phases, max(0.0, station.max_amps - kept))
    for station in _in_order(one for one in stations if one.given_up):
        found[station.charge_point_id] = _given_up(station, room)
    return found


def terms_of(station: Station, limit: SiteLimit, *, ample: bool) -> Terms | None:
    """What it is told of itself as long as it takes limits; None where there is none to keep.

    Without a limit of its own a transaction draws nothing, or the least that the charge point
    takes: who has just plugged in must break neither the site's limit nor a cable that is shared.
    ``ample``: the supply carries all cables at once.
    """
    if limit.amps is None and not station.declared:
        return None
    cable = float(station.max_amps)
    whole = cable if limit.amps is None else min(cable, limit.amps)
    least = float(min(station.least, station.max_amps)) if station.needs_minimum else 0.0
    return Terms(
        station_amps=whole,
        default_amps=least if _binding(station, limit, ample=ample) else whole,
        phases=len(station.phases),
        voltage=station.voltage,
    )


def _binding(station: Station, limit: SiteLimit, *, ample: bool) -> bool:
    """Whether a connector may not simply draw what the cable carries."""
    return len(station.outlets) > 1 or not (limit.amps is None or ample)


def _ample(stations: Collection[Station], limit: SiteLimit) -> bool:
    """Whether the supply carries all charge points at once, each told what it carries alone.

    Then nobody has to be held back for another.
    """
    loaded = dict.fromkeys(limit.capacity, 0.0)
    for station in stations:
        for phase in station.phases:
            if phase in loaded:
                loaded[phase] += min(station.max_amps, limit.capacity[phase])
    return all(loaded[phase] <= most for phase, most in limit.capacity.items())


def _is_out_of_use(station: Station) -> bool:
    return station.leaving or not (station.commissioned or station.tested)


def _out_of_use(station: Station) -> Standing:
    """Nobody may charge there; who leaves loses its limits once that is sure."""
    part = Part.FREE if station.leaving else Part.CLOSED
    return Standing(part=part, closed=frozenset(station.outlets))


def _tested(station: Station, usual: Terms | None) -> Standing:
    """What was set aside for its test charge; its cable where it keeps to no limit."""
    assert station.service is not None, "it is tested"  # noqa: S101
    cable = float(station.max_amps)
    if usual is None or station.given_up:
        return Standing(part=Part.TESTED, kept_amps=cable)
    whole = each = min(station.service.amps, usual.station_amps)
    if station.trouble is Trouble.NO_STATION_LIMIT:
        each = max(whole / len(station.outlets), float(min(station.least, station.max_amps)))
    terms = replace(usual, station_amps=whole, default_amps=each)
    return Standing(part=Part.TESTED, terms=terms, kept_amps=each)


def _given_up(station: Station, room: "_Room") -> Standing:
    cable = float(station.max_amps)
    if room.take(station.phases, cable):
        return Standing(part=Part.FREE, kept_amps=cable)
    held = max(float(station.least), station.obeys or 0.0)
    closed = frozenset(station.outlets)
    if held < cable:
        closed = room.closed(station, held)
    still_open = len(station.outlets) - len(closed)
    if not still_open:
        return Standing(part=Part.CLOSED, closed=closed)
    terms = Terms(
        station_amps=min(cable, held * still_open),
        default_amps=held,
        phases=len(station.phases),
        voltage=station.voltage,
    )
    return Standing(part=Part.HELD, terms=terms, closed=closed, kept_amps=held)


class _Room:
    """What the supply still carries for those that cannot be paused."""

    def __init__(
        self,
        stations: Collection[Station],
        limit: SiteLimit,
        terms: Mapping[str, Terms | None],
    ) -> None:
        self._left: dict[Circuit, float] = dict(limit.capacity)
        spare = dict.fromkeys(self._left, 0.0)
        for station in stations:
            told = terms[station.charge_point_id]
            if not station.given_up and told is not None and told.default_amps == 0:
                for phase in station.phases:
                    if phase in spare:
                        spare[phase] = max(spare[phase], float(station.least))
        for circuit, amps in spare.items():
            self._left[circuit] = max(0.0, self._left[circuit] - amps)

    def take(self, circuits: Iterable[Circuit], amps: float) -> bool:
        """Take so much of each circuit, if it is there."""
        mine = [circuit for circuit in circuits if circuit in self._left]
        if any(self._left[circuit] < amps for circuit in mine):
            return False
        for circuit in mine:
            self._left[circuit] -= amps
        return True

    def lose(self, circuits: Iterable[Circuit], amps: float) -> None:
        """So much of each circuit is drawn whatever is decided here."""
        for circuit in circuits:
            if circuit in self._left:
                self._left[circuit] = max(0.0, self._left[circuit] - amps)

    def closed(self, station: Station, amps: float) -> frozenset[int]:
        """Take so much for each connector, those first that are open; tells which do not fit."""
        cable = {station.charge_point_id: float(station.max_amps)}
        self._left |= cable
        circuits = (*station.phases, *cable)
        in_order = sorted(station.outlets, key=lambda one: (one in station.closed, one))
        return frozenset(one for one in in_order if not self.take(circuits, amps))


def _in_order(stations: Iterable[Station]) -> list[Station]:
    """Those first that are open, so that nobody is closed for another that comes."""
    return sorted(
        stations,
        key=lambda one: (set(one.outlets) <= set(one.closed), one.charge_point_id),
    )
