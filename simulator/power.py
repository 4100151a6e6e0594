"""Going down and coming up again: resets, power cycles, lost connections."""

from collections.abc import Callable
from dataclasses import dataclass

from simulator.charging import Charging
from simulator.events import EventKind
from simulator.fault import Fault
from simulator.registration import Registration
from simulator.station import Station
from simulator.words import Reason

RESET_GRACE_SECONDS = 1.0
BOOT_LOOP_SECONDS = 1.0
DROP_AFTER_SECONDS = 1.0
DROP_FOR_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Downtime:
    """Why the connection is to end, and for how long it stays away (before `speed`)."""

    seconds: float
    politely: bool
    """With a closing handshake, not by pulling the plug."""


@dataclass(eq=False)
class Power:
    """Takes the station off the network, and restarts it."""

    station: Station
    registration: Registration
    charging: Charging
    hang_up: Callable[[Downtime], None]
    _dropped: bool = False
    _loops: bool = False

    def reset(self, *, hard: bool) -> None:
        """Answer Reset: end the transactions, tell so, then restart (section 5.14)."""
        station = self.station
        station.events.emit(EventKind.RESET, f"{'hard' if hard else 'soft'} reset")
        for connector in station.outlets:
            self.charging.stop(connector, Reason.HARD_RESET if hard else Reason.SOFT_RESET)
        station.timers.after("restart", RESET_GRACE_SECONDS, lambda: self.restart(politely=True))

    def cycle(self) -> None:
        """Cut the power and give it back."""
        self.station.events.emit(EventKind.RESET, "power cycle")
        self.restart(politely=False)

    def restart(self, *, politely: bool) -> None:
        """Go down with all that is volatile, and boot with the next connection."""
        station = self.station
        for connector in station.outlets:
            self.charging.stop(connector, Reason.POWER_LOSS)
            connector.authorized = None
            connector.finished = False
            if connector.plugged_by_itself:
                connector.plugged = connector.plugged_by_itself = False
        station.timers.cancel_all()
        if station.has(Fault.FORGETS_PROFILES):
            station.charging_profiles.clear({})
        if station.has(Fault.FORGETS_LIST):
            station.known_tags.clear_list()
        station.firmware_status = "Idle"
        station.configuration.reboot()
        self.registration.powered_up()
        if politely and station.has(Fault.RESTARTS_ON_ITS_LINK):
            station.outbox.drop_volatile()
            station.timers.after("boot", station.profile.reboot_seconds, self.registration.boot)
        else:
            self.hang_up(Downtime(seconds=station.profile.reboot_seconds, politely=politely))
        if self._loops:
            self._restart_after(station.profile.reboot_seconds + BOOT_LOOP_SECONDS)

    def boot_loop(self) -> None:
        """Restart now and soon after each boot, for as long as the fault lasts."""
        self._loops = self.station.has(Fault.BOOT_LOOPS_ON_KEY)
        if self._loops:
            self._restart_after(BOOT_LOOP_SECONDS)

    def end_boot_loop(self) -> None:
        """Boot like any other from now on."""
        self._loops = False
        self.station.timers.cancel("restart")

    def transaction_began(self) -> None:
        """Do what goes wrong soon after."""
        station = self.station
        if station.has(Fault.DROPS_MID_TRANSACTION) and not self._dropped:
            self._dropped = True
            drop = Downtime(seconds=DROP_FOR_SECONDS, politely=False)
            station.timers.after("drop", DROP_AFTER_SECONDS, lambda: self.hang_up(drop))
        if station.has(Fault.RESTARTS_MID_TRANSACTION):
            self._restart_after(DROP_AFTER_SECONDS)
        if station.has(Fault.FAULTS_MID_TRANSACTION):
            station.timers.after("fault", DROP_AFTER_SECONDS, self._break)

    def _break(self) -> None:
        first = self.station.connectors[1]
        first.faulted = True
        self.station.report(first)

    def _restart_after(self, seconds: float) -> None:
        self.station.timers.after("restart", seconds, lambda: self.restart(politely=False))
