"""The electronics of one virtual charge point: its parts and its state, without a socket."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from simulator.configuration import Configuration
from simulator.connector import Connector, Transaction
from simulator.events import EventKind, Events
from simulator.fault import Fault
from simulator.frames import Call, Payload
from simulator.known_tags import KnownTags
from simulator.meter import Meter
from simulator.outbox import Outbox, Outgoing
from simulator.profile import Profile
from simulator.smart_charging import ChargingProfiles
from simulator.timers import Timers
from simulator.words import Action, ChargePointStatus

OLD_FIRMWARE = "1.2.0"
UNAVAILABLE = {Fault.CONNECTOR_UNAVAILABLE, Fault.STAYS_UNAVAILABLE}
FAULTED = {Fault.CONNECTOR_FAULTED, Fault.ODD_ERROR_CODE}
LIST_IS_OFF = {Fault.LIST_SWITCHED_OFF, Fault.LIST_STAYS_OFF, Fault.LIST_AFTER_REBOOT}
HAS_NO_LIST = {Fault.NO_LOCAL_LIST, Fault.LACKS_LISTS}
CLOCK_SKEWS = {
    Fault.CLOCK_SKEWED: timedelta(hours=2),
    Fault.CLOCK_BEHIND: timedelta(seconds=-90),
}
EFFECTS = {"RemoteStartTransaction", "Reset", "UpdateFirmware"}
FIRST_REGISTER_WH = (10_000, 500_000)
FAULTED_DETAILS: Payload = {
    "errorCode": "GroundFailure",
    "info": "Residual current monitor tripped",
    "vendorErrorCode": "E-1042",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """A command with an effect that came. ``id_tag`` is that of a RemoteStartTransaction."""

    action: str
    at: datetime
    id_tag: str | None = None


class Station:
    """What the handlers of the messages work on."""

    def __init__(
        self,
        *,
        profile: Profile,
        serial: str,
        faults: Iterable[Fault],
        speed: float,
        seed: int,
        events: Events,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.profile = profile
        self.serial = serial
        self.faults = set(faults)
        self.firmware = OLD_FIRMWARE if self.has(Fault.OLD_FIRMWARE) else profile.firmware
        self.random = random.Random(seed)  # noqa: S311 - noise of a meter, and no secret
        self.clock = clock
        self.timers = Timers(speed)
        self.outbox = Outbox()
        self.events = events
        self.configuration = Configuration(profile)
        if self.has(Fault.TAKES_AMPERES):
            self.configuration.override("ChargingScheduleAllowedChargingRateUnit", "Current")
        self.take_faults_of_its_list()
        self.known_tags = KnownTags(self.configuration, self.faults)
        self.charging_profiles = ChargingProfiles(profile)
        self.connectors = [self._connector(number) for number in range(profile.connectors + 1)]
        self.online = False
        self.accepted = False
        self.received: Counter[str] = Counter()
        self.commands: list[Received] = []
        self.sent: Counter[str] = Counter()
        self.id_tags: Counter[str] = Counter()
        self.firmware_status = "Idle"
        self.diagnostics_status = "Idle"

    def take_faults_of_its_list(self) -> None:
        """Have the configuration that faults of the local list go with."""
        if not self.faults.isdisjoint(LIST_IS_OFF):
            self.configuration.override("LocalAuthListEnabled", "false")
        if self.has(Fault.LIST_STAYS_OFF):
            self.configuration.make_read_only("LocalAuthListEnabled")
        if not self.faults.isdisjoint(HAS_NO_LIST):
            self.configuration.have_no_local_list()

    def _connector(self, number: int) -> Connector:
        register = float(self.random.randrange(*FIRST_REGISTER_WH))
        connector = Connector(id=number, meter=Meter(register, self.clock))
        if number == 0:
            connector.faulted = Fault.STATION_FAULTED in self.faults
        elif number == 1:
            connector.faulted = not self.faults.isdisjoint(FAULTED)
            connector.operative = self.faults.isdisjoint(UNAVAILABLE)
            connector.plugged = Fault.CABLE_PLUGGED in self.faults
        return connector

    def has(self, fault: Fault) -> bool:
        """Whether it has a fault now."""
        return fault in self.faults

    def connector(self, number: object) -> Connector | None:
        """Return connector `number`, 0 being the station, or None when there is none."""
        if isinstance(number, int) and 0 <= number < len(self.connectors):
            return self.connectors[number]
        return None

    @property
    def outlets(self) -> list[Connector]:
        """The connectors that a vehicle can be plugged into."""
        return self.connectors[1:]

    @property
    def transactions(self) -> list[Transaction]:
        """The transactions that run now."""
        return [one.transaction for one in self.outlets if one.transaction is not None]

    def now(self, when: float | None = None) -> datetime:
        """Return an instant, or now, by its own clock, in UTC."""
        skews = (skew for fault, skew in CLOCK_SKEWS.items() if self.has(fault))
        skew = sum(skews, timedelta())
        return datetime.fromtimestamp(self.clock() if when is None else when, UTC) + skew

    def timestamp(self, when: float | None = None) -> str:
        """Return an instant, or now, by its own clock, as OCPP writes it."""
        return self.now(when).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def report(self, connector: Connector, *, triggered: bool = False) -> None:
        """Queue a StatusNotification if the status is news, or was asked for (section 4.9)."""
        self._share_outlet(connector)
        status = connector.status
        self.events.changed()
        if not triggered:
            may_report = self.accepted or self.profile.status_while_pending
            if status is connector.announced or not self.online or not may_report:
                return
            if self.has(Fault.SILENT_CONNECTORS):
                return
        if status is not connector.announced:
            self.events.emit(EventKind.STATUS, f"connector {connector.id} is {status}")
        connector.announced = status
        payload: Payload = {
            "connectorId": connector.id,
            "status": status,
            "errorCode": "NoError",
            "timestamp": self.timestamp(),
        }
        if status is ChargePointStatus.FAULTED:
            payload |= FAULTED_DETAILS | {"vendorId": self.profile.vendor}

        def confirmed(_reply: Payload) -> None:
            connector.confirmed = status

        self.outbox.add(
            Outgoing(
                Action.STATUS_NOTIFICATION,
                lambda: payload,
                on_reply=confirmed,
                before_accepted=triggered or self.profile.status_while_pending,
            )
        )

    def _share_outlet(self, used: Connector) -> None:
        """Block the other connectors for as long as this one uses the outlet that they share."""
        if not self.profile.shared_outlet or used.id == 0 or used.blocked:
            return
        for other in self.outlets:
            if other is not used and other.blocked is not used.in_use:
                other.blocked = used.in_use
                self.report(other)

    def report_all(self) -> None:
        """Report each status that the central system does not know."""
        for connector in self.connectors:
            self.report(connector)

    def link_lost(self) -> None:
        """Forget what was underway on the connection that is gone."""
        self.online = False
        self.outbox.drop_volatile()
        for connector in self.connectors:
            connector.announced = connector.confirmed
        self.events.changed()


def received(call: Call) -> list[Received]:
    """Say what arrived; nothing of a call without an effect."""
    if call.action not in EFFECTS:
        return []
    id_tag = call.payload.get("idTag") if isinstance(call.payload, dict) else None
    return [Received(action=call.action, at=datetime.now(UTC), id_tag=id_tag)]
