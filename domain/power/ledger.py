"""The book of a site: who charges where, and what each may draw at most as far as is known.

Pure: the workflow tells it what happened and asks what to send. Times are given, never taken.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain.operations import Reply
from domain.power.book import Book
from domain.power.facts import Carried
from domain.power.operations import StationLimited
from domain.power.plan import Outlet, load
from domain.power.share import BayKey, Demand, share
from domain.power.site import Circuit
from domain.power.state import Bay, Station, Terms
from domain.states import FeatureState

_REFUSED = {Reply.REJECTED, Reply.NOT_SUPPORTED, Reply.ERROR}


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How long things take.

    A turn; until one who did not answer, or refused, is asked again; and until one that has
    restarted, and has not confirmed its limits since, is counted at what its cable carries.
    """

    turn: timedelta = timedelta(minutes=15)
    unanswered: timedelta = timedelta(seconds=30)
    refused: timedelta = timedelta(hours=1)
    doubt: timedelta = timedelta(seconds=5)


class Ledger(Book):
    """What is asked of charge points, and what their answers mean for the bounds."""

    def __init__(self, carried: Carried, pace: Pace) -> None:
        super().__init__(carried)
        self._pace = pace

    # What was answered

    def prepared(
        self,
        asked: Station,
        terms: Terms,
        limited: StationLimited,
        now: datetime,
        *,
        idle: Collection[int] = (),
    ) -> None:
        """A charge point answered to its own limit, and to the default of its transactions.

        ``asked`` is how it was when it was asked: it may have restarted since. ``idle`` are the
        connectors that had to report the default: a vehicle may have come since.
        """
        station = self.stations.get(asked.charge_point_id)
        if station is None or asked.restarts != station.restarts:
            return  # it may have forgotten what it answered to
        if limited.reply is Reply.ACCEPTED:
            self.stations[asked.charge_point_id] = replace(
                station,
                default_bound=terms.default_amps,
                told=terms,
                prepared=asked.generation,
                in_doubt_since=None,
                state=FeatureState.ACTIVE if limited.confirmed else FeatureState.ACTIVATING,
                detail=limited.detail,
                unit=limited.unit,
                stack_level=limited.stack_level,
                retry_at=None,
            )
            return
        if limited.reply is Reply.ERROR and not set(idle) <= set(self.idle(station)):
            # What it reports may be the limit of that vehicle.
            limited = replace(limited, reply=Reply.UNKNOWN, detail=None)
        refused = limited.reply in _REFUSED
        station = replace(
            station,
            # An unanswered default may count or not.
            default_bound=max(station.default_bound, terms.default_amps),
            told=terms,
            prepared=None,
            state=FeatureState.FAILED if refused else station.state,
            detail=limited.detail,
            retry_at=now + self._patience(limited.reply),
        )
        self.stations[asked.charge_point_id] = station
        if refused:
            self.count_at_cable(station)

    def limited(
        self,
        key: BayKey,
        transaction_id: int,
        amps: int,
        reply: Reply,
        now: datetime,
        *,
        restarts: int,
    ) -> None:
        """A connector answered to its limit. ``restarts`` is of its station when it was asked."""
        bay = self.bays.get(key)
        if bay is None or bay.transaction_id != transaction_id:
            return  # its transaction has ended meanwhile
        if restarts != self.stations[key[0]].restarts:
            self.bays[key] = replace(bay, bound=max(bay.bound, float(amps)))
            return  # it may have forgotten what it answered to
        if reply is Reply.ACCEPTED:
            self.bays[key] = replace(
                bay,
                bound=float(amps),
                granted=amps,
                since=bay.since if bay.charges == (amps > 0) else now,
                unsure=False,
                retry_at=None,
            )
            return
        refused = reply in _REFUSED
        self.bays[key] = replace(
            bay,
            bound=bay.bound if refused else max(bay.bound, float(amps)),
            # It may have taken it or not, so it is told again even where its bound is the target.
            unsure=bay.unsure or not refused,
            retry_at=now + self._patience(reply),
        )

    def leave_alone(self, node_id: str, now: datetime) -> None:
        """A node did not answer: no round waits for it again for a while."""
        retry_at = now + self._pace.unanswered
        for key, bay in self.bays.items():
            link = self.stations[key[0]].connection
            if link is not None and link.node_id == node_id:
                self.bays[key] = replace(bay, retry_at=retry_at)

    def lifted(self, charge_point_id: str, reply: Reply, now: datetime) -> None:
        """A charge point answered to the lifting of its limits, or did not: they may be gone."""
        station = self.stations[charge_point_id]
        accepted = reply is Reply.ACCEPTED
        self.count_at_cable(
            replace(
                station,
                told=None if accepted else station.told,
                prepared=None,
                retry_at=None if accepted else now + self._patience(reply),
            )
        )
        for key, bay in self._bays_of(charge_point_id):
            self.bays[key] = replace(bay, granted=0, since=now)

    def lose_trust(self, now: datetime) -> None:
        """Count those at their cable who have restarted and not confirmed their limits since."""
        for station in list(self.stations.values()):
            doubted = station.in_doubt_since
            if doubted is not None and now - doubted >= self._pace.doubt:
                self.count_at_cable(station)

    # What to do

    def to_prepare(self, now: datetime) -> list[Station]:
        """Charge points that are online and have not taken their limits on this connection."""
        return [
            station
            for station in self.stations.values()
            if not self.paused
            and (station.prepared != station.generation or station.told != self.terms(station))
            and station.may_be_asked(now)
        ]

    def to_lift(self, now: datetime) -> list[Station]:
        """Charge points that are online and still limit transactions though that is paused."""
        return [
            station
            for station in self.stations.values()
            if self.paused and station.told is not None and station.may_be_asked(now)
        ]

    def terms(self, station: Station) -> Terms:
        """What a charge point shall be told of itself.

        Without a limit of its own a transaction draws nothing where the site has a limit: who has
        just plugged in must not break it.
        """
        cable = float(station.max_amps)
        limit = self.limit.amps
        return Terms(
            station_amps=cable if limit is None else min(cable, limit),
            default_amps=cable if limit is None else 0.0,
            phases=len(station.phases),
        )

    def idle(self, station: Station) -> tuple[int, ...]:
        """Its connectors without a transaction."""
        key = station.charge_point_id
        return tuple(one for one in station.connectors if (key, one) not in self.bays)

    def targets(self, now: datetime) -> dict[BayKey, int]:
        """What each connector that can be told shall draw."""
        if self.paused:
            return {}
        told = [bay for bay in self.bays.values() if self._can_be_told(bay, now)]
        demands = [self._demand(bay, now) for bay in told]
        keys = {bay.key for bay in told}
        reserved = load(outlet for outlet in self.outlets() if outlet.bay not in keys)
        return share(self.capacity, demands, reserved)

    def outlets(self) -> list[Outlet]:
        """Every connector with the most that it may draw now."""
        found = []
        for station in self.stations.values():
            for connector_id in station.connectors or (1,):
                key = station.charge_point_id, connector_id
                bay = self.bays.get(key)
                found.append(
                    Outlet(
                        bay=key,
                        circuits=station.circuits,
                        bound=station.default_bound if bay is None else bay.bound,
                        unsure=bay is not None and bay.unsure,
                    )
                )
        return found

    @property
    def capacity(self) -> Mapping[Circuit, float]:
        """What each circuit carries."""
        cables = {
            station.charge_point_id: float(station.max_amps)
            for station in self.stations.values()
            if len(station.connectors) > 1
        }
        return {**self.limit.capacity, **cables}

    def next_look(self, now: datetime) -> timedelta | None:
        """When to decide anew though nothing happens.

        A turn is over, a refusal is tried again, or a charge point has been in doubt for too long.
        """
        moments = [station.retry_at for station in self.stations.values()]
        moments += [
            station.in_doubt_since + self._pace.doubt
            for station in self.stations.values()
            if station.in_doubt_since
        ]
        moments += [bay.retry_at for bay in self.bays.values()]
        if not all(bay.charges for bay in self.bays.values()):
            # Somebody waits for somebody else's turn to end.
            moments += [bay.since + self._pace.turn for bay in self.bays.values() if bay.charges]
        ahead = [moment - now for moment in moments if moment is not None and moment > now]
        return min(ahead, default=None)

    def _patience(self, reply: Reply) -> timedelta:
        return self._pace.refused if reply in _REFUSED else self._pace.unanswered

    def _can_be_told(self, bay: Bay, now: datetime) -> bool:
        station = self.stations[bay.key[0]]
        return (
            station.connected
            and station.state is not FeatureState.FAILED
            and (bay.retry_at is None or bay.retry_at <= now)
        )

    def _demand(self, bay: Bay, now: datetime) -> Demand:
        station = self.stations[bay.key[0]]
        return Demand(
            bay=bay.key,
            circuits=station.circuits,
            max_amps=station.max_amps,
            least=station.least,
            since=bay.since.timestamp(),
            charges=bay.charges,
            in_turn=bay.in_turn(now, self._pace.turn),
            idle=bay.idle,
        )
