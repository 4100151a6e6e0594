"""A simulated day of 40 bays: the charge points obey their profiles, and the fuse never trips.

The charge points are the simulator's own, and so are the profiles the engine's: what each vehicle
may draw is worked out from what its charge point holds, not from what the engine believes. Links
break, answers are lost, charge points restart and forget, one refuses, the limit rises and falls.
"""

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random
from typing import cast

import pytest

from domain.facts import ChargePointEvent, EventKind
from domain.operations import Reply
from domain.power.agenda import Availability, Pace
from domain.power.facts import Carried, SiteSnapshot
from domain.power.ledger import Ledger
from domain.power.operations import ConnectorLimit, LiftLimits, LimitConnectors
from domain.power.plan import higher, load, lower
from domain.power.share import BayKey
from domain.power.site import MIN_AMPS, Phase, SiteLimit
from ocpp_server.power import PowerOperations
from ocpp_server.registry import Registry
from tests.domain.day_chargers import Charger, Connector, make_chargers

_STEP = timedelta(minutes=1)
_EPSILON = 1e-6


class Day:
    """The site, minute by minute."""

    def __init__(self, seed: int, amps: float) -> None:
        self.random = Random(seed)
        # By the clock of the engine: profiles begin a day ago.
        self.now = self.morning = datetime.now(UTC)
        self.limit = SiteLimit(amps=amps)
        self.excused_until = self.now
        self.chargers = {one.identity: one for one in make_chargers(self.random)}
        self.power = PowerOperations(cast("Registry", self))
        self.ledger = Ledger(Carried(), Pace())
        self.told = Counter[str]()
        self.drawn: dict[str, list[tuple[Phase, float]]] = {}
        self.transactions = 0
        self.worst = 0.0
        self.waits: Counter[BayKey] = Counter()
        self.longest_wait = 0
        self.pauses = 0
        self.ledger.load(self.snapshot(), self.now)

    # The registry of a node

    def require(self, charge_point_id: str) -> Charger:
        return self.chargers[charge_point_id]

    get = require

    # What happens

    def snapshot(self) -> SiteSnapshot:
        stations = tuple(one.facts(self.now) for one in self.chargers.values())
        return SiteSnapshot(limit=self.limit, stations=stations)

    def tell(self, charger: Charger, event: ChargePointEvent) -> None:
        self.told[event.kind] += 1
        for one in charger.tell(event):
            self.ledger.receive(charger.identity, one, self.now)
        self.look(charger)

    async def set_limit(self, amps: float) -> None:
        if self.limit.amps is not None and amps < self.limit.amps:
            self.excused_until = self.now + 2 * _STEP
        self.limit = SiteLimit(amps=amps)
        self.ledger.load(self.snapshot(), self.now)

    async def live(self, *, until: timedelta) -> None:
        while self.now < self.morning + until:
            self.now += _STEP
            await self.balance()  # what was left for later
            for charger in self.chargers.values():
                charger.now = self.now
                self.change(charger)
            await self.balance()
            self.wait()

    def change(self, charger: Charger) -> None:
        chance = self.random.random()
        if charger.online and chance > 0.9985:
            self.tell(charger, charger.lost())
            charger.online = False
        elif not charger.online and chance > 0.95:
            self.tell(charger, charger.come_back())
        elif charger.online and chance > 0.9975:
            for event in charger.restart(forgets=self.random.random() < 0.5):
                self.tell(charger, event)
        else:
            for connector in charger.connectors:
                self.visit(charger, connector)

    def visit(self, charger: Charger, connector: Connector) -> None:
        chance = self.random.random()
        if connector.transaction is None and connector.operative and chance < 0.02:
            self.transactions += 1
            stay = timedelta(minutes=self.random.randint(10, 400))
            phases = self.random.choice([1, 3])
            self.tell(charger, charger.begin(connector, self.transactions, stay, phases))
        elif connector.transaction is not None and self.now >= connector.leaves_at:
            self.tell(charger, charger.end(connector))
        elif connector.transaction is not None and chance < 0.005:
            self.tell(charger, charger.rest(connector))

    # What must hold

    def look(self, changed: Charger) -> None:
        """At each moment at which a charge point may draw anything else."""
        assert self.limit.amps is not None
        self.drawn[changed.identity] = list(changed.amps())
        known = load(self.ledger.outlets())
        for one in Phase:
            amps = sum(
                amps for loads in self.drawn.values() for phase, amps in loads if phase is one
            )
            assert amps <= known[one] + _EPSILON, f"{one}: more than was counted with"
            within = amps <= self.limit.amps + _EPSILON
            assert within or self.now < self.excused_until, f"{one}: {amps:.1f} A"
            self.worst = max(self.worst, amps)

    def wait(self) -> None:
        """For how long each vehicle that wants to charge, and can be told so, may not."""
        for charger in self.chargers.values():
            for connector in charger.connectors:
                key = charger.identity, connector.number
                bay = self.ledger.bays.get(key)
                wants = bay is not None and charger.online and not connector.resting
                waits = wants and not charger.refusing and connector.amps(charger) == 0
                self.waits[key] = self.waits[key] + 1 if waits else 0
        self.longest_wait = max(self.longest_wait, *self.waits.values())

    # What the site's workflow does, without Temporal

    async def balance(self) -> None:
        ledger = self.ledger
        ledger.lose_trust(self.now)
        ledger.reserve(self.now)
        for station in ledger.to_prepare(self.now):
            terms = ledger.terms(station, self.now)
            assert terms is not None
            request = ledger.request(station, terms)
            limited = await self.power.limit_station(request)
            ledger.prepared(
                station,
                terms,
                limited,
                self.now,
                idle=request.idle,
                running=request.running,
            )
            self.look(self.chargers[station.charge_point_id])
        for station in ledger.to_lift(self.now):
            lift = LiftLimits(
                charge_point_id=station.charge_point_id,
                connectors=station.connectors,
                form=station.form,
                whole=True,
            )
            lifted = await self.power.lift_limits(lift)
            ledger.lifted(station.charge_point_id, lifted.reply, self.now, whole=True)
            self.look(self.chargers[station.charge_point_id])
        for wanted in ledger.to_close(self.now):
            self.close(wanted)
        for bay in ledger.to_stop(self.now):
            charger = self.chargers[bay.key[0]]
            if charger.online:
                self.tell(charger, charger.end(charger.connectors[bay.key[1] - 1]))
            ledger.stopped(bay.key, self.now)
        targets = ledger.targets(self.now)
        await self.send(lower(ledger.outlets(), targets))
        await self.send(higher(ledger.capacity, ledger.outlets(), targets))

    def close(self, wanted: Availability) -> None:
        charger = self.chargers[wanted.station.charge_point_id]
        for number in (*wanted.close, *wanted.open):
            if charger.online:
                charger.connectors[number - 1].operative = number in wanted.open
            self.ledger.closed(
                charger.identity,
                number,
                Reply.ACCEPTED if charger.online else Reply.TIMEOUT,
                self.now,
                operative=number in wanted.open,
                restarts=wanted.station.restarts,
            )

    async def send(self, limits: dict[BayKey, int]) -> None:
        for key, amps in self.random.sample(sorted(limits.items()), len(limits)):
            station, bay = self.ledger.stations[key[0]], self.ledger.bays[key]
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
            self.ledger.limited(
                key, bay.transaction_id, amps, outcome.reply, self.now, restarts=station.restarts
            )
            self.look(self.chargers[key[0]])


@pytest.mark.parametrize("seed", range(3))
async def test_a_day_of_forty_bays(seed: int) -> None:
    day = Day(seed, amps=160)
    await day.balance()  # the handover: nobody charges yet
    await day.live(until=timedelta(hours=8))
    await day.set_limit(250)
    await day.live(until=timedelta(hours=16))
    (refusing, *_) = day.chargers.values()
    refusing.refuse()
    for event in refusing.restart(forgets=True):
        day.tell(refusing, event)
    await day.balance()
    await day.live(until=timedelta(hours=20))
    await day.set_limit(120)
    await day.live(until=timedelta(hours=24))
    assert sum(len(charger.connectors) for charger in day.chargers.values()) == 40
    assert day.transactions > 100
    assert day.told[EventKind.BOOT] > 20
    assert day.worst > 200, "what there is is used"
    assert day.pauses > 50, "not all fit at once"
    slots = 120 // (3 * MIN_AMPS)
    turns = -(-40 // slots)
    assert day.longest_wait <= turns * Pace().turn / _STEP
