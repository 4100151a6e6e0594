"""A virtual charge point: OCPP 1.6J over a real WebSocket, as hardware speaks it."""

import ssl
import zlib
from collections.abc import Callable
from enum import StrEnum

from simulator import repairs
from simulator.connection import Connection
from simulator.connector import Connector, Transaction
from simulator.dialling import Address
from simulator.events import Events, Listener
from simulator.fault import Fault
from simulator.profile import ABB_TERRA_AC_W22, Profile
from simulator.registration import RegistrationStatus
from simulator.station import Station
from simulator.words import ChargePointStatus


class State(StrEnum):
    """Where a charge point stands with its central system."""

    OFFLINE = "offline"
    BOOTING = "booting"
    PENDING = "pending"
    REJECTED = "rejected"
    ACCEPTED = "accepted"


class VirtualChargePoint:
    """One virtual charge point, and the hands of a person who stands before it.

    `url` ends with its identity. `speed` shortens every wait of the charge point (intervals,
    reboots, back-off); energy and timestamps stay real. `latency` is how many seconds it takes to
    look at each inbound frame. `password` is for Basic auth, the user name being the identity.
    """

    def __init__(
        self,
        profile: Profile = ABB_TERRA_AC_W22,
        url: str = "",
        *,
        faults: frozenset[Fault] = frozenset(),
        speed: float = 1.0,
        latency: float = 0.0,
        password: str | bytes | None = None,
        serial: str | None = None,
        seed: int | None = None,
        call_timeout: float = 30.0,
        tls: ssl.SSLContext | None = None,
        listener: Listener | None = None,
    ) -> None:
        self.address = Address(url, password=password, tls=tls)
        seed = zlib.crc32(self.identity.encode()) if seed is None else seed
        self.events = Events(self.identity, listener)
        self._station = Station(
            profile=profile,
            serial=serial or f"SN-{seed % 100_000_000:08d}",
            faults=faults,
            speed=speed,
            seed=seed,
            events=self.events,
        )
        self._connection = Connection(
            self._station, self.address, latency=latency, call_timeout=call_timeout
        )
        self._hardware = self._connection.hardware
        self.serial = self._station.serial
        """Its serial number."""
        self.received = self._station.received
        """Calls of the central system, by action."""
        self.commands = self._station.commands
        """Each remote start, reset and firmware update that it received, in order."""
        self.sent = self._station.sent
        """Calls that it made, by action; each attempt counts."""
        self.id_tags = self._station.id_tags
        """How often each id tag came in a RemoteStartTransaction."""
        self.profile = self._station.profile
        """Which model it is."""

    # --- what an observer sees -------------------------------------------------------------

    @property
    def identity(self) -> str:
        """The last segment of the URL's path, percent-decoded."""
        return self.address.identity

    @property
    def firmware(self) -> str:
        """The firmware that runs now."""
        return self._station.firmware

    @property
    def faults(self) -> frozenset[Fault]:
        """The faults that it has now."""
        return frozenset(self._station.faults)

    @property
    def connected(self) -> bool:
        """Whether its socket is open."""
        return self._station.online

    @property
    def state(self) -> State:
        """Where it stands with its central system."""
        if not self._station.online:
            return State.OFFLINE
        status = self._hardware.registration.status
        if self._station.accepted:
            return State.ACCEPTED
        if status is RegistrationStatus.PENDING:
            return State.PENDING
        return State.REJECTED if status is RegistrationStatus.REJECTED else State.BOOTING

    @property
    def remote_starts(self) -> int:
        """How many RemoteStartTransaction it received."""
        return self.received["RemoteStartTransaction"]

    @property
    def resets(self) -> int:
        """How many Reset it received."""
        return self.received["Reset"]

    @property
    def listed(self) -> list[str]:
        """The id tags of its local list, in lower case."""
        return self._station.known_tags.listed

    @property
    def transactions(self) -> list[Transaction]:
        """The transactions that run now."""
        return self._station.transactions

    def status(self, connector: int) -> ChargePointStatus:
        """Return the status of a connector; 0 is the station."""
        return self._connector(connector).status

    def register_wh(self, connector: int = 1) -> float:
        """Return the true energy register of a connector, without rounding or faults."""
        return self._connector(connector).meter.register_wh

    def power_w(self, connector: int = 1) -> float:
        """Return the power that flows on a connector now."""
        return self._connector(connector).meter.power_w

    def amps(self, connector: int = 1) -> float:
        """Return the current that flows now on each phase that the vehicle uses."""
        profile = self.profile
        there = 1 if profile.direct_current else profile.phases
        used = min(self._connector(connector).vehicle_phases or there, there)
        return self.power_w(connector) / (profile.voltage * used)

    def configuration(self, key: str) -> str:
        """Return the value in force of a configuration key."""
        return self._station.configuration.text(key)

    async def until(self, condition: Callable[[], bool], *, within: float = 90.0) -> None:
        """Wait until a condition on this charge point holds, or raise TimeoutError."""
        await self.events.until(condition, within)

    # --- what a person on site does --------------------------------------------------------

    def plug_in(self, connector: int = 1, *, phases: int | None = None) -> None:
        """Plug a vehicle into a connector; it uses so many phases, or all there are."""
        self._hardware.charging.plug_in(self._connector(connector), phases=phases)

    def unplug(self, connector: int = 1) -> None:
        """Unplug the vehicle, which ends its transaction."""
        self._hardware.charging.unplug(self._connector(connector))

    def present_card(self, id_tag: str, connector: int = 1) -> None:
        """Hold a card before the reader: it begins a transaction, or ends its own.

        While offline it counts whether the charge point knows the card by itself.
        """
        self._hardware.charging.present_card(self._connector(connector), id_tag)

    def add_fault(self, fault: Fault) -> None:
        """Break something."""
        repairs.add(self._hardware, fault)

    def clear_fault(self, fault: Fault) -> None:
        """Repair something; a fault that it does not have is no error."""
        repairs.clear(self._hardware, fault)

    def install_firmware(self, version: str) -> None:
        """Update it as its vendor's app does: it restarts with the new version."""
        self._hardware.maintenance.install(version)
        self._hardware.power.cycle()

    def set_back(self, key: str, value: str) -> None:
        """Set a configuration key in its own menu, which ends a boot loop that began with it."""
        self._hardware.power.end_boot_loop()
        self._station.configuration.override(key, value)

    def hasten_meters(self, pace: float) -> None:
        """Let the energy registers count so many times as fast, as if sessions were as long."""
        for connector in self._station.outlets:
            connector.meter.pace = pace

    def power_cycle(self) -> None:
        """Cut its power and give it back."""
        self._hardware.power.cycle()

    # --- the connection --------------------------------------------------------------------

    async def run(self) -> None:
        """Connect, and connect again for ever; ends when it is cancelled."""
        await self._connection.run()

    def _connector(self, number: int) -> Connector:
        connector = self._station.connector(number)
        if connector is None:
            raise LookupError(f"{self.identity} has no connector {number}")
        return connector
