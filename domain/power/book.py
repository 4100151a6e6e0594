"""What is known of a site: its charge points, who charges there, and how that changes by events."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from domain.facts import (
    ChargePointEvent,
    ConnectionFact,
    ConnectorFact,
    EventKind,
    TransactionFact,
)
from domain.power.facts import Carried, SiteSnapshot, StationFacts
from domain.power.site import SiteLimit
from domain.power.state import Bay, Station
from domain.states import ConnectorStatus

_REMEMBERED = 500
_SUSPENDED_BY_VEHICLE = {ConnectorStatus.SUSPENDED_EV, ConnectorStatus.FINISHING}


class Book:
    """Stations, bays and their bounds. A bay is a connector with a transaction."""

    def __init__(self, carried: Carried) -> None:
        self.limit = SiteLimit()
        self.paused = False
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

    def running(self) -> frozenset[int]:
        """The transactions that are here."""
        return frozenset(bay.transaction_id for bay in self.bays.values())

    def load(
        self,
        snapshot: SiteSnapshot,
        now: datetime,
        *,
        known: Collection[int] = (),
        charge_points_only: bool = False,
    ) -> None:
        """Take the registry's word on the site and some of its charge points.

        ``known`` are the transactions that were here before the snapshot was asked for: one of them
        that does not run any more in it has ended. One that came since may be too young for it.
        ``charge_points_only``: the limit or the pause has been changed since.
        """
        if not charge_points_only:
            self.limit, self.paused = snapshot.limit, snapshot.paused
        for facts in snapshot.stations:
            self._load_station(facts, now, known)

    def receive(self, charge_point_id: str, event: ChargePointEvent, now: datetime) -> bool:
        """Fold an event in; tells whether anything has to be decided anew."""
        station = self.stations.get(charge_point_id)
        if station is None:
            return False
        if event.connection is not None:
            return self._take_connection(station, event.connection)
        if event.kind is EventKind.BOOT:
            self._doubt(station, now)
            return True
        if event.connector is not None:
            return self._take_connector(station, event.connector)
        if event.transaction is not None:
            return self._take_transaction(station, event.transaction, now)
        return False

    def count_at_cable(self, station: Station) -> None:
        """Nobody knows what it was told: it may draw whatever its cable carries."""
        most = float(station.max_amps)
        self.stations[station.charge_point_id] = replace(
            station, default_bound=most, in_doubt_since=None
        )
        for key, bay in self._bays_of(station.charge_point_id):
            self.bays[key] = replace(bay, bound=most, unsure=True)

    def _load_station(self, facts: StationFacts, now: datetime, before: Collection[int]) -> None:
        identity = facts.charge_point_id
        known = self.stations.get(identity)
        numbers = tuple(
            sorted(one.connector_id for one in facts.connectors if one.connector_id >= 1)
        )
        most = float(facts.max_amps)
        self.stations[identity] = (
            Station(
                charge_point_id=identity,
                max_amps=facts.max_amps,
                phases=facts.phases,
                connectors=numbers,
                default_bound=most,
            )
            if known is None
            else replace(
                known,
                max_amps=facts.max_amps,
                phases=facts.phases,
                connectors=numbers,
                default_bound=most if known.unlimited else known.default_bound,
            )
        )
        if known is not None and known.form != self.stations[identity].form:
            self._unsure(identity)
        if facts.connection is not None:
            self._take_connection(self.stations[identity], facts.connection)
        running = {one.transaction_id for one in facts.transactions if one.stopped_at is None}
        for _, bay in self._bays_of(identity):
            if bay.transaction_id in before and bay.transaction_id not in running:
                self._end(bay)
        for transaction in facts.transactions:
            self._take_transaction(self.stations[identity], transaction, now)
        for connector in facts.connectors:
            self._take_connector(self.stations[identity], connector)

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

    def _doubt(self, station: Station, now: datetime) -> None:
        """It has restarted: what it was told may be forgotten."""
        self.stations[station.charge_point_id] = replace(
            station,
            prepared=None,
            retry_at=None,
            restarts=station.restarts + 1,
            in_doubt_since=station.in_doubt_since or now,
        )
        self._unsure(station.charge_point_id)

    def _unsure(self, charge_point_id: str) -> None:
        for key, bay in self._bays_of(charge_point_id):
            self.bays[key] = replace(bay, unsure=True, retry_at=None)

    def _take_connector(self, station: Station, connector: ConnectorFact) -> bool:
        if connector.connector_id < 1:
            return False
        if connector.connector_id not in station.connectors:
            numbers = tuple(sorted({*station.connectors, connector.connector_id}))
            self.stations[station.charge_point_id] = replace(station, connectors=numbers)
        key = station.charge_point_id, connector.connector_id
        bay = self.bays.get(key)
        if bay is None:
            return False
        # Free again after the transaction began: its end was lost, and nobody is there.
        free = connector.status == ConnectorStatus.AVAILABLE and connector.at > bay.started_at
        idle = free or connector.status in _SUSPENDED_BY_VEHICLE
        if bay.idle == idle:
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
        if bay is not None:
            self._end(bay)  # overtaken: it is over, whether its end is ever told or not
        self.bays[key] = Bay(
            key=key,
            transaction_id=transaction.transaction_id,
            started_at=transaction.started_at,
            since=now,
            # Until it is told, it draws what its charge point lets any connector draw.
            bound=station.default_bound,
        )
        return True

    def _bays_of(self, charge_point_id: str) -> list[tuple[tuple[str, int], Bay]]:
        return [(key, bay) for key, bay in self.bays.items() if key[0] == charge_point_id]

    def _end(self, bay: Bay) -> None:
        del self.bays[bay.key]
        self._remember_ended(bay.transaction_id)

    def _remember_ended(self, transaction_id: int) -> None:
        self._ended[transaction_id] = None
        if len(self._ended) > _REMEMBERED:
            del self._ended[next(iter(self._ended))]
