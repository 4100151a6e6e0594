"""The book of a site: who charges where, and what each may draw at most as far as is known.

Pure: the workflow tells it what happened and asks what to send. Times are given, never taken.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain.facts import (
    ChargePointEvent,
    ConnectionFact,
    ConnectorFact,
    EventKind,
    TransactionFact,
)
from domain.operations import Reply
from domain.power.facts import Bay, Carried, SiteSnapshot, Station, StationFacts
from domain.power.operations import StationLimited
from domain.power.plan import Outlet, load
from domain.power.share import BayKey, Demand, share
from domain.power.site import MIN_AMPS, Circuit, SiteLimit
from domain.states import ConnectorStatus, FeatureState

_REMEMBERED = 500
_REFUSED = {Reply.REJECTED, Reply.NOT_SUPPORTED, Reply.ERROR}
_SUSPENDED_BY_VEHICLE = {ConnectorStatus.SUSPENDED_EV, ConnectorStatus.FINISHING}


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How long a turn lasts, and when one who did not answer, or refused, is asked again."""

    turn: timedelta = timedelta(minutes=15)
    unanswered: timedelta = timedelta(seconds=30)
    refused: timedelta = timedelta(hours=1)


class Ledger:
    """Stations, bays and their bounds. A bay is a connector with a transaction."""

    def __init__(self, carried: Carried, pace: Pace) -> None:
        self.limit = SiteLimit()
        self.paused = False
        self._pace = pace
        self.stations = {one.charge_point_id: one for one in carried.stations}
        self.bays = {bay.key: bay for bay in carried.bays}
        self._ended = dict.fromkeys(carried.ended)

    def carried(self) -> Carried:
        """What a continuation needs."""
        return Carried(
            stations=tuple(self.stations.values()),
            bays=tuple(self.bays.values()),
            ended=tuple(self._ended),
        )

    # What happened

    def load(self, snapshot: SiteSnapshot, now: datetime, *, known: Collection[int] = ()) -> None:
        """Take the registry's word on the site and some of its charge points.

        ``known`` are the transactions that were here before the snapshot was asked for: one of them
        that does not run any more in it has ended. One that came since may be too young for it.
        """
        self.limit, self.paused = snapshot.limit, snapshot.paused
        for facts in snapshot.stations:
            self._load_station(facts, now, known)

    def running(self) -> frozenset[int]:
        """The transactions that are here."""
        return frozenset(bay.transaction_id for bay in self.bays.values())

    def receive(self, charge_point_id: str, event: ChargePointEvent, now: datetime) -> bool:
        """Fold an event in; tells whether anything has to be decided anew."""
        station = self.stations.get(charge_point_id)
        if station is None:
            return False
        if event.connection is not None:
            return self._take_connection(station, event.connection)
        if event.kind is EventKind.BOOT:
            self._distrust(station)
            return True
        if event.connector is not None:
            return self._take_connector(station, event.connector)
        if event.transaction is not None:
            return self._take_transaction(station, event.transaction, now)
        return False

    def prepared(
        self, asked: Station, default: float, limited: StationLimited, now: datetime
    ) -> None:
        """A charge point answered to its own limit, and to the ``default`` of its transactions.

        ``asked`` is how it was when it was asked: it may have restarted since.
        """
        station = self.stations.get(asked.charge_point_id)
        if station is None:
            return
        if limited.reply is Reply.ACCEPTED:
            self.stations[asked.charge_point_id] = replace(
                station,
                default_bound=default,
                told=default,
                prepared=asked.generation if asked.restarts == station.restarts else None,
                state=FeatureState.ACTIVE,
                detail=limited.detail,
                unit=limited.unit,
                retry_at=None,
            )
            return
        refused = limited.reply in _REFUSED
        self.stations[asked.charge_point_id] = replace(
            station,
            # An unanswered default may count or not.
            default_bound=max(station.default_bound, default),
            state=FeatureState.FAILED if refused else station.state,
            detail=limited.detail,
            retry_at=now + self._patience(refused=refused),
        )

    def limited(
        self, key: BayKey, transaction_id: int, amps: int, reply: Reply, now: datetime
    ) -> None:
        """A connector answered to its limit."""
        bay = self.bays.get(key)
        if bay is None or bay.transaction_id != transaction_id:
            return  # its transaction has ended meanwhile
        if reply is Reply.ACCEPTED:
            self.bays[key] = replace(
                self._counted(bay, now),
                bound=float(amps),
                granted=amps,
                turn_began=(bay.turn_began or now) if amps else None,
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
            retry_at=now + self._patience(refused=refused),
        )

    # What to do

    def to_prepare(self, now: datetime) -> list[Station]:
        """Charge points that are online and have not confirmed their limits on this connection."""
        return [
            station
            for station in self.stations.values()
            if not self.paused
            and station.connected
            and (
                station.prepared != station.generation or station.told != self.default_amps(station)
            )
            and (station.retry_at is None or station.retry_at <= now)
        ]

    def to_lift(self, now: datetime) -> list[Station]:
        """Charge points that are online and still limit transactions though that is paused."""
        return [
            station
            for station in self.stations.values()
            if self.paused
            and station.connected
            and station.told is not None
            and (station.retry_at is None or station.retry_at <= now)
        ]

    def lifted(self, charge_point_id: str, reply: Reply, now: datetime) -> None:
        """A charge point answered to the lifting of its limits."""
        station = self.stations[charge_point_id]
        if reply is not Reply.ACCEPTED:
            retry_at = now + self._patience(refused=reply in _REFUSED)
            self.stations[charge_point_id] = replace(station, retry_at=retry_at)
            return
        most = float(station.max_amps)
        self.stations[charge_point_id] = replace(
            station, default_bound=most, told=None, prepared=None, retry_at=None
        )
        for key, bay in self.bays.items():
            if key[0] == charge_point_id:
                self.bays[key] = replace(self._counted(bay, now), bound=most, granted=0)

    def default_amps(self, station: Station) -> float:
        """What a connector may draw until its transaction has a limit of its own.

        Nothing where the site has a limit: who has just plugged in must not break it.
        """
        return float(station.max_amps) if self.limit.amps is None else 0.0

    def station_amps(self, station: Station) -> float:
        """What the charge point may draw in all, per phase."""
        site = station.max_amps if self.limit.amps is None else self.limit.amps
        return min(float(station.max_amps), site)

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
                        circuits=self._circuits(station),
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
        """When to decide anew though nothing happens: a turn is over, a refusal is tried again."""
        moments = [station.retry_at for station in self.stations.values()]
        moments += [bay.retry_at for bay in self.bays.values()]
        paused = any(bay.granted < MIN_AMPS for bay in self.bays.values())
        if paused:  # somebody waits for somebody else's turn to end
            moments += [
                bay.turn_began + self._pace.turn for bay in self.bays.values() if bay.turn_began
            ]
        ahead = [moment - now for moment in moments if moment is not None and moment > now]
        return min(ahead, default=None)

    def _patience(self, *, refused: bool) -> timedelta:
        return self._pace.refused if refused else self._pace.unanswered

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
            circuits=self._circuits(station),
            max_amps=station.max_amps,
            average_amps=bay.average(now),
            waiting_since=bay.since.timestamp(),
            in_turn=bay.in_turn(now, self._pace.turn),
            idle=bay.idle,
        )

    @staticmethod
    def _circuits(station: Station) -> frozenset[Circuit]:
        cable = {station.charge_point_id} if len(station.connectors) > 1 else set()
        return frozenset({*station.phases, *cable})

    # How knowledge changes

    def _load_station(self, facts: StationFacts, now: datetime, before: Collection[int]) -> None:
        known = self.stations.get(facts.charge_point_id)
        numbers = tuple(
            sorted(one.connector_id for one in facts.connectors if one.connector_id >= 1)
        )
        if known is None:
            station = Station(
                charge_point_id=facts.charge_point_id,
                max_amps=facts.max_amps,
                phases=facts.phases,
                connectors=numbers,
                default_bound=float(facts.max_amps),
            )
        else:
            station = replace(
                known,
                max_amps=facts.max_amps,
                phases=facts.phases,
                connectors=numbers,
                prepared=known.prepared if known.max_amps == facts.max_amps else None,
            )
        self.stations[facts.charge_point_id] = station
        if facts.connection is not None:
            self._take_connection(station, facts.connection)
        running = {one.transaction_id for one in facts.transactions if one.stopped_at is None}
        for bay in [bay for key, bay in self.bays.items() if key[0] == facts.charge_point_id]:
            if bay.transaction_id in before and bay.transaction_id not in running:
                self._end(bay)
        for transaction in facts.transactions:
            self._take_transaction(self.stations[facts.charge_point_id], transaction, now)
        for connector in facts.connectors:
            self._take_connector(self.stations[facts.charge_point_id], connector)

    def _take_connection(self, station: Station, connection: ConnectionFact) -> bool:
        known = station.connection
        if known is not None and (connection.generation, connection.at) < (
            known.generation,
            known.at,
        ):
            return False
        changed = connection != station.connection
        self.stations[station.charge_point_id] = replace(
            station, connection=connection, retry_at=None
        )
        if connection.generation > station.generation:
            self._unsure(station.charge_point_id)
        return changed

    def _distrust(self, station: Station) -> None:
        """It has restarted: what it was told may be forgotten."""
        self.stations[station.charge_point_id] = replace(
            station, prepared=None, retry_at=None, restarts=station.restarts + 1
        )
        self._unsure(station.charge_point_id)

    def _unsure(self, charge_point_id: str) -> None:
        for key, bay in self.bays.items():
            if key[0] == charge_point_id:
                self.bays[key] = replace(bay, unsure=True, retry_at=None)

    def _take_connector(self, station: Station, connector: ConnectorFact) -> bool:
        if connector.connector_id < 1:
            return False
        if connector.connector_id not in station.connectors:
            numbers = tuple(sorted({*station.connectors, connector.connector_id}))
            self.stations[station.charge_point_id] = replace(station, connectors=numbers)
        key = station.charge_point_id, connector.connector_id
        bay = self.bays.get(key)
        idle = connector.status in _SUSPENDED_BY_VEHICLE
        if bay is None or bay.idle == idle:
            return False
        self.bays[key] = replace(bay, idle=idle)
        return True

    def _take_transaction(
        self, station: Station, transaction: TransactionFact, now: datetime
    ) -> bool:
        key = station.charge_point_id, transaction.connector_id
        bay = self.bays.get(key)
        if transaction.stopped_at is not None:
            self._remember_ended(transaction.transaction_id)
            if bay is None or bay.transaction_id != transaction.transaction_id:
                return False
            self._end(bay)
            return True
        if transaction.transaction_id in self._ended:
            return False  # told late, or again
        if bay is not None and bay.transaction_id >= transaction.transaction_id:
            return False
        self.bays[key] = Bay(
            key=key,
            transaction_id=transaction.transaction_id,
            since=now,
            counted_at=now,
            # Until it is told, it draws what its charge point lets any connector draw.
            bound=station.default_bound,
        )
        return True

    def _end(self, bay: Bay) -> None:
        del self.bays[bay.key]
        self._remember_ended(bay.transaction_id)

    def _remember_ended(self, transaction_id: int) -> None:
        self._ended[transaction_id] = None
        if len(self._ended) > _REMEMBERED:
            del self._ended[next(iter(self._ended))]

    @staticmethod
    def _counted(bay: Bay, now: datetime) -> Bay:
        seconds = max(0.0, (now - bay.counted_at).total_seconds())
        return replace(bay, served=bay.served + bay.granted * seconds, counted_at=now)
