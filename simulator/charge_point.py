"""A virtual charge point: OCPP 1.6J over a real WebSocket, as hardware speaks it."""

import asyncio
import ssl
import zlib
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from simulator.actions import routing
from simulator.connector import Connector, Transaction
from simulator.delivery import deliver
from simulator.dialling import Address, DialError, dial
from simulator.events import EventKind, Events, Listener
from simulator.fault import Fault
from simulator.frames import Call
from simulator.hardware import assemble
from simulator.link import Answer, Link
from simulator.power import Downtime
from simulator.profile import ABB_TERRA_AC_W22, Profile
from simulator.registration import RegistrationStatus
from simulator.station import OLD_FIRMWARE, Station
from simulator.words import ChargePointStatus, Reason

FIRST_BACKOFF_SECONDS = 0.5
LONGEST_BACKOFF_SECONDS = 30.0
SHORTEST_PAUSE_SECONDS = 0.01


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
        self._latency = latency
        self._call_timeout = call_timeout
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
        self._hardware = assemble(
            self._station, hang_up=self._hang_up, use_password=self.address.use_password
        )
        self._socket: ClientConnection | None = None
        self._downtime: Downtime | None = None
        self._failures = 0
        self._closing: set[asyncio.Task[None]] = set()

    # --- what an observer sees -------------------------------------------------------------

    @property
    def identity(self) -> str:
        """The last segment of the URL's path, percent-decoded."""
        return self.address.identity

    @property
    def serial(self) -> str:
        """Its serial number."""
        return self._station.serial

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
    def received(self) -> Counter[str]:
        """Calls of the central system, by action."""
        return self._station.received

    @property
    def sent(self) -> Counter[str]:
        """Calls that it made, by action; each attempt counts."""
        return self._station.sent

    @property
    def remote_starts(self) -> int:
        """How many RemoteStartTransaction it received."""
        return self.received["RemoteStartTransaction"]

    @property
    def resets(self) -> int:
        """How many Reset it received."""
        return self.received["Reset"]

    @property
    def id_tags(self) -> Counter[str]:
        """How often each id tag came in a RemoteStartTransaction."""
        return self._station.id_tags

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

    def configuration(self, key: str) -> str:
        """Return the value in force of a configuration key."""
        return self._station.configuration.text(key)

    async def until(self, condition: Callable[[], bool], *, within: float = 10.0) -> None:
        """Wait until a condition on this charge point holds, or raise TimeoutError."""
        await self.events.until(condition, within)

    # --- what a person on site does --------------------------------------------------------

    def plug_in(self, connector: int = 1) -> None:
        """Plug a vehicle into a connector."""
        self._hardware.charging.plug_in(self._connector(connector))

    def unplug(self, connector: int = 1) -> None:
        """Unplug the vehicle, which ends its transaction."""
        self._hardware.charging.unplug(self._connector(connector))

    def present_card(self, id_tag: str, connector: int = 1) -> None:
        """Hold a card before the reader: it begins a transaction, or ends its own.

        While offline a card is believed, as hardware does.
        """
        self._hardware.charging.present_card(self._connector(connector), id_tag)

    def add_fault(self, fault: Fault) -> None:
        """Break something."""
        self._station.faults.add(fault)
        self._apply(fault, present=True)

    def clear_fault(self, fault: Fault) -> None:
        """Repair something; a fault that it does not have is no error."""
        self._station.faults.discard(fault)
        self._apply(fault, present=False)

    def power_cycle(self) -> None:
        """Cut its power and give it back."""
        self._hardware.power.cycle()

    # --- the connection --------------------------------------------------------------------

    async def run(self) -> None:
        """Connect, and connect again for ever; ends when it is cancelled."""
        try:
            while True:
                await self._connect_once()
                await asyncio.sleep(self._pause())
        finally:
            self._station.timers.cancel_all()
            self._station.link_lost()

    async def _connect_once(self) -> None:
        station = self._station
        self._downtime = None
        try:
            ping = station.configuration.integer("WebSocketPingInterval")
            socket = await dial(self.address, ping_seconds=ping)
        except DialError as error:
            self._failures += 1
            station.events.emit(error.kind, str(error))
            return
        self._failures = 0
        async with socket:
            await self._converse(socket)

    async def _converse(self, socket: ClientConnection) -> None:
        station = self._station
        link = Link(socket, self._answer, latency=self._latency)
        self._socket, station.online = socket, True
        station.events.emit(EventKind.CONNECTED, f"connected to {self.address.url}")
        if not station.has(Fault.SILENT):
            self._hardware.registration.connected()
        try:
            async with asyncio.TaskGroup() as group:
                sender = group.create_task(deliver(self._hardware, link, within=self._call_timeout))
                with suppress(ConnectionClosed):
                    await link.read()
                sender.cancel()
        finally:
            self._socket = None
            station.link_lost()
            station.events.emit(EventKind.DISCONNECTED, f"connection closed {_why(socket)}")

    def _answer(self, call: Call) -> Answer | None:
        return routing.answer(self._hardware, call)

    def _hang_up(self, downtime: Downtime) -> None:
        self._downtime = downtime
        if self._socket is None:
            return
        if not downtime.politely:
            self._socket.transport.abort()
            return
        task = asyncio.create_task(self._socket.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _pause(self) -> float:
        timers = self._station.timers
        if self._downtime is not None:
            return timers.scaled(self._downtime.seconds, floor=SHORTEST_PAUSE_SECONDS)
        backoff = FIRST_BACKOFF_SECONDS * 2 ** min(self._failures, 10)
        jitter = self._station.random.uniform(0.8, 1.2)
        seconds = min(backoff, LONGEST_BACKOFF_SECONDS) * jitter
        return timers.scaled(seconds, floor=SHORTEST_PAUSE_SECONDS)

    def _connector(self, number: int) -> Connector:
        connector = self._station.connector(number)
        if connector is None:
            raise LookupError(f"{self.identity} has no connector {number}")
        return connector

    def _apply(self, fault: Fault, *, present: bool) -> None:
        match fault:
            case Fault.CONNECTOR_FAULTED:
                self._connector(1).faulted = present
                if present:
                    self._hardware.charging.stop(self._connector(1), Reason.OTHER)
            case Fault.STATION_FAULTED:
                self._connector(0).faulted = present
            case Fault.CONNECTOR_UNAVAILABLE:
                self._connector(1).operative = not present
            case Fault.OLD_FIRMWARE:
                self._station.firmware = OLD_FIRMWARE if present else self._station.profile.firmware
            case Fault.SILENT if not present:
                self._hang_up(Downtime(seconds=0, politely=True))
            case Fault.BOOT_LOOPS_ON_KEY if not present:
                self._hardware.power.end_boot_loop()
            case Fault.CABLE_PLUGGED if present:
                self.plug_in()
            case Fault.CABLE_PLUGGED:
                self.unplug()
            case _:
                pass
        self._station.report_all()


def _why(socket: ClientConnection) -> str:
    code, reason = socket.close_code, socket.close_reason
    if code is None:
        return "by the charge point"
    return f"with code {code}" + (f": {reason}" if reason else "")
