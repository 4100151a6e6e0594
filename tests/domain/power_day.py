"""A site through a simulated day: what its workflow does, without Temporal, and what must hold.

What each vehicle may draw is worked out from the profiles that its charge point holds, and not from
what the engine believes. It is looked at after each message that a charge point has obeyed.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final, cast

from domain.facts import ChargePointEvent, EventKind
from domain.names import commissioning_workflow_id
from domain.operations import Reply
from domain.power.agenda import Availability, SitePace
from domain.power.facts import Carried, SiteSnapshot
from domain.power.operations import ConnectorLimit, LimitConnectors
from domain.power.plan import higher, load, lower
from domain.power.service import Borrow
from domain.power.share import BayKey
from domain.power.site import Phase, SiteLimit
from domain.power.site_controller import SiteController
from ocpp_server.power import PowerOperations
from ocpp_server.registry import Registry
from simulator import Fault
from tests.domain.day_chargers import MAX_AMPS, Charger, Connector, Vehicle, make_chargers

_STEP: Final = timedelta(minutes=1)
_EPSILON: Final = 1e-6
_LONG: Final = timedelta(hours=4)
"""Whoever could charge for so long, and never did, has been forgotten: turns are of minutes."""
_SOON: Final = timedelta(minutes=20)
"""At a cable that two vehicles share, one may wait for a turn."""


class Day:
    """The site, minute by minute."""

    def __init__(self, seed: int, amps: float = 160) -> None:
        self.random = Random(seed)
        # By the clock of the engine: profiles begin a day ago.
        self.now = self.morning = datetime.now(UTC)
        self.limit = SiteLimit(amps=amps)
        self.excused_until = self.now
        self.chargers = {one.identity: one for one in make_chargers(self.random)}
        self.power = PowerOperations(cast("Registry", self))
        self.controller = SiteController(Carried(), SitePace())
        self.told = Counter[str]()
        self.kills = Counter[str]()
        self.away_until = self.now
        """Until when the worker is: what is told meanwhile waits in its signals."""
        self.signals: list[tuple[str, ChargePointEvent]] = []
        self.to_read: set[str] = set()
        self.drawn: dict[str, list[tuple[Phase, float]]] = {}
        self.transactions = 0
        self.moments = 0
        self.worst = 0.0
        self.vehicles = 0
        self.longest_wait = 0
        self.never: list[str] = []
        """Vehicles that could have charged for long, and never did."""
        self.pauses = 0
        self.runs: dict[str, tuple[str, datetime]] = {}
        """Runs that have a charge point, or have asked for it, and when they end."""
        self.tested = 0
        for charger in self.chargers.values():
            charger.changed = self.look
        self.controller.load(self.snapshot(), self.now)

    async def pass_by(self) -> None:
        """The handover in the morning, with the limit of the night, more at noon, and at the end
        enough for everybody.
        """
        await self.balance()  # nobody charges yet
        await self.live(until=timedelta(hours=8))
        await self.set_limit(250)
        await self.live(until=timedelta(hours=16))
        await self.set_limit(160)
        await self.live(until=timedelta(hours=23))
        await self.set_limit(900)
        await self.live(until=timedelta(hours=24))

    # The registry of a node

    def require(self, charge_point_id: str) -> Charger:
        return self.chargers[charge_point_id]

    get = require

    # What happens

    @property
    def there(self) -> bool:
        """Whether there is a worker."""
        return self.now >= self.away_until

    def snapshot(self, *which: str) -> SiteSnapshot:
        wanted = which or tuple(self.chargers)
        stations = tuple(
            replace(self.chargers[one].facts(self.now), run=self.runs.get(one, (None,))[0])
            for one in wanted
        )
        return SiteSnapshot(limit=self.limit, stations=stations)

    def tell(self, charger: Charger, event: ChargePointEvent, *, lost: bool = False) -> None:
        """Something happens; ``lost``: it is stored, and its node dies before it signals."""
        self.told[event.kind] += 1
        for one in charger.tell(event):
            if not lost:
                self.signals.append((charger.identity, one))
        self.receive()
        self.look(charger)

    def receive(self) -> None:
        """The workflow takes its signals."""
        if not self.there:
            return
        signals, self.signals = self.signals, []
        for identity, event in signals:
            if event.kind is EventKind.CONNECTED:
                self.to_read.add(identity)
            self.controller.receive(identity, event, self.now)

    async def set_limit(self, amps: float) -> None:
        if self.limit.amps is not None and amps < self.limit.amps:
            self.excused_until = self.now + 2 * _STEP
        self.limit = SiteLimit(amps=amps)
        self.controller.load(self.snapshot(), self.now)

    async def live(self, *, until: timedelta) -> None:
        while self.now < self.morning + until:
            self.now += _STEP
            await self.balance()  # what was left for later
            for charger in self.chargers.values():
                charger.now = self.now
                self.change(charger)
            self.kill()
            self.serve()
            await self.balance()
            self.wait()

    def change(self, charger: Charger) -> None:
        chance = self.random.random()
        forgets = Fault.FORGETS_PROFILES in charger.faults
        if charger.online and chance > 0.9985:
            self.tell(charger, charger.lost())
            charger.online = False
        elif not charger.online and chance > 0.95:
            self.tell(charger, charger.come_back())
        elif charger.online and chance > 0.9975 and (self.there or not forgets):
            # One that forgets while nobody is there to tell it anew draws what it likes.
            for event in charger.restart():
                self.tell(charger, event)
        else:
            for connector in charger.connectors:
                self.visit(charger, connector)

    def visit(self, charger: Charger, connector: Connector) -> None:
        chance = self.random.random()
        vehicle = connector.vehicle
        if vehicle is None:
            if chance < 0.02:
                stay = timedelta(minutes=self.random.randint(10, 400))
                phases = self.random.choice([1, 3])
                connector.vehicle = Vehicle(leaves_at=self.now + stay, phases=phases)
                self.vehicles += 1
        elif self.now >= vehicle.leaves_at:
            if connector.transaction is not None:
                self.tell(charger, charger.end(connector, "EVDisconnected"))
            self.leave(charger, connector)
        elif connector.transaction is None and connector.operative:
            self.transactions += 1
            self.tell(charger, charger.begin(connector, self.transactions))
        elif connector.transaction is not None and chance < 0.005:
            self.tell(charger, charger.rest(connector))

    def leave(self, charger: Charger, connector: Connector) -> None:
        vehicle = connector.vehicle
        assert vehicle is not None
        if not vehicle.served and vehicle.waited >= _LONG / _STEP:
            self.never.append(f"{charger.identity} {connector.number}: {vehicle.waited} min")
        connector.vehicle = None

    def serve(self) -> None:
        """Now and then a charge point is commissioned once more; who charges then is the test."""
        if not self.there:
            return
        for identity, (run, ends_at) in list(self.runs.items()):
            if self.now >= ends_at:
                del self.runs[identity]
                if self.random.random() < 0.5:  # else it is for the site to find out
                    self.controller.take_back(identity, run)
                self.to_read.add(identity)
        identity = self.random.choice(sorted(self.chargers))
        if self.random.random() < 0.02 and identity not in self.runs:
            ends_at = self.now + self.random.randint(5, 60) * _STEP
            self.runs[identity] = f"com_{self.now:%H%M}", ends_at
            self.borrow(identity, ask=1)

    def borrow(self, identity: str, *, ask: int) -> None:
        run, _ = self.runs[identity]
        workflow_id = commissioning_workflow_id(identity)
        asked = Borrow(
            charge_point_id=identity,
            commissioning_id=run,
            workflow_id=workflow_id,
            ask=ask,
            power=True,
        )
        assert self.controller.borrow(asked, self.now)

    def lend(self) -> None:
        for station in self.controller.to_lend(self.now):
            assert station.service is not None
            self.controller.lent(station.charge_point_id, station.service.ask)
            self.tested += 1
        for station in self.controller.to_call_back(self.now):
            assert station.service is not None
            self.controller.called_back(station.charge_point_id)
            if station.charge_point_id in self.runs:
                self.borrow(station.charge_point_id, ask=station.service.ask + 1)

    def kill(self) -> None:
        """Now and then a node dies, and the last that it stored is told to nobody; or a worker."""
        chance = self.random.random()
        if chance < 0.004:
            self.kills["node"] += 1
            node_id = self.random.choice(sorted({one.node_id for one in self.chargers.values()}))
            dying = [one for one in self.chargers.values() if one.node_id == node_id and one.online]
            for charger in dying:
                for connector in charger.connectors:
                    if connector.transaction is not None and self.random.random() < 0.1:
                        self.tell(charger, charger.end(connector, "Local"), lost=True)
                self.tell(charger, charger.lost())
                charger.online = False
        elif chance < 0.01 and self.there:
            self.kills["worker"] += 1
            self.away_until = self.now + self.random.randint(1, 8) * _STEP
        elif chance < 0.012 and self.there:
            self.kills["continued as new"] += 1
            self.controller = SiteController(self.controller.carried(), SitePace())
            self.controller.load(self.snapshot(), self.now, known=self.controller.running())

    # What must hold

    @property
    def sums(self) -> dict[Phase, float]:
        """What flows now, by phase."""
        found = dict.fromkeys(Phase, 0.0)
        for loads in self.drawn.values():
            for phase, amps in loads:
                found[phase] += amps
        return found

    def look(self, changed: Charger) -> None:
        """At each moment at which a charge point may draw anything else."""
        assert self.limit.amps is not None
        self.moments += 1
        drawn = list(changed.amps())
        if drawn == self.drawn.get(changed.identity):
            return
        self.drawn[changed.identity] = drawn
        for phase, amps in self.sums.items():
            within = amps <= self.limit.amps + _EPSILON
            assert within or self.now < self.excused_until, f"{phase}: {amps:.1f} A"
            self.worst = max(self.worst, amps)

    def compare(self) -> None:
        """What is counted with is never less than what flows."""
        known = load(self.controller.outlets())
        for phase, amps in self.sums.items():
            assert amps <= known[phase] + _EPSILON, f"{phase}: more than was counted with"

    def wait(self) -> None:
        """For how long each vehicle that wants to charge, and can be told so, does not."""
        for charger, connector, vehicle in self.present():
            if connector.amps(charger):
                vehicle.served, vehicle.waited = True, 0
            elif charger.reachable and self.there and not vehicle.resting and connector.operative:
                vehicle.waited += 1
                self.longest_wait = max(self.longest_wait, vehicle.waited)

    @property
    def hungry(self) -> list[str]:
        """Vehicles that do not charge though the supply carries all of them, and for minutes now.

        Connectors are inoperative only where their cable does not carry what cannot be paused.
        """
        found = [
            f"{charger.identity} {connector.number}: {vehicle.waited} min"
            for charger, connector, vehicle in self.present()
            if vehicle.waited > _SOON / _STEP and not vehicle.resting
        ]
        found += [
            f"{station.charge_point_id}: inoperative"
            for station in self.controller.stations.values()
            if station.closed and len(station.outlets) * station.least <= MAX_AMPS
        ]
        return found

    def present(self) -> Iterator[tuple[Charger, Connector, Vehicle]]:
        for charger in self.chargers.values():
            for connector in charger.connectors:
                if connector.vehicle is not None:
                    yield charger, connector, connector.vehicle

    # What the site's workflow does, without Temporal

    async def balance(self) -> None:
        if not self.there:
            return
        self.receive()
        controller = self.controller
        if self.to_read:
            controller.load(
                self.snapshot(*sorted(self.to_read)),
                self.now,
                known=controller.running(),
                charge_points_only=True,
            )
            self.to_read.clear()
        controller.lose_trust(self.now)
        controller.reserve(self.now)
        await self.prepare()
        for bay in controller.to_stop(self.now):
            charger = self.chargers[bay.key[0]]
            connector = charger.connectors[bay.key[1] - 1]
            if charger.reachable and connector.transaction is not None:
                self.tell(charger, charger.end(connector, "Remote"))
            controller.stopped(bay.key, self.now)
        targets = controller.targets(self.now)
        await self.send(lower(controller.outlets(), targets))
        left = {bay: amps for bay, amps in targets.items() if bay in controller.bays}
        await self.send(higher(controller.capacity, controller.outlets(), left))
        self.lend()
        for charger in self.chargers.values():
            for event in charger.ends_at_zero():
                self.tell(charger, event)
        self.compare()

    async def prepare(self) -> None:
        controller = self.controller
        for station in controller.to_prepare(self.now):
            terms = controller.terms(station, self.now)
            if terms is None:
                continue  # what it was to be told has changed since
            request = controller.request(station, terms)
            limited = await self.power.limit_station(request)
            controller.prepared(
                station,
                terms,
                limited,
                self.now,
                idle=request.idle,
                running=request.running,
            )
        for station in controller.to_lift(self.now):
            lift = controller.lift(station)
            lifted = await self.power.lift_limits(lift)
            controller.lifted(station.charge_point_id, lifted.reply, self.now, whole=lift.whole)
        for wanted in controller.to_close(self.now):
            self.close(wanted)

    def close(self, wanted: Availability) -> None:
        charger = self.chargers[wanted.station.charge_point_id]
        for number in (*wanted.close, *wanted.open):
            if charger.reachable:
                charger.connectors[number - 1].operative = number in wanted.open
            self.controller.closed(
                charger.identity,
                number,
                Reply.ACCEPTED if charger.reachable else Reply.TIMEOUT,
                self.now,
                operative=number in wanted.open,
                restarts=wanted.station.restarts,
            )

    async def send(self, limits: dict[BayKey, int]) -> None:
        self.controller.sends(limits)
        for key, amps in self.random.sample(sorted(limits.items()), len(limits)):
            station, bay = self.controller.stations[key[0]], self.controller.bays[key]
            self.pauses += amps == 0
            limit = ConnectorLimit(
                charge_point_id=key[0],
                connector_id=key[1],
                transaction_id=bay.transaction_id,
                amps=amps,
                form=station.form,
            )
            limited = await self.power.limit_connectors(LimitConnectors(limits=(limit,)))
            (outcome,) = limited.outcomes
            self.controller.limited(
                key, bay.transaction_id, amps, outcome.reply, self.now, restarts=station.restarts
            )
