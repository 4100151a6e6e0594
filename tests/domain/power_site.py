"""A site of charge points that answer as they are, without Temporal, as its workflow goes about."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from domain.facts import (
    BootFact,
    ChargePointEvent,
    ConnectionFact,
    ConnectorFact,
    EventKind,
    TransactionFact,
)
from domain.operations import Reply
from domain.power.agenda import SitePace
from domain.power.facts import Carried, SiteSnapshot, StationFacts
from domain.power.operations import RateUnit, StationLimited
from domain.power.plan import higher, lower
from domain.power.site import SiteLimit
from domain.power.site_controller import SiteController
from domain.states import ConnectorStatus, RegistrationStatus

AT = datetime(2026, 6, 1, tzinfo=UTC)
BEFORE = AT - timedelta(minutes=1)


class Site:
    """Charge points that answer as they are; what each connector may draw follows from that."""

    def __init__(
        self,
        *stations: StationFacts,
        amps: float | None,
        refusing: frozenset[str] = frozenset(),
        needs_minimum: frozenset[str] = frozenset(),
        unit: RateUnit = RateUnit.AMPERES,
    ) -> None:
        self.controller = SiteController(Carried(), SitePace())
        self.refusing, self.needs_minimum, self.unit = refusing, needs_minimum, unit
        self.now = AT
        self.profiles = 0
        self.stopped: list[tuple[str, int]] = []
        self.inoperative: set[tuple[str, int]] = set()
        self.controller.load(SiteSnapshot(limit=SiteLimit(amps=amps), stations=stations), self.now)
        self.settle()

    def settle(self) -> None:
        """Do what there is to do, until there is nothing more, as the workflow does."""
        for _ in range(12):
            self._prepare()
            self._balance()
            for station in self.controller.to_take_out():
                self.controller.forget(station.charge_point_id)

    def begin(self, charge_point_id: str, connector_id: int, number: int) -> None:
        if connector_id in self.controller.stations[charge_point_id].closed:
            return  # nobody can
        self._tell(charge_point_id, connector_id, number)
        self.settle()

    def end(self, charge_point_id: str, connector_id: int, reason: str) -> None:
        number = self.controller.bays[charge_point_id, connector_id].number
        self._tell(charge_point_id, connector_id, number, reason)
        self.settle()

    def restart(self, charge_point_id: str) -> None:
        """It restarts, and keeps what is inoperative; nothing is done about it yet."""
        boot = BootFact(
            boot_id="evt",
            at=self.now,
            vendor="ABB",
            model="Terra",
            charge_point_serial=None,
            charge_box_serial=None,
            firmware_version=None,
            registration=RegistrationStatus.ACCEPTED,
        )
        event = ChargePointEvent(event_id="evt", kind=EventKind.BOOT, at=self.now, boot=boot)
        self.controller.receive(charge_point_id, event, self.now)
        for number in self.controller.stations[charge_point_id].outlets:
            shut = (charge_point_id, number) in self.inoperative
            status = ConnectorStatus.UNAVAILABLE if shut else ConnectorStatus.AVAILABLE
            connector = ConnectorFact(
                connector_id=number, status=status, error_code="NoError", at=self.now
            )
            event = ChargePointEvent(
                event_id="evt", kind=EventKind.CONNECTOR, at=self.now, connector=connector
            )
            self.controller.receive(charge_point_id, event, self.now)

    @property
    def drawn(self) -> dict[tuple[str, int], float]:
        return {bay.key: bay.bound for bay in self.controller.bays.values()}

    def _tell(
        self, charge_point_id: str, connector_id: int, number: int, reason: str | None = None
    ) -> None:
        ended = reason is not None
        transaction = TransactionFact(
            transaction_id=str(number),
            number=number,
            connector_id=connector_id,
            id_tag="CARD",
            started_at=self.now,
            meter_start=0,
            stopped_at=self.now if ended else None,
            stop_reason=reason,
        )
        kind = EventKind.TRANSACTION_STOPPED if ended else EventKind.TRANSACTION_STARTED
        event = ChargePointEvent(event_id="evt", kind=kind, at=self.now, transaction=transaction)
        self.controller.receive(charge_point_id, event, self.now)

    def _prepare(self) -> None:
        controller = self.controller
        controller.reserve(self.now)
        for station in controller.to_prepare(self.now):
            terms = controller.terms(station, self.now)
            assert terms is not None
            request = controller.request(station, terms)
            default = request.default_amps
            self.profiles += 1
            if station.charge_point_id in self.refusing:
                limited = StationLimited(reply=Reply.REJECTED, unit=self.unit, detail="Rejected")
            elif default == 0 and station.charge_point_id in self.needs_minimum:
                form = replace(station.form, unit=self.unit)
                reply = Reply.ACCEPTED if request.raises else Reply.REJECTED
                limited = StationLimited(
                    reply=reply, unit=self.unit, default_amps=float(form.least)
                )
            else:
                limited = StationLimited(reply=Reply.ACCEPTED, unit=self.unit, default_amps=default)
            controller.prepared(station, terms, limited, self.now)
        for station in controller.to_lift(self.now):
            whole = controller.lift(station).whole
            controller.lifted(station.charge_point_id, Reply.ACCEPTED, self.now, whole=whole)
        for wanted in controller.to_close(self.now):
            identity = wanted.station.charge_point_id
            for number in (*wanted.close, *wanted.open):
                operative, restarts = number in wanted.open, wanted.station.restarts
                controller.closed(
                    identity,
                    number,
                    Reply.ACCEPTED,
                    self.now,
                    operative=operative,
                    restarts=restarts,
                )
                change = set.discard if operative else set.add
                change(self.inoperative, (identity, number))
        for bay in controller.to_stop(self.now):
            self.stopped.append(bay.key)
            self._tell(*bay.key, bay.number, "Remote")

    def _balance(self) -> None:
        controller = self.controller
        controller.reserve(self.now)
        targets = controller.targets(self.now)
        for limits in (
            lower(controller.outlets(), targets),
            higher(controller.capacity, controller.outlets(), targets),
        ):
            for key, amps in limits.items():
                self.profiles += 1
                name = controller.bays[key].transaction_id
                restarts = controller.stations[key[0]].restarts
                controller.limited(key, name, amps, Reply.ACCEPTED, self.now, restarts=restarts)


def facts(
    charge_point_id: str = "cp_a", connectors: int = 1, cable: int | None = None
) -> StationFacts:
    return StationFacts(
        charge_point_id=charge_point_id,
        max_amps=cable or 32,
        declared=cable is not None,
        connection=ConnectionFact(
            connected=True, node_id="node_1", generation=1, ocpp_version="1.6", at=BEFORE
        ),
        connectors=tuple(
            ConnectorFact(
                connector_id=number,
                status=ConnectorStatus.AVAILABLE,
                error_code="NoError",
                at=BEFORE,
            )
            for number in range(1, connectors + 1)
        ),
    )
