"""The state of a site: its charge points, who charges there, and how events change both."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

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
from domain.power.troubles import Trouble
from domain.reported import StopReason
from domain.states import ConnectorStatus

_REMEMBERED: Final = 500
_SUSPENDED_BY_VEHICLE: Final = {ConnectorStatus.SUSPENDED_EV, ConnectorStatus.FINISHING}
_OPEN: Final = {ConnectorStatus.AVAILABLE, ConnectorStatus.PREPARING}
_SETTLES: Final = timedelta(seconds=2)
"""A charge point that has restarted says so within this time of its return."""
_AT_ONCE: Final = timedelta(seconds=10)
"""A charge point that ends its transactions at 0 A does so within this time."""
_QUICK_ENDS: Final = 3
"""This many in a row are no accident."""
_SOMEBODYS_REASONS: Final = {
    StopReason.DE_AUTHORIZED,
    StopReason.EMERGENCY_STOP,
    StopReason.HARD_RESET,
    StopReason.POWER_LOSS,
    StopReason.REBOOT,
    StopReason.REMOTE,
    StopReason.SOFT_RESET,
    StopReason.UNLOCK_COMMAND,
    StopReason.UNPLUGGED,
}


class SiteState:
    """Stations, bays and their bounds. A bay is a connector with a transaction."""

    def __init__(self, carried: Carried) -> None:
        self.limit = SiteLimit()
        self.paused = False
        self.stations = {one.charge_point_id: one for one in carried.stations}
        self.bays = {bay.key: bay for bay in carried.bays}
        self._ended = dict.fromkeys(carried.ended)

    def carried(self) -> Carried:
        """Return what a continuation of the workflow needs."""
        return Carried(
            stations=tuple(self.stations.values()),
            bays=tuple(self.bays.values()),
            ended=tuple(self._ended),
        )

    def running(self) -> frozenset[int]:
        """Return the numbers of the transactions that run at the site."""
        return frozenset(bay.number for bay in self.bays.values())

    def load(
        self,
        snapshot: SiteSnapshot,
        now: datetime,
        *,
        known: Collection[int] = (),
        charge_points_only: bool = False,
    ) -> None:
        """Take what the registry knows of the site and some of its charge points.

        ``known`` are the numbers of transactions that were here before the snapshot was asked for:
        one that does not run in it has ended. One that came since may be too young for it.
        ``charge_points_only``: the limit or the pause has been changed since.
        """
        if not charge_points_only:
            self.limit, self.paused = snapshot.limit, snapshot.paused
        for facts in snapshot.stations:
            self._load_station(facts, now, known)

    def keep(self, charge_point_ids: Collection[str]) -> None:
        """Let the charge points leave that are no longer among those of the site."""
        for identity in self.stations.keys() - set(charge_point_ids):
            station = self.stations[identity]
            if not station.leaving:
                self.stations[identity] = replace(
                    station, leaving=True, service=None, look_at=None, clear_at=None
                )

    def forget(self, charge_point_id: str) -> None:
        """Remove a charge point that has left the site."""
        for _, bay in self._bays_of(charge_point_id):
            self._end(bay)
        del self.stations[charge_point_id]

    def receive(self, charge_point_id: str, event: ChargePointEvent, now: datetime) -> bool:
        """Fold an event in; tells whether anything has to be decided anew."""
        station = self.stations.get(charge_point_id)
        if station is None:
            return False
        if event.connection is not None:
            return self._take_connection(station, event.connection, now)
        if event.kind is EventKind.BOOT:
            self._doubt(station, now)
            return True
        if event.connector is not None:
            return self._take_connector(station, event.connector)
        if event.transaction is not None:
            return self._take_transaction(station, event.transaction, now)
        return False

    def count_at_cable(self, station: Station) -> None:
        """Count with all that its cable carries, since nobody knows what it was told."""
        most = float(station.max_amps)
        self.stations[station.charge_point_id] = replace(
            station, default_bound=most, in_doubt_since=None
        )
        for key, bay in self._bays_of(station.charge_point_id):
            self.bays[key] = replace(bay, bound=most, unsure=True)

    def _load_station(self, facts: StationFacts, now: datetime, before: Collection[int]) -> None:
        identity = facts.charge_point_id
        known = self.stations.get(identity)
        used = {connector_id for (_, connector_id), _ in self._bays_of(identity)}
        most = float(facts.max_amps)
        base = known or Station(
            charge_point_id=identity,
            max_amps=facts.max_amps,
            phases=facts.phases,
            default_bound=most,
        )
        self.stations[identity] = replace(
            base,
            max_amps=facts.max_amps,
            declared=facts.declared,
            commissioned=facts.commissioned,
            until=facts.until,
            leaving=facts.leaves,
            isolated=facts.isolated,
            phases=facts.phases,
            voltage=facts.voltage,
            direct_current=facts.direct_current,
            connectors=_numbers(used.union(one.connector_id for one in facts.connectors)),
            default_bound=most if base.unlimited else base.default_bound,
        )
        if known is not None and known.form != self.stations[identity].form:
            self._unsure(identity)
        if facts.connection is not None:
            self._take_connection(self.stations[identity], facts.connection, now)
        running = {one.number for one in facts.transactions if one.stopped_at is None}
        for _, bay in self._bays_of(identity):
            if bay.number in before and bay.number not in running:
                self._end(bay)
        for transaction in facts.transactions:
            self._take_transaction(self.stations[identity], transaction, now)
        for connector in facts.connectors:
            self._take_connector(self.stations[identity], connector)

    def _take_connection(self, station: Station, connection: ConnectionFact, now: datetime) -> bool:
        known = station.connection
        if known is not None and (connection.generation, connection.at) < (
            known.generation,
            known.at,
        ):
            return False
        changed = connection != station.connection
        if not changed:
            return False
        self.stations[station.charge_point_id] = replace(
            station, connection=connection, retry_at=None, clear_at=None
        )
        if connection.generation > station.generation:
            # It says in a moment whether it has restarted; until then it would be told twice.
            settles_at = connection.at + _SETTLES
            self.stations[station.charge_point_id] = replace(
                self.stations[station.charge_point_id],
                settles_at=settles_at if settles_at > now else None,
            )
            self._unsure(station.charge_point_id)
        return True

    def _doubt(self, station: Station, now: datetime) -> None:
        """Doubt all that a charge point was told: it has restarted."""
        self.stations[station.charge_point_id] = replace(
            station,
            prepared=None,
            retry_at=None,
            clear_at=None,
            settles_at=None,
            # Some forget that, too.
            closed=(),
            shut=tuple(sorted({*station.shut, *station.closed})),
            restarts=station.restarts + 1,
            in_doubt_since=station.in_doubt_since or now,
        )
        self._unsure(station.charge_point_id)

    def _unsure(self, charge_point_id: str) -> None:
        for key, bay in self._bays_of(charge_point_id):
            self.bays[key] = replace(bay, unsure=True, refusals=0, retry_at=None)

    def _take_connector(self, station: Station, connector: ConnectorFact) -> bool:
        if connector.connector_id < 1:
            return False
        station = _with_connector(station, connector.connector_id)
        if connector.status in _OPEN:
            station = station.opened(connector.connector_id)
        reopened = self.stations[station.charge_point_id].closed != station.closed
        self.stations[station.charge_point_id] = station
        key = station.charge_point_id, connector.connector_id
        bay = self.bays.get(key)
        if bay is None:
            return reopened
        # Free again after the transaction began: its end was lost, and nobody is there.
        free = connector.status == ConnectorStatus.AVAILABLE and connector.at > bay.started_at
        idle = free or connector.status in _SUSPENDED_BY_VEHICLE
        if bay.idle == idle:
            return reopened
        self.bays[key] = replace(bay, idle=idle)
        return True

    def _take_transaction(
        self, station: Station, transaction: TransactionFact, now: datetime
    ) -> bool:
        key = station.charge_point_id, transaction.connector_id
        bay = self.bays.get(key)
        if transaction.stopped_at is not None:
            self._remember_ended(transaction.number)
            if bay is None or bay.number != transaction.number:
                return False
            self._learn(station, bay, transaction, now)
            self._end(bay)
            return True
        if transaction.number in self._ended:
            return False  # told late, or again
        if bay is not None and bay.number >= transaction.number:
            return False
        if bay is not None:
            self._end(bay)  # overtaken: it is over, whether its end is ever told or not
        # Of a connector that has no status yet, its vehicle tells first.
        self.stations[station.charge_point_id] = _with_connector(station, key[1])
        self.bays[key] = Bay(
            key=key,
            transaction_id=transaction.transaction_id,
            number=transaction.number,
            started_at=transaction.started_at,
            since=now,
            # Until it is told, it draws what its charge point lets any connector draw.
            bound=station.default_bound,
            began_at=station.default_bound,
            granted=0 if station.in_doubt_since else int(_allowed(station)),
        )
        return True

    def _learn(
        self, station: Station, bay: Bay, transaction: TransactionFact, now: datetime
    ) -> None:
        """Some charge points end a transaction that is limited to 0 A, by themselves and at once.

        Most say that it is their own doing. Where they do not, it may have been somebody, so it
        counts if it never got anything, and if that comes again and again.
        """
        reason = transaction.stop_reason
        at_zero = now - bay.since <= _AT_ONCE and 0 in {bay.bound, bay.began_at}
        if not at_zero or reason in _SOMEBODYS_REASONS:
            ends = 0
        elif reason == StopReason.OTHER:
            ends = _QUICK_ENDS
        else:
            ends = station.quick_ends + 1 if bay.asked == 0 else 0
        learnt = ends >= _QUICK_ENDS and not station.needs_minimum
        self.stations[station.charge_point_id] = replace(
            station,
            quick_ends=ends,
            minimum_because=Trouble.ENDS_AT_ZERO if learnt else station.minimum_because,
        )

    def _bays_of(self, charge_point_id: str) -> list[tuple[tuple[str, int], Bay]]:
        return [(key, bay) for key, bay in self.bays.items() if key[0] == charge_point_id]

    def _end(self, bay: Bay) -> None:
        del self.bays[bay.key]
        self._remember_ended(bay.number)

    def _remember_ended(self, number: int) -> None:
        self._ended[number] = None
        if len(self._ended) > _REMEMBERED:
            del self._ended[next(iter(self._ended))]


def _allowed(station: Station) -> float:
    """What it has let a transaction draw from its beginning on, knowing that."""
    if station.free:
        return float(station.max_amps)
    return 0.0 if station.told is None else station.told.default_amps


def _with_connector(station: Station, connector_id: int) -> Station:
    return replace(station, connectors=_numbers({*station.connectors, connector_id}))


def _numbers(connectors: Collection[int]) -> tuple[int, ...]:
    """Sort connector numbers; 0 is the charge point itself and left out."""
    return tuple(sorted(one for one in connectors if one >= 1))
