"""Boot and heartbeat: how a charge point registers (OCPP 1.6, sections 4.2 and 4.6)."""

from enum import StrEnum

from simulator.events import EventKind
from simulator.fault import Fault
from simulator.frames import Payload
from simulator.outbox import Outgoing
from simulator.station import Station
from simulator.words import Action

DEFAULT_RETRY_SECONDS = 30.0
SHORTEST_RETRY_SECONDS = 0.2
SHORTEST_HEARTBEAT_SECONDS = 0.05


class RegistrationStatus(StrEnum):
    """The answers to a boot."""

    ACCEPTED = "Accepted"
    PENDING = "Pending"
    REJECTED = "Rejected"


class Registration:
    """Boots until it is accepted, then keeps the heartbeat."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._booted = False
        self._has_said_who_it_is = False
        self.status: RegistrationStatus | None = None

    def powered_up(self) -> None:
        """Forget the registration: the next connection begins with a boot."""
        self._booted = False
        self._has_said_who_it_is = False
        self._station.accepted = False
        self.status = None

    def connected(self) -> None:
        """Register, or take up again where the connection was lost."""
        station = self._station
        reboots = station.profile.boots_on_reconnect and not station.has(Fault.NO_BOOT_ON_RECONNECT)
        if self._booted and not reboots:
            station.report_all()
            self._beat_later()
        else:
            station.accepted = False
            self.boot()

    def boot(self) -> None:
        """Queue a BootNotification."""
        if self._has_said_who_it_is and self._station.has(Fault.BOOTS_ONCE):
            return
        self._has_said_who_it_is = True
        self._station.timers.cancel("boot")
        self._station.outbox.add(
            Outgoing(
                Action.BOOT_NOTIFICATION,
                self._name_plate,
                on_reply=self._answered,
                on_failure=self._retry_later,
                before_accepted=True,
            )
        )

    def heartbeat(self, *, triggered: bool = False) -> None:
        """Queue a Heartbeat."""
        if self._station.has(Fault.NO_HEARTBEAT):
            return
        self._station.outbox.add(Outgoing(Action.HEARTBEAT, dict, before_accepted=triggered))

    def interval_changed(self) -> None:
        """Count the heartbeat interval anew."""
        if self._station.accepted:
            self._beat_later()

    def _name_plate(self) -> Payload:
        station = self._station
        profile = station.profile
        in_box = profile.serial_in_charge_box
        return {
            "chargePointVendor": profile.vendor,
            "chargePointModel": profile.model,
            "chargeBoxSerialNumber" if in_box else "chargePointSerialNumber": station.serial,
            "firmwareVersion": station.firmware,
        }

    def _answered(self, reply: Payload) -> None:
        station = self._station
        interval = reply.get("interval")
        seconds = interval if isinstance(interval, int) and interval > 0 else 0
        status = reply.get("status")
        self.status = (
            RegistrationStatus(status)
            if status in list(RegistrationStatus)
            else RegistrationStatus.REJECTED
        )
        station.events.emit(EventKind.BOOT, f"boot {self.status.lower()}")
        if self.status is not RegistrationStatus.ACCEPTED:
            self._retry_later(seconds or DEFAULT_RETRY_SECONDS)
            if self.status is RegistrationStatus.PENDING and station.profile.status_while_pending:
                station.report_all()
            return
        if seconds:
            station.configuration.override("HeartbeatInterval", str(seconds))
        self._booted = True
        station.accepted = True
        # The central system may have forgotten everything: after a boot all is reported anew.
        for connector in station.connectors:
            connector.announced = connector.confirmed = None
        station.report_all()
        station.outbox.wake()
        self._beat_later()

    def _retry_later(self, seconds: float = DEFAULT_RETRY_SECONDS) -> None:
        self._station.timers.after("boot", seconds, self._retry, floor=SHORTEST_RETRY_SECONDS)

    def _retry(self) -> None:
        if self._station.online and not self._station.accepted:
            self.boot()

    def _beat_later(self) -> None:
        seconds = self._station.configuration.integer("HeartbeatInterval")
        if seconds == 0:
            self._station.timers.cancel("heartbeat")
        else:
            self._station.timers.after(
                "heartbeat", seconds, self._beat, floor=SHORTEST_HEARTBEAT_SECONDS
            )

    def _beat(self) -> None:
        if self._station.online and self._station.accepted:
            self.heartbeat()
            self._beat_later()
