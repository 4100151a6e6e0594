"""The charge points of the simulated day: they hold real profiles, and answer, or do not."""

from collections.abc import Iterator, Sequence
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
from domain.power.site import NOMINAL_VOLTAGE, Phase
from domain.states import ConnectorStatus
from ocpp_server.calls import CallTimeoutError
from simulator.profile import ABB_TERRA_AC_W22, Profile
from simulator.smart_charging import MAX_STACK_LEVEL, ChargingProfiles

_MAX_AMPS = 32
_THREE_PHASES = replace(ABB_TERRA_AC_W22, max_power_w=22_080)
_ONE_PHASE = replace(ABB_TERRA_AC_W22, max_power_w=7_360, phases=1)
_EPOCH = datetime.fromisoformat("2026-01-01T00:00:00Z")


@dataclass(kw_only=True)
class Connector:
    """A connector, and the vehicle at it."""

    number: int
    transaction: TransactionFact | None = None
    leaves_at: datetime = _EPOCH
    phases: int = 3
    resting: bool = False
    """The vehicle draws nothing by itself."""
    operative: bool = True

    def amps(self, charger: "Charger") -> float:
        """What the vehicle draws of each phase that it uses: all that the profiles let it."""
        if self.transaction is None or self.resting:
            return 0.0
        used = min(self.phases, charger.hardware.phases)
        watts = charger.profiles.limit_w(self.number, charger.clock, charger.clock, phases=used)
        return watts / (NOMINAL_VOLTAGE * used)


@dataclass(kw_only=True)
class Charger:
    """One charge point, and its side of the socket: implements what is used of a session."""

    identity: str
    random: Random
    hardware: Profile
    phases: tuple[Phase, ...]
    takes_amperes: bool
    clock_is_behind: timedelta
    connectors: Sequence[Connector]
    now: datetime = _EPOCH
    online: bool = True
    generation: int = 1
    refusing: bool = False
    untold: list[ChargePointEvent] = field(default_factory=list)
    stored: dict[int, TransactionFact] = field(default_factory=dict)
    """Transactions as the database has them: of what was told."""

    def __post_init__(self) -> None:
        self.profiles = ChargingProfiles(self.hardware)

    @property
    def clock(self) -> datetime:
        """What time it takes it for."""
        return self.now - self.clock_is_behind

    def amps(self) -> Iterator[tuple[Phase, float]]:
        """What its vehicles draw of each phase. One on one phase is on the first.

        It shares among its connectors what its cable carries.
        """
        drawn = [connector.amps(self) for connector in self.connectors]
        share = min(1.0, _MAX_AMPS / max(sum(drawn), 1.0))
        for connector, amps in zip(self.connectors, drawn, strict=True):
            used = min(connector.phases, self.hardware.phases)
            for phase in self.phases[:used]:
                yield phase, amps * share

    # What is asked of it

    async def call(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Answer, or lose the question, or the answer."""
        fate = self.random.random()
        if not self.online or fate < 0.01:
            raise CallTimeoutError("no answer")
        answer = self._answer(action, payload)
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
                number, seconds = payload["connectorId"], payload["duration"]
                periods = self.profiles.composite(number, self.clock, seconds)
                schedule = {"chargingRateUnit": "W", "chargingSchedulePeriod": periods}
                return {"status": "Accepted", "chargingSchedule": schedule}

    def _install(self, payload: dict[str, Any]) -> str:
        number, profile = payload["connectorId"], payload["csChargingProfiles"]
        unit = profile["chargingSchedule"]["chargingRateUnit"]
        if self.refusing or (unit == "A" and not self.takes_amperes):
            return "Rejected"
        charges = any(one.number == number and one.transaction for one in self.connectors)
        return self.profiles.install(number, profile, transaction=charges)

    # What happens to it

    def lost(self) -> ChargePointEvent:
        """What the node says of a link that is about to break."""
        return self._event(EventKind.DISCONNECTED, connection=self._link(connected=False))

    def come_back(self) -> ChargePointEvent:
        self.online, self.generation = True, self.generation + 1
        return self._event(EventKind.CONNECTED, connection=self._link())

    def refuse(self) -> None:
        """Take no profile any more."""
        self.refusing = True

    def restart(self, *, forgets: bool) -> Iterator[ChargePointEvent]:
        for connector in self.connectors:
            if connector.transaction is not None:
                yield self.end(connector)
        if forgets:
            self.profiles.clear({})
        yield self._event(EventKind.BOOT)

    def begin(
        self, connector: Connector, number: int, stay: timedelta, phases: int
    ) -> ChargePointEvent:
        connector.transaction = TransactionFact(
            transaction_id=number,
            connector_id=connector.number,
            id_tag="CARD",
            started_at=self.now,
            meter_start=0,
        )
        connector.leaves_at, connector.phases, connector.resting = self.now + stay, phases, False
        return self._event(EventKind.TRANSACTION_STARTED, transaction=connector.transaction)

    def end(self, connector: Connector) -> ChargePointEvent:
        assert connector.transaction is not None
        stopped = replace(connector.transaction, stopped_at=self.now)
        connector.transaction = None
        self.profiles.end_transaction(connector.number)
        return self._event(EventKind.TRANSACTION_STOPPED, transaction=stopped)

    def rest(self, connector: Connector) -> ChargePointEvent:
        """The vehicle is full, or goes on."""
        connector.resting = not connector.resting
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
                self.stored[one.transaction.transaction_id] = one.transaction
        return told

    def facts(self, now: datetime) -> StationFacts:
        self.now = now
        return StationFacts(
            charge_point_id=self.identity,
            max_amps=_MAX_AMPS,
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
            node_id="node_1",
            generation=self.generation,
            ocpp_version="1.6",
            at=self.now,
        )

    def _connector(self, connector: Connector) -> ConnectorFact:
        status = ConnectorStatus.AVAILABLE
        if connector.transaction is not None:
            resting = connector.resting
            status = ConnectorStatus.SUSPENDED_EV if resting else ConnectorStatus.CHARGING
        return ConnectorFact(
            connector_id=connector.number, status=status, error_code="NoError", at=self.now
        )


def make_chargers(random: Random) -> list[Charger]:
    """Thirty-five charge points: five have two connectors, some one phase, some take watts."""
    chargers = []
    for number in range(35):
        one_phase = 5 <= number < 14
        chargers.append(
            Charger(
                identity=f"cp_{number:02}",
                random=random,
                hardware=_ONE_PHASE if one_phase else _THREE_PHASES,
                phases=(tuple(Phase)[number % 3],) if one_phase else tuple(Phase),
                takes_amperes=number % 7 != 0,
                clock_is_behind=timedelta(seconds=90) if number % 5 == 0 else timedelta(),
                connectors=[Connector(number=n + 1) for n in range(2 if number < 5 else 1)],
            )
        )
    return chargers
