"""Charge points that are lent to runs, or are to be; and those that leave the site."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from domain.names import commissioning_workflow_id
from domain.power.agenda import Agenda
from domain.power.facts import SiteSnapshot
from domain.power.plan import load
from domain.power.service import Borrow, Service
from domain.power.share import Demand, share
from domain.power.standing import Part
from domain.power.state import Station
from domain.states import FeatureState


class Servicing(Agenda):
    """Lends charge points to runs, and takes them back. See :mod:`domain.power.service`."""

    def load(
        self,
        snapshot: SiteSnapshot,
        now: datetime,
        *,
        known: Collection[int] = (),
        charge_points_only: bool = False,
    ) -> None:
        """As :meth:`SiteState.load`; also takes back what a run has that ended unheard."""
        super().load(snapshot, now, known=known, charge_points_only=charge_points_only)
        for facts in snapshot.stations:
            identity = facts.charge_point_id
            service = self.stations[identity].service
            if service is not None and service.commissioning_id != facts.run:
                self.take_back(identity, service.commissioning_id)
                service = None
            if service is None and facts.run is not None:
                workflow_id = commissioning_workflow_id(identity)
                service = Service(commissioning_id=facts.run, workflow_id=workflow_id, lent=True)
            if service is not None:
                self._set(identity, service, now)
            elif facts.leaves:  # unless that is taken back, and nobody tells
                look_at = now + self._pace.looked_at
                self.stations[identity] = replace(self.stations[identity], look_at=look_at)
            else:
                self.stations[identity] = replace(self.stations[identity], look_at=None)

    def borrow(self, asked: Borrow, now: datetime) -> bool:
        """Take a run's ask; False where its charge point is not known yet."""
        station = self.stations.get(asked.charge_point_id)
        if station is None:
            return False
        service = Service(
            commissioning_id=asked.commissioning_id,
            workflow_id=asked.workflow_id,
            ask=asked.ask,
            power=asked.power,
        )
        if asked.power:
            service = replace(service, amps=self._set_aside(station, now))
        self._set(asked.charge_point_id, service, now)
        return True

    def take_back(self, charge_point_id: str, commissioning_id: str) -> bool:
        """Take a charge point back from a run that has ended; its limits are told anew."""
        station = self.stations.get(charge_point_id)
        if station is None or station.service is None:
            return False
        if station.service.commissioning_id != commissioning_id:
            return False
        self.stations[charge_point_id] = replace(
            station,
            service=None,
            look_at=None,
            prepared=None,
            cleared=False,
            state=FeatureState.ACTIVATING,
            trouble=None,
            detail=None,
            obeys=None,
            retry_at=None,
            clear_at=None,
        )
        return True

    def to_lend(self, now: datetime) -> list[Station]:
        """Return those that are asked for, and have nothing left to be told.

        Where a test charge follows, the others have made room for it.
        """
        standing = self.standings()
        return [
            station
            for station in self.stations.values()
            if station.service is not None
            and not station.lent
            and not self._has_to_be_told(station, now)
            and (
                not station.connected
                or standing[station.charge_point_id].part is not Part.TESTED
                or self._has_room(station)
            )
        ]

    def lent(self, charge_point_id: str, ask: int) -> None:
        """Note that the run was told that it has the charge point."""
        station = self.stations.get(charge_point_id)
        if station is not None and station.service is not None and station.service.ask == ask:
            service = replace(station.service, lent=True, called=False)
            self.stations[charge_point_id] = replace(station, service=service)

    def to_call_back(self, now: datetime) -> list[Station]:
        """Return those that a run has and that are to be told something."""
        return [
            station
            for station in self.stations.values()
            if station.service is not None
            and station.service.lent
            and not station.service.called
            and self._has_to_be_told(station, now)
        ]

    def called_back(self, charge_point_id: str) -> None:
        """Note that the run was told so."""
        station = self.stations[charge_point_id]
        if station.service is not None:
            service = replace(station.service, called=True)
            self.stations[charge_point_id] = replace(station, service=service)

    def to_look_at(self, now: datetime) -> set[str]:
        """Return charge points of runs that are so old that they may have ended unheard."""
        return {
            identity
            for identity, station in self.stations.items()
            if station.look_at is not None and station.look_at <= now
        }

    def to_take_out(self) -> list[Station]:
        """Return those that leave and cannot draw any more.

        Being offline proves nothing: what one may draw is counted until nothing supplies it. One
        that can be told is inoperative by then, and has lost its limits if it lets go of them.
        """
        drawn = dict.fromkeys(self.stations, 0.0)
        for outlet in self.outlets():
            drawn[outlet.bay[0]] += outlet.bound
        return [
            station
            for identity, station in self.stations.items()
            if station.leaving
            and station.service is None
            and self._is_out(station, drawn[identity])
        ]

    def _is_out(self, station: Station, drawn: float) -> bool:
        if not station.connected:
            return station.isolated or drawn == 0
        refuses = station.clear_at is not None
        if station.isolated and refuses:
            return True
        closed = set(station.outlets) <= set(station.closed)
        return closed and drawn == 0 and (station.told is None or refuses)

    def _has_to_be_told(self, station: Station, now: datetime) -> bool:
        standing = self.standings()[station.charge_point_id]
        return self._shall_be_told(station, standing, now) or any(
            one.close and one.station.charge_point_id == station.charge_point_id
            for one in self._availability(now)
        )

    def _set_aside(self, station: Station, now: datetime) -> float:
        """Return its share among those that charge, at least what a vehicle needs.

        Where nobody charges a vehicle may come, and the run may wait for long.
        """
        standing = self.standings()
        demands = [
            self._demand(bay, self.capacity, now)
            for bay in self.bays.values()
            if bay.key[0] != station.charge_point_id
            and standing[bay.key[0]].part is Part.SHARES
            and self._can_be_told(bay, now)
        ]
        least = min(station.least, station.max_amps)
        mine = Demand(
            bay=(station.charge_point_id, 0),
            circuits=frozenset(station.phases),
            max_amps=station.max_amps,
            least=least,
            charges=True,
            kept=True,
        )
        come = [
            replace(mine, bay=(identity, one.outlets[0]), circuits=one.circuits, kept=False)
            for identity, one in self.stations.items()
            if identity != station.charge_point_id and standing[identity].part is Part.SHARES
        ]
        wanted = demands or come[:1]
        counted = {demand.bay for demand in wanted}
        others = load(
            outlet
            for outlet in self.outlets()
            if outlet.bay not in counted and outlet.bay[0] != station.charge_point_id
        )
        return float(share(self.limit.capacity, [*wanted, mine], others)[mine.bay])

    def _set(self, charge_point_id: str, service: Service, now: datetime) -> None:
        self.stations[charge_point_id] = replace(
            self.stations[charge_point_id], service=service, look_at=now + self._pace.looked_at
        )
