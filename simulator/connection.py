"""The life of a charge point's connection: dial, converse, hang up, come back."""

import asyncio
from contextlib import suppress

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from simulator.actions import routing
from simulator.delivery import deliver
from simulator.dialling import Address, DialError, dial
from simulator.events import EventKind
from simulator.fault import Fault
from simulator.frames import Call
from simulator.hardware import Hardware
from simulator.link import Answer, Link
from simulator.power import Downtime
from simulator.station import Station

FIRST_BACKOFF_SECONDS = 0.5
LONGEST_BACKOFF_SECONDS = 30.0
MAX_DOUBLINGS = 10
SHORTEST_PAUSE_SECONDS = 0.01


class Connection:
    """Keeps a station connected for as long as `run` runs."""

    def __init__(
        self, station: Station, address: Address, *, latency: float, call_timeout: float
    ) -> None:
        self._station = station
        self._address = address
        self._latency = latency
        self._call_timeout = call_timeout
        self._socket: ClientConnection | None = None
        self._downtime: Downtime | None = None
        self._failures = 0
        self._closing: set[asyncio.Task[None]] = set()
        self.hardware = Hardware(station, hang_up=self.hang_up, use_password=address.use_password)

    async def run(self) -> None:
        """Connect, and connect again for ever; ends when it is cancelled."""
        try:
            while True:
                await self._connect_once()
                await asyncio.sleep(self._pause())
        finally:
            self._station.timers.cancel_all()
            self._station.link_lost()

    def hang_up(self, downtime: Downtime) -> None:
        """End the connection, if there is one, and stay away for a while."""
        self._downtime = downtime
        if self._socket is None:
            return
        if not downtime.politely:
            self._socket.transport.abort()
            return
        task = asyncio.create_task(self._socket.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _connect_once(self) -> None:
        station = self._station
        self._downtime = None
        try:
            ping = station.configuration.integer("WebSocketPingInterval")
            socket = await dial(self._address, ping_seconds=ping)
        except DialError as error:
            self._failures += 1
            station.events.emit(error.kind, str(error))
            return
        self._failures = 0
        try:
            await self._converse(socket)
        finally:
            await socket.close(CloseCode.GOING_AWAY)

    async def _converse(self, socket: ClientConnection) -> None:
        station = self._station
        link = Link(socket, self._answer, latency=self._latency)
        self._socket, station.online = socket, True
        station.events.emit(EventKind.CONNECTED, f"connected to {self._address.url}")
        if not station.has(Fault.SILENT):
            self.hardware.registration.connected()
        try:
            async with asyncio.TaskGroup() as group:
                sender = group.create_task(deliver(self.hardware, link, within=self._call_timeout))
                with suppress(ConnectionClosed):
                    await link.read()
                sender.cancel()
        finally:
            self._socket = None
            station.link_lost()
            station.events.emit(EventKind.DISCONNECTED, f"connection closed {_why(socket)}")

    def _answer(self, call: Call) -> Answer | None:
        return routing.answer(self.hardware, call)

    def _pause(self) -> float:
        timers = self._station.timers
        if self._downtime is not None:
            return timers.scaled(self._downtime.seconds, floor=SHORTEST_PAUSE_SECONDS)
        backoff = FIRST_BACKOFF_SECONDS * 2 ** min(self._failures, MAX_DOUBLINGS)
        jitter = self._station.random.uniform(0.8, 1.2)
        seconds = min(backoff, LONGEST_BACKOFF_SECONDS) * jitter
        return timers.scaled(seconds, floor=SHORTEST_PAUSE_SECONDS)


def _why(socket: ClientConnection) -> str:
    code, reason = socket.close_code, socket.close_reason
    if code is None:
        return "by the charge point"
    return f"with code {code}" + (f": {reason}" if reason else "")
