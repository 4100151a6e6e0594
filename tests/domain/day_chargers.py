"""The charge points of the simulated day: they hold real profiles, and answer as firmware does."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from domain.facts import (
    ChargePointEvent,
    ConnectionFact,
    ConnectorFact,
    EventKind,
    TransactionFact,
)
from domain.power.facts import StationFacts
from domain.power.site import MIN_AMPS, NOMINAL_VOLTAGE, Phase
from domain.states import ConnectorStatus
from ocpp_server.calls import CallTimeoutError
from ocpp_server.protocol import OcppProtocol
from simulator import Fault
from simulator.actions.profiles import refuses
from simulator.profile import ABB_TERRA_AC_W22, Profile
from simulator.smart_charging import MAX_STACK_LEVEL, ChargingProfiles
from tests.support.ocpp import V16

MAX_AMPS = 32
_THREE_PHASES = replace(ABB_TERRA_AC_W22, max_power_w=22_080)
_ONE_PHASE = replace(ABB_TERRA_AC_W22, max_power_w=7_360, phases=1)
_EPOCH = datetime.fromisoformat("2026-01-01T00:00:00Z")
_ROUNDING = 0.05  # amperes; limits have one decimal
_NODES = 3
_FIRMWARE: Sequence[frozenset[Fault]] = (
    frozenset(),
    frozenset({Fault.REFUSES_ZERO}),
    frozenset({Fault.IDLE_SCHEDULE}),
    frozenset({Fault.TAKES_WATTS}),
    frozenset({Fault.ENDS_AT_ZERO}),
    frozenset({Fault.TAKES_AMPERES, Fault.NO_COMPOSITE_SCHEDULE}),
    frozenset({Fault.NO_STATION_PROFILE}),
    frozenset({Fault.FORGETS_PROFILES}),
    frozenset({Fault.IDLE_SCHEDULE, Fault.NO_STATION_PROFILE}),
    frozenset({Fault.TAKES_WATTS, Fault.REFUSES_ZERO}),
    frozenset({Fault.NO_SESSION_PROFILE}),
)


@dataclass(kw_only=True)
class Vehicle:
    """It draws all that it may on each of its phases, and less than 6 A it cannot draw."""

    leaves_at: datetime
    phases: int
    resting: bool = False
    """It draws nothing by itself."""
    waited: int = 0
    """Minutes in which it could have charged, and did not."""
    served: bool = False


@dataclass(kw_only=True)
class Connector:
    """A connector, and the vehicle at it."""

    number: int
    vehicle: Vehicle | None = None
    transaction: TransactionFact | None = None
    operative: bool = True

    def amps(self, charger: "Charger") -> float:
        """What the vehicle draws of each phase that it uses: all that the profiles let it."""
        if self.transaction is None or self.vehicle is None or self.vehicle.resting:
            return 0.0
        used = min(self.vehicle.phases, charger.hardware.phases)
        watts = charger.profiles.limit_w(self.number, charger.clock, charger.clock, phases=used)
        amps = watts / (NOMINAL_VOLTAGE * used)
        return amps if amps >= MIN_AMPS - _ROUNDING else 0.0


@dataclass(kw_only=True)
class Charger:
    """One charge point, and its side of the socket: implements what is used of a session."""

    identity: str
    random: Random
    hardware: Profile
    phases: tuple[Phase, ...]
    clock_is_behind: timedelta
    connectors: Sequence[Connector]
    node_id: str
    faults: set[Fault] = field(default_factory=set)
    changed: Callable[["Charger"], None] = lambda _: None
    """Told of each moment at which its vehicles may draw anything else."""
    now: datetime = _EPOCH
    online: bool = True
    generation: int = 1
    protocol: OcppProtocol = V16
    untold: list[ChargePointEvent] = field(default_factory=list)
    stored: dict[int, TransactionFact] = field(default_factory=dict)
    """Transactions as the database has them: of what was told."""

    def __post_init__(self) -> None:
        self.profiles = ChargingProfiles(self.hardware)

    @property
    def clock(self) -> datetime:
        """What time it takes it for."""
        return self.now - self.clock_is_behind

    @property
    def reachable(self) -> bool:
        """Whether it can be told anything."""
        return self.online and Fault.SILENT not in self.faults

    def amps(self) -> Iterator[tuple[Phase, float]]:
        """What its vehicles draw of each phase. One on one phase is on the first.

        It shares among its connectors what its cable carries.
        """
        drawn = [connector.amps(self) for connector in self.connectors]
        share = min(1.0, MAX_AMPS / max(sum(drawn), 1.0))
        for connector, amps in zip(self.connectors, drawn, strict=True):
            used = min(connector.vehicle.phases if connector.vehicle else 3, self.hardware.phases)
            for phase in self.phases[:used]:
                yield phase, amps * share

    # What is asked of it

    async def call(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Answer, or lose the question, or the answer."""
        fate = self.random.random()
        if not self.reachable or fate < 0.01:
            raise CallTimeoutError("no answer")
        answer = self._answer(action, payload)
        self.changed(self)
        if fate < 0.02:
            raise CallTimeoutError("obeyed, and the answer was lost")
        return answer

    def _answer(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        match action:
            case "GetConfiguration":
                key, units = payload["key"]
                level = {"key": key, "readonly": True, "value": str(MAX_STACK_LEVEL)}
                return {"configurationKey": [level], "unknownKey": [units]}
            case "ClearChargingProfile":
                return {"status": self.profiles.clear(payload)}
            case "SetChargingProfile":
                return {"status": self._install(payload)}
            case _:
                return self._composite(payload)

    def _install(self, payload: dict[str, Any]) -> str:
        number, profile = payload["connectorId"], payload["csChargingProfiles"]
        if refuses(self.faults, profile):
            return "Rejected"
        charges = any(one.number == number and one.transaction for one in self.connectors)
        return self.profiles.install(number, profile, transaction=charges)

    def _composite(self, payload: dict[str, Any]) -> dict[str, Any]:
        if Fault.NO_COMPOSITE_SCHEDULE in self.faults:
            return {"status": "Rejected"}
        number, seconds = payload["connectorId"], payload["duration"]
        charges = any(one.number == number and one.transaction for one in self.connectors)
        periods = self.profiles.composite(
            number,
            self.clock,
            seconds,
            with_default=charges or Fault.IDLE_SCHEDULE not in self.faults,
        )
        schedule = {"chargingRateUnit": "W", "chargingSchedulePeriod": periods}
        return {"status": "Accepted", "chargingSchedule": schedule}

    # What happens to it

    def lost(self) -> ChargePointEvent:
        """What the node says of a link that is about to break."""
        return self._event(EventKind.DISCONNECTED, connection=self._link(connected=False))

    def come_back(self) -> ChargePointEvent:
        """It is online again, with a new connection."""
        self.online, self.generation = True, self.generation + 1
        return self._event(EventKind.CONNECTED, connection=self._link())

    def restart(self) -> Iterator[ChargePointEvent]:
        """Its transactions end, and its vehicles stay."""
        for connector in self.connectors:
            if connector.transaction is not None:
                yield self.end(connector, "PowerLoss")
        if Fault.FORGETS_PROFILES in self.faults:
            self.profiles.clear({})
        yield self._event(EventKind.BOOT)

    def begin(self, connector: Connector, number: int) -> ChargePointEvent:
        """The driver presents a card."""
        connector.transaction = TransactionFact(
            transaction_id=str(number),
            number=number,
            connector_id=connector.number,
            id_tag="CARD",
            started_at=self.now,
            meter_start=0,
        )
        return self._event(EventKind.TRANSACTION_STARTED, transaction=connector.transaction)

    def end(self, connector: Connector, reason: str) -> ChargePointEvent:
        """A transaction ends; its vehicle may stay."""
        assert connector.transaction is not None
        stopped = replace(connector.transaction, stopped_at=self.now, stop_reason=reason)
        connector.transaction = None
        self.profiles.end_transaction(connector.number)
        return self._event(EventKind.TRANSACTION_STOPPED, transaction=stopped)

    def ends_at_zero(self) -> Iterator[ChargePointEvent]:
        """Some end by themselves what is limited to 0 A."""
        if Fault.ENDS_AT_ZERO not in self.faults:
            return
        for connector in self.connectors:
            limit = self.profiles.limit_w(connector.number, self.clock, self.clock)
            if connector.transaction is not None and limit == 0:
                yield self.end(connector, "Other")

    def rest(self, connector: Connector) -> ChargePointEvent:
        """The vehicle is full, or goes on."""
        assert connector.vehicle is not None
        connector.vehicle.resting = not connector.vehicle.resting
        return self._event(EventKind.CONNECTOR, connector=self._connector(connector))

    # What is told of it

    def tell(self, event: ChargePointEvent) -> Sequence[ChargePointEvent]:
        """What the engine hears now: nothing while the link is broken, then all of it."""
        self.untold.append(event)
        if not self.online:
            return ()
        told, self.untold = self.untold, []
        for one in told:
            if one.transaction is not None:
                self.stored[one.transaction.number] = one.transaction
        return told

    def facts(self, now: datetime) -> StationFacts:
        """What the database has."""
        self.now = now
        return StationFacts(
            charge_point_id=self.identity,
            max_amps=MAX_AMPS,
            phases=self.phases,
            connection=self._link(connected=self.online),
            connectors=tuple(self._connector(one) for one in self.connectors),
            transactions=tuple(one for one in self.stored.values() if one.stopped_at is None),
        )

    def _event(self, kind: EventKind, **fact: Any) -> ChargePointEvent:
        return ChargePointEvent(event_id=f"evt_{kind}", kind=kind, at=self.now, **fact)

    def _link(self, *, connected: bool = True) -> ConnectionFact:
        return ConnectionFact(
            connected=connected,
            node_id=self.node_id,
            generation=self.generation,
            ocpp_version="1.6",
            at=self.now,
        )

    def _connector(self, connector: Connector) -> ConnectorFact:
        status = ConnectorStatus.AVAILABLE
        if not connector.operative:
            status = ConnectorStatus.UNAVAILABLE
        elif connector.transaction is not None:
            resting = connector.vehicle is not None and connector.vehicle.resting
            status = ConnectorStatus.SUSPENDED_EV if resting else ConnectorStatus.CHARGING
        return ConnectorFact(
            connector_id=connector.number, status=status, error_code="NoError", at=self.now
        )


def make_chargers(random: Random) -> list[Charger]:
    """A mixed fleet: thirty-five charge points, of which five have two connectors, some one phase.

    Which firmware is where differs; one never answers anything.
    """
    kinds = [set(_FIRMWARE[number % len(_FIRMWARE)]) for number in range(34)]
    kinds.append({Fault.SILENT})
    random.shuffle(kinds)
    chargers = []
    for number, faults in enumerate(kinds):
        one_phase = 5 <= number < 14
        chargers.append(
            Charger(
                identity=f"cp_{number:02}",
                random=random,
                hardware=_ONE_PHASE if one_phase else _THREE_PHASES,
                phases=(tuple(Phase)[number % 3],) if one_phase else tuple(Phase),
                clock_is_behind=timedelta(seconds=90) if number % 5 == 0 else timedelta(),
                connectors=[Connector(number=n + 1) for n in range(2 if number < 5 else 1)],
                node_id=f"node_{number % _NODES}",
                faults=faults,
            )
        )
    return chargers
