"""A simulated day of 40 bays: the charge points obey their profiles, and the fuse never trips.

The charge points are the simulator's own: what each may draw is worked out from the profiles that
it holds, not from what the engine believes. Links break, answers are lost, and the limit changes.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from domain.facts import ChargePointEvent, ConnectionFact, ConnectorFact, EventKind, TransactionFact
from domain.operations import Reply
from domain.power.facts import Carried, SiteSnapshot, StationFacts
from domain.power.ledger import Ledger, Pace
from domain.power.operations import RateUnit, StationLimited
from domain.power.plan import higher, lower
from domain.power.share import BayKey
from domain.power.site import NOMINAL_VOLTAGE, SiteLimit
from domain.states import ConnectorStatus
from simulator.profile import ABB_TERRA_AC_W22
from simulator.smart_charging import ChargingProfiles

MORNING = datetime(2026, 6, 1, tzinfo=UTC)
BAYS = 40
STEP = timedelta(minutes=1)
WATTS_PER_AMPERE = NOMINAL_VOLTAGE * 3
MAX_AMPS = 31  # 22 kW over three phases


@dataclass(kw_only=True)
class Charger:
    """One charge point of one connector, and the vehicle at it."""

    number: int
    random: Random
    profiles: ChargingProfiles = field(default_factory=lambda: ChargingProfiles(ABB_TERRA_AC_W22))
    online: bool = True
    generation: int = 1
    transaction: int | None = None
    leaves_at: datetime = MORNING
    untold: list[ChargePointEvent] = field(default_factory=list)
    stored: dict[int, TransactionFact] = field(default_factory=dict)
    """Transactions as the database has them: of what was told."""

    @property
    def identity(self) -> str:
        return f"cp_{self.number:02}"

    def amps(self, now: datetime) -> float:
        """What the vehicle draws: all that the profiles let it."""
        if self.transaction is None:
            return 0.0
        return self.profiles.limit_w(1, now, now) / WATTS_PER_AMPERE

    def install(self, purpose: str, amps: float) -> Reply:
        """Take a profile, or lose the answer, or the question."""
        fate = self.random.random()
        if not self.online or fate < 0.02:
            return Reply.TIMEOUT
        number = ["ChargePointMaxProfile", "TxDefaultProfile", "TxProfile"].index(purpose) + 1
        answered = self.profiles.install(
            1 if purpose == "TxProfile" else 0,
            {
                "chargingProfileId": number,
                "stackLevel": 0,
                "chargingProfilePurpose": purpose,
                "chargingProfileKind": "Relative",
                "chargingSchedule": {
                    "chargingRateUnit": "A",
                    "chargingSchedulePeriod": [{"startPeriod": 0, "limit": amps}],
                },
            },
            transaction=self.transaction is not None,
        )
        if fate < 0.04:
            return Reply.TIMEOUT  # obeyed, and the answer was lost
        return Reply.ACCEPTED if answered == "Accepted" else Reply.REJECTED


class Day:
    """The site, minute by minute."""

    def __init__(self, seed: int, amps: float) -> None:
        self.random = Random(seed)
        self.now = MORNING
        self.limit = SiteLimit(amps=amps)
        self.chargers = [Charger(number=n, random=self.random) for n in range(BAYS)]
        self.ledger = Ledger(Carried(), Pace())
        self.events = 0
        self.transactions = 0
        self.worst = 0.0
        self.drawn: dict[str, float] = {}
        self.delivered: Counter[str] = Counter()
        self.pauses = 0
        self.ledger.load(self.snapshot(), self.now)

    def snapshot(self) -> SiteSnapshot:
        return SiteSnapshot(
            limit=self.limit,
            stations=tuple(
                StationFacts(
                    charge_point_id=one.identity,
                    max_amps=MAX_AMPS,
                    connection=self.link(one),
                    connectors=(self.connector(1, ConnectorStatus.AVAILABLE),),
                    transactions=tuple(one.stored.values()),
                )
                for one in self.chargers
            ),
        )

    def link(self, charger: Charger) -> ConnectionFact:
        return ConnectionFact(
            connected=charger.online,
            node_id="node_1",
            generation=charger.generation,
            ocpp_version="1.6",
            at=self.now,
        )

    def connector(self, number: int, status: ConnectorStatus) -> ConnectorFact:
        return ConnectorFact(connector_id=number, status=status, error_code="NoError", at=self.now)

    def tell(self, charger: Charger, kind: EventKind, **fact: object) -> None:
        self.events += 1
        event = ChargePointEvent(event_id=f"evt_{self.events}", kind=kind, at=self.now, **fact)  # type: ignore[arg-type]
        charger.untold.append(event)
        if charger.online:
            told, charger.untold = charger.untold, []
            for one in told:
                if one.transaction is not None:
                    charger.stored[one.transaction.transaction_id] = one.transaction
                self.ledger.receive(charger.identity, one, self.now)

    def look(self, changed: Charger) -> None:
        """The sum of what is drawn, at each moment at which a charge point draws anything else."""
        self.drawn[changed.identity] = changed.amps(self.now)
        drawn = sum(self.drawn.values())
        self.worst = max(self.worst, drawn)
        assert self.limit.amps is not None
        assert drawn <= self.limit.amps + 1e-6, f"{drawn:.1f} A at {self.now:%H:%M}"

    def live(self, *, until: datetime) -> None:
        while self.now < until:
            self.now += STEP
            for charger in self.chargers:
                self.change(charger)
            self.balance()
            for charger in self.chargers:
                self.delivered[charger.identity] += int(self.drawn.get(charger.identity, 0))

    def change(self, charger: Charger) -> None:
        chance = self.random.random()
        if charger.transaction is None and chance < 0.02:
            self.transactions += 1
            charger.transaction = self.transactions
            charger.leaves_at = self.now + timedelta(minutes=self.random.randint(10, 400))
            self.look(charger)
            self.tell(charger, EventKind.TRANSACTION_STARTED, transaction=self.fact(charger))
        elif charger.transaction is not None and self.now >= charger.leaves_at:
            ended = self.fact(charger, stopped_at=self.now)
            charger.transaction = None
            charger.profiles.end_transaction(1)
            self.look(charger)
            self.tell(charger, EventKind.TRANSACTION_STOPPED, transaction=ended)
        elif charger.online and chance > 0.998:
            self.tell(charger, EventKind.DISCONNECTED, connection=self.offline(charger))
            charger.online = False
        elif not charger.online and chance > 0.95:
            charger.online = True
            charger.generation += 1
            self.tell(charger, EventKind.CONNECTED, connection=self.link(charger))

    def offline(self, charger: Charger) -> ConnectionFact:
        return ConnectionFact(
            connected=False,
            node_id="node_1",
            generation=charger.generation,
            ocpp_version="1.6",
            at=self.now,
        )

    def fact(self, charger: Charger, stopped_at: datetime | None = None) -> TransactionFact:
        assert charger.transaction is not None
        return TransactionFact(
            transaction_id=charger.transaction,
            connector_id=1,
            id_tag="CARD",
            started_at=self.now,
            meter_start=0,
            stopped_at=stopped_at,
        )

    def balance(self) -> None:
        """What the site's workflow does, without Temporal."""
        ledger = self.ledger
        for station in ledger.to_prepare(self.now):
            charger, terms = self.chargers[int(station.charge_point_id[3:])], ledger.terms(station)
            replies = [
                charger.install("ChargePointMaxProfile", terms.station_amps),
                charger.install("TxDefaultProfile", terms.default_amps),
            ]
            self.look(charger)
            reply = next((one for one in replies if one is not Reply.ACCEPTED), Reply.ACCEPTED)
            limited = StationLimited(reply=reply, unit=RateUnit.AMPERES)
            ledger.prepared(station, terms, limited, self.now)
        targets = ledger.targets(self.now)
        self.send(lower(ledger.outlets(), targets))
        self.send(higher(ledger.capacity, ledger.outlets(), targets))

    def send(self, limits: dict[BayKey, int]) -> None:
        for key, amps in self.random.sample(sorted(limits.items()), len(limits)):
            charger = self.chargers[int(key[0][3:])]
            reply = charger.install("TxProfile", amps)
            self.look(charger)
            bay = self.ledger.bays[key]
            self.pauses += amps == 0
            self.ledger.limited(key, bay.transaction_id, amps, reply, self.now, restarts=0)


@pytest.mark.parametrize("seed", range(3))
def test_a_day_of_forty_bays(seed: int) -> None:
    day = Day(seed, amps=160)
    day.balance()  # the handover: nobody charges yet
    day.live(until=MORNING + timedelta(hours=10))
    day.limit = SiteLimit(amps=250)
    day.ledger.load(day.snapshot(), day.now)
    day.live(until=MORNING + timedelta(hours=24))
    assert day.transactions > 100
    assert day.worst > 200, "what there is is used"
    assert day.pauses > 50, "not all fit at once"
    assert min(day.delivered[charger.identity] for charger in day.chargers) > 0
