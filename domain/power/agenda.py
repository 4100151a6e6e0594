"""What there is to do at a site: whom to limit, to free and to close, and who draws how much."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain.power.facts import Carried, DrawsQuestion, StationState, Watched
from domain.power.operations import LiftLimits, LimitStation, Running
from domain.power.plan import Outlet, load
from domain.power.share import BayKey, Demand, share
from domain.power.site import MIN_AMPS, Circuit, SiteLimit
from domain.power.site_state import SiteState
from domain.power.standing import Part, Standing, standings
from domain.power.state import Bay, Station, Terms
from domain.power.troubles import (
    Consequence,
    Serviced,
    Trouble,
    WaitingToShare,
    explain,
    explain_service,
    explain_waiting,
)
from domain.states import FeatureState


@dataclass(frozen=True, kw_only=True, slots=True)
class SitePace:
    """How long a site waits for each thing.

    ``turn``: one charges before another may. ``unanswered``, ``refused``, ``session_refused``: one
    that did so is asked again; ``insisted``: so is one that refuses to be cleared or closed.
    ``doubt``: one that restarted and confirmed no limits since counts at its cable. ``judged``:
    meter values show whether one obeys a limit that it does not report. ``looked_at``: it is
    looked again whether the run of a lent charge point is still open.
    """

    turn: timedelta = timedelta(minutes=15)
    unanswered: timedelta = timedelta(seconds=30)
    refused: timedelta = timedelta(hours=1)
    insisted: timedelta = timedelta(minutes=5)
    session_refused: timedelta = timedelta(seconds=5)
    doubt: timedelta = timedelta(seconds=5)
    judged: timedelta = timedelta(minutes=2)
    looked_at: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True, slots=True)
class Availability:
    """Connectors that shall be made inoperative, or operative again."""

    station: Station
    close: tuple[int, ...]
    open: tuple[int, ...]


class Agenda(SiteState):
    """Decides what is to be done from the state of the site."""

    def __init__(self, carried: Carried, pace: SitePace) -> None:
        super().__init__(carried)
        self._pace = pace
        self._asked: tuple[tuple[Station, ...], SiteLimit, bool] | None = None
        self._standings: Mapping[str, Standing] = {}

    def standings(self) -> Mapping[str, Standing]:
        """Return how each charge point takes part."""
        asked = tuple(self.stations.values()), self.limit, self.paused
        if asked != self._asked:  # it is asked for many times in a round
            self._asked = asked
            self._standings = standings(asked[0], self.limit, paused=self.paused)
        return self._standings

    def reserve(self, now: datetime) -> None:
        """Count what is to be allowed before anybody is told: the others make room first."""
        for identity, standing in self.standings().items():
            station = self.stations[identity]
            terms = self._wanted(station, standing, now)
            if terms is not None and terms.default_amps > station.default_bound:
                default = terms.default_amps
                self.stations[identity] = replace(station, default_bound=default)

    def to_prepare(self, now: datetime) -> list[Station]:
        """Return charge points that are online and have not taken what they are to be told."""
        standing = self.standings()
        return [
            station
            for station in self.stations.values()
            if not station.lent
            and self._shall_be_told(station, standing[station.charge_point_id], now)
        ]

    def to_lift(self, now: datetime) -> list[Station]:
        """Return charge points that are online and have not confirmed that they are unlimited."""
        standing = self.standings()
        return [
            station
            for station in self.stations.values()
            if not station.lent
            and station.may_be_cleared(now)
            and self._wanted(station, standing[station.charge_point_id], now) is None
            and standing[station.charge_point_id].part is Part.FREE
            and self._may_lift(station)
        ]

    def _may_lift(self, station: Station) -> bool:
        if station.leaving:  # nobody charges there then, so its limits hold nobody back
            closed = set(station.outlets) <= set(station.closed)
            charges = bool(self._bays_of(station.charge_point_id))
            return closed and not charges and not station.free
        if self.paused:
            return station.told is not None or (station.given_up and not station.free)
        return not station.free and self._has_room(station)

    def lift(self, station: Station) -> LiftLimits:
        """Make what lifts its limits. During a pause the limit of the whole stays if it is kept."""
        return LiftLimits(
            charge_point_id=station.charge_point_id,
            connectors=station.connectors,
            form=station.form,
            whole=not self.paused or station.given_up or station.leaving,
        )

    def to_close(self, now: datetime) -> list[Availability]:
        """Return charge points that are online and whose connectors are to be opened or closed."""
        return [one for one in self._availability(now) if not one.station.lent]

    def _availability(self, now: datetime) -> list[Availability]:
        found = []
        for identity, standing in self.standings().items():
            station = self.stations[identity]
            to_open = {*station.closed, *station.shut} - standing.closed
            wanted = Availability(
                station=station,
                close=tuple(sorted(standing.closed - set(station.closed))),
                open=tuple(sorted(to_open))
                if to_open and self._may_open(station, standing)
                else (),
            )
            if (wanted.close or wanted.open) and station.may_be_cleared(now):
                found.append(wanted)
        return found

    def to_stop(self, now: datetime) -> list[Bay]:
        """Return transactions that nothing else ends though the supply does not carry them.

        They are where connectors shall be inoperative, and with what cannot be paused they are
        more than the site may draw, or leave nothing for those who wait; or nobody may charge
        there at all.
        """
        standing = self.standings()
        kept = load(
            replace(outlet, bound=min(outlet.bound, self._kept(outlet.bay)))
            for outlet in self.outlets()
            if self._cannot_be_paused(self.stations[outlet.bay[0]])
        )
        most = dict(self.limit.capacity)
        for bay in self.bays.values():
            station = self.stations[bay.key[0]]
            if standing[bay.key[0]].part is Part.SHARES and station.connected and not bay.idle:
                for one in station.phases:
                    if one in most:
                        most[one] = min(most[one], self.limit.capacity[one] - station.least)
        over = {one for one, amps in most.items() if kept.get(one, 0.0) > amps}
        return [
            bay
            for bay in self.bays.values()
            if bay.key[1] in standing[bay.key[0]].closed
            and self._is_too_much(self.stations[bay.key[0]], over)
            and not self.stations[bay.key[0]].lent
            and self.stations[bay.key[0]].may_be_cleared(now)
        ]

    def _is_too_much(self, station: Station, over: Collection[Circuit]) -> bool:
        out_of_use = station.leaving or not station.commissioned
        return out_of_use or not station.circuits.isdisjoint(over)

    def terms(self, station: Station, now: datetime) -> Terms | None:
        """Return what a charge point is to be told of itself; None: nothing.

        One that was given up is asked once in a while whether it takes limits after all.
        """
        return self._wanted(station, self.standings()[station.charge_point_id], now)

    def request(self, station: Station, terms: Terms) -> LimitStation:
        """Make the request that tells it so."""
        held = station.given_up and terms == self.standings()[station.charge_point_id].terms
        return LimitStation(
            charge_point_id=station.charge_point_id,
            station_amps=terms.station_amps,
            default_amps=None if terms.default_amps >= station.max_amps else terms.default_amps,
            form=station.form,
            connectors=station.connectors,
            idle=self.idle(station),
            running=self.confirmed_sessions(station),
            # A vehicle that comes in between may draw all that the cable carries, and one that
            # charges already may not.
            afresh=station.unlimited and not self._bays_of(station.charge_point_id),
            # The others have made room for more than that already.
            raises=terms.default_amps == 0 and station.unlimited,
            whole_suffices=held,
        )

    def idle(self, station: Station) -> tuple[int, ...]:
        """Return its connectors without a transaction."""
        key = station.charge_point_id
        return tuple(one for one in station.connectors if (key, one) not in self.bays)

    def confirmed_sessions(self, station: Station) -> tuple[Running, ...]:
        """Return transactions that confirmed a limit of their own, with no higher one sent."""
        return tuple(
            Running(connector_id=bay.key[1], amps=bay.granted)
            for _, bay in self._bays_of(station.charge_point_id)
            if 0 < bay.granted == bay.bound and bay.asked <= bay.granted and not bay.unsure
        )

    def targets(self, now: datetime) -> dict[BayKey, int]:
        """Return what each connector that can be told is to draw."""
        standing = self.standings()
        told = [
            bay
            for bay in self.bays.values()
            if standing[bay.key[0]].part is Part.SHARES and self._can_be_told(bay, now)
        ]
        capacity = self._capacity(standing)
        demands = [self._demand(bay, capacity, now) for bay in told]
        keys = {bay.key for bay in told}
        reserved = load(outlet for outlet in self.outlets() if outlet.bay not in keys)
        return share(capacity, demands, reserved)

    def outlets(self) -> list[Outlet]:
        """Return every connector with the most that it may draw now."""
        found = []
        for station in self.stations.values():
            closed = frozenset(station.closed)
            if closed:  # one that is to be opened counts before it is
                closed &= self.standings()[station.charge_point_id].closed
            for connector_id in station.outlets:
                key = station.charge_point_id, connector_id
                bay = self.bays.get(key)
                # A charge point that never connected draws nothing.
                absent = station.connection is None and not station.commissioned
                draws_nothing = absent or connector_id in closed
                default = 0.0 if draws_nothing else station.default_bound
                found.append(
                    Outlet(
                        bay=key,
                        circuits=station.circuits,
                        bound=default if bay is None else bay.bound,
                        most=self._most(station),
                        unsure=bay is not None and bay.unsure,
                    )
                )
        return found

    def _most(self, station: Station) -> float:
        """Return the most that its connectors draw: the cable, or what a run was lent for them."""
        keeps_none = station.unlimited or station.trouble is Trouble.NO_STATION_LIMIT
        if station.tested and not keeps_none:
            terms = self.standings()[station.charge_point_id].terms
            if terms is not None:
                return terms.station_amps
        return float(station.max_amps)

    @property
    def capacity(self) -> Mapping[Circuit, float]:
        """Return what each circuit carries; a cable that is shared and kept to is one, too."""
        return self._capacity(self.standings())

    def _capacity(self, standing: Mapping[str, Standing]) -> Mapping[Circuit, float]:
        cables = {
            station.charge_point_id: float(station.max_amps)
            for station in self.stations.values()
            if len(station.connectors) > 1 and standing[station.charge_point_id].part is Part.SHARES
        }
        return {**self.limit.capacity, **cables}

    def to_judge(self, now: datetime) -> DrawsQuestion:
        """Return the transactions to judge by meter values, since limits are not reported."""
        standing = self.standings()
        return DrawsQuestion(
            watched=tuple(
                Watched(
                    number=bay.number,
                    # A vehicle takes a moment to follow, and so do its meter values.
                    since=bay.confirmed_at + self._pace.judged / 4,
                )
                for bay in self.bays.values()
                if bay.confirmed_at is not None
                and bay.judge_at is not None
                and bay.judge_at <= now
                and standing[bay.key[0]].part is Part.SHARES
                and bay.granted == bay.bound
                and not bay.unsure
            )
        )

    def next_look(self, now: datetime, *, began: datetime) -> timedelta | None:
        """Return how long to wait for events before deciding anew; zero for what is due by now.

        A turn is over, a refusal is tried again, or a charge point has been in doubt for too long.
        ``began`` is when the last decision began: it has not acted on what was still ahead then.
        """
        moments = [
            moment
            for station in self.stations.values()
            for moment in (station.retry_at, station.clear_at, station.settles_at, station.look_at)
        ]
        moments += [
            station.in_doubt_since + self._pace.doubt
            for station in self.stations.values()
            if station.in_doubt_since
        ]
        moments += [bay.retry_at for bay in self.bays.values()]
        moments += [bay.judge_at for bay in self.bays.values()]
        if not all(bay.charges for bay in self.bays.values()):
            # A vehicle waits for the turn of another to end.
            moments += [bay.since + self._pace.turn for bay in self.bays.values() if bay.charges]
        ahead = [moment for moment in moments if moment is not None and moment > began]
        return max(min(ahead) - now, timedelta()) if ahead else None

    def states(self) -> list[StationState]:
        """Return how far each charge point is, and why it does not simply share."""
        standing = self.standings()
        return [
            self._state(station, standing[station.charge_point_id])
            for station in self.stations.values()
        ]

    def _state(self, station: Station, standing: Standing) -> StationState:
        state = FeatureState.PAUSED if self.paused else station.state
        if station.leaving or station.service is not None or not station.commissioned:
            said = explain_service(
                Serviced.LEAVES
                if station.leaving
                else Serviced.RUNS
                if station.service is not None
                else Serviced.AWAITED,
                amps=self._kept_in_all(station),
                until=station.until,
            )
            return StationState(
                charge_point_id=station.charge_point_id,
                state=FeatureState.ACTIVATING,
                cause=said.cause,
                action=said.action,
            )
        if station.trouble is None or self.paused:
            waiting = self._waiting(station)
            if waiting is None:
                return StationState(charge_point_id=station.charge_point_id, state=state)
            said = explain_waiting(waiting, cable=station.max_amps)
            return StationState(
                charge_point_id=station.charge_point_id,
                state=state,
                cause=said.cause,
                action=said.action,
            )
        consequence = Consequence.TAKES_PART
        closed = tuple(sorted(standing.closed))
        if closed and not set(closed) <= set(station.closed):
            consequence = Consequence.STAYS_OPEN
        elif closed:
            consequence = Consequence.CLOSED
        elif station.given_up and standing.part is Part.FREE:
            consequence = Consequence.FREE if station.free else Consequence.STAYS_FREE
        elif station.given_up:
            consequence = Consequence.HELD
        said = explain(
            station.trouble,
            consequence,
            words=station.detail,
            amps=standing.kept_amps,
            cable=station.max_amps,
            closed=closed,
        )
        return StationState(
            charge_point_id=station.charge_point_id,
            state=state,
            cause=said.cause,
            action=said.action,
        )

    def _kept_in_all(self, station: Station) -> float:
        mine = [one for one in self.outlets() if one.bay[0] == station.charge_point_id]
        return min(sum(one.bound for one in mine), float(station.max_amps))

    def _waiting(self, station: Station) -> WaitingToShare | None:
        if self.paused:
            return WaitingToShare.PAUSED
        if station.state is not FeatureState.ACTIVATING:
            return None
        if not station.connected:
            return WaitingToShare.OFFLINE
        return WaitingToShare.NOT_TOLD if station.retry_at is None else WaitingToShare.UNANSWERED

    def _shall_be_told(self, station: Station, standing: Standing, now: datetime) -> bool:
        if self.paused or not station.connected:
            return False
        terms = self._wanted(station, standing, now)
        if terms is None:
            return False
        if station.given_up and not self._is_tried_again(station, now):
            # The lowest limit that it obeys, once it is given up.
            ready = station.may_be_cleared(now) and standing.part is Part.HELD
        else:
            ready = station.may_be_asked(now)
        news = station.prepared != station.generation or station.told != terms
        # It reports of sessions, and of idle connectors that it has not been asked about.
        reports = self.confirmed_sessions(station) or (
            station.trouble is None and self.idle(station)
        )
        proof = station.unproven and not station.given_up and bool(reports)
        # Counted at its cable, it cannot draw more than that, whatever it is told.
        raises = (
            station.told is not None
            and terms.default_amps > station.told.default_amps
            and terms.default_amps >= station.default_bound
        )
        return ready and (news or proof) and not (raises and not self._has_room(station))

    def _has_room(self, station: Station) -> bool:
        """Whether the supply carries all that may be drawn where it draws."""
        drawn, carried = load(self.outlets()), self.limit.capacity
        return all(drawn[one] <= carried[one] for one in station.phases if one in carried)

    def _wanted(self, station: Station, standing: Standing, now: datetime) -> Terms | None:
        if station.leaving or not station.given_up or not self._is_tried_again(station, now):
            return standing.terms
        others = [
            one for one in self.stations.values() if one.charge_point_id != station.charge_point_id
        ]
        again = replace(station, state=FeatureState.ACTIVATING, closed=())
        found = standings((*others, again), self.limit, paused=self.paused)
        return found[station.charge_point_id].terms

    def _is_tried_again(self, station: Station, now: datetime) -> bool:
        """One that takes its limits and draws more is not: it would exceed them each time."""
        return station.may_be_asked(now) and station.trouble is not Trouble.DRAWS_MORE

    def _may_open(self, station: Station, standing: Standing) -> bool:
        if self.paused or station.leaving:
            return True
        if not self._has_room(station):
            return False
        if standing.part is Part.FREE:
            return not station.given_up or station.free
        return station.prepared == station.generation and station.told == standing.terms

    def _cannot_be_paused(self, station: Station) -> bool:
        return station.given_up or station.needs_minimum or station.out_of_reach

    def _kept(self, key: BayKey) -> float:
        station = self.stations[key[0]]
        unlimited = station.given_up or station.out_of_reach
        return float(station.max_amps if unlimited else station.least)

    def _can_be_told(self, bay: Bay, now: datetime) -> bool:
        station = self.stations[bay.key[0]]
        return (
            station.connected
            and not station.given_up
            and not station.lent
            and (station.settles_at is None or station.settles_at <= now)
            and (bay.retry_at is None or bay.retry_at <= now)
        )

    def _demand(self, bay: Bay, capacity: Mapping[Circuit, float], now: datetime) -> Demand:
        station = self.stations[bay.key[0]]
        # A small supply that lets a vehicle on one phase charge is better than nothing.
        there = min(
            (capacity[one] for one in station.circuits if one in capacity), default=station.least
        )
        return Demand(
            bay=bay.key,
            circuits=station.circuits,
            max_amps=station.max_amps,
            least=max(MIN_AMPS, min(station.least, int(there))),
            since=bay.since.timestamp(),
            charges=bay.charges,
            in_turn=bay.in_turn(now, self._pace.turn),
            idle=bay.idle,
            kept=station.needs_minimum,
        )
