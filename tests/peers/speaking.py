"""A charge point on the `ocpp` package's own ``ChargePoint``: what it says by itself."""

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from ocpp.messages import MessageType
from ocpp.v16 import ChargePoint as Stack
from ocpp.v16 import call
from websockets.exceptions import ConnectionClosed

from tests.peers.hardware import LEAST_AMPS, Outlet, Session, Station, now


def tell(event: str, **facts: Any) -> None:
    """Say on stdout what happened."""
    sys.stdout.write(json.dumps({"event": event, **facts}) + "\n")
    sys.stdout.flush()


class Speaking(Stack):  # type: ignore[misc]
    """What it says by itself, from one connection to the next; it answers nothing yet."""

    def __init__(self, station: Station, connection: Any) -> None:
        super().__init__(station.plate["identity"], connection)
        self.station = station
        self._tasks: set[asyncio.Task[None]] = set()
        self._boots = 0

    async def route_message(self, raw_msg: str) -> None:
        kind, _, *rest = json.loads(raw_msg)
        if kind == MessageType.Call:
            tell("asked", action=rest[0], payload=rest[1])
        await super().route_message(raw_msg)

    async def live(self) -> None:
        """Until the connection ends."""
        self.spawn(self.boot)
        try:
            await self.start()
        except ConnectionClosed:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def spawn(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do it beside the rest; not even begun, if the connection ends before."""

        async def until_closed() -> None:
            with suppress(ConnectionClosed):  # also as the whole program ends
                await work()

        task = asyncio.create_task(until_closed())
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Do something later, if it is still connected then."""

        async def later() -> None:
            await asyncio.sleep(seconds)
            act()

        self.spawn(later)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            tell("complaint", of=repr(error))

    async def ask(self, payload: Any) -> Any:
        return await self.call(payload, suppress=False)

    async def boot(self) -> None:
        """Boot, again while it is not accepted, then beat; until another boot takes its place."""
        plate = self.station.plate
        self._boots += 1
        mine = self._boots
        answer = await self.ask(
            call.BootNotification(
                charge_point_vendor=plate["vendor"],
                charge_point_model=plate["model"],
                charge_point_serial_number=plate["serial"],
                firmware_version=plate["firmware"],
            )
        )
        tell("boot", status=answer.status)
        if answer.status != "Accepted":
            await asyncio.sleep(answer.interval / plate["speed"])
            if mine == self._boots:
                self.spawn(self.boot)
            return
        if answer.interval:
            self.station.configuration["HeartbeatInterval"].value = str(answer.interval)
        for number in (0, *self.station.outlets):
            await self.notify(number)
        await self.ask(call.DataTransfer(vendor_id=plate["vendor"], message_id="Started"))
        await self.ask(call.FirmwareStatusNotification(status="Idle"))
        await self.ask(call.DiagnosticsStatusNotification(status="Idle"))
        while mine == self._boots:
            await asyncio.sleep(self.station.seconds("HeartbeatInterval"))
            await self.ask(call.Heartbeat())

    async def notify(self, number: int) -> None:
        outlet = self.station.outlets.get(number)
        status = outlet.status if outlet else "Available"
        await self.ask(
            call.StatusNotification(
                connector_id=number, error_code="NoError", status=status, timestamp=now()
            )
        )

    async def become(self, outlet: Outlet, status: str) -> None:
        if outlet.status != status:
            outlet.status = status
            await self.notify(outlet.number)

    async def report(self, outlet: Outlet, context: str) -> None:
        await self.ask(
            call.MeterValues(
                connector_id=outlet.number,
                transaction_id=outlet.session.transaction_id if outlet.session else None,
                meter_value=[outlet.sampled(context)],
            )
        )

    # --- sessions --------------------------------------------------------------------------

    async def begin(self, outlet: Outlet, id_tag: str) -> None:
        if not outlet.plugged or outlet.session is not None:
            return
        session = outlet.session = Session(id_tag)
        outlet.wanted = None
        started = await self.ask(
            call.StartTransaction(
                connector_id=outlet.number,
                id_tag=id_tag,
                meter_start=outlet.count(),
                timestamp=now(),
            )
        )
        session.transaction_id = started.transaction_id
        tell("started", connector=outlet.number, transaction=started.transaction_id)
        if started.id_tag_info["status"] != "Accepted":
            await self.end(outlet, "DeAuthorized")
            return
        await self.draw()
        await asyncio.sleep(self.station.seconds("MeterValueSampleInterval"))
        while outlet.session is session:
            await self.report(outlet, "Sample.Periodic")
            await asyncio.sleep(self.station.seconds("MeterValueSampleInterval"))

    async def end(self, outlet: Outlet, reason: str) -> None:
        session, outlet.session = outlet.session, None
        if session is None:
            return
        meter_stop = outlet.count()
        self.station.limits.clear(transaction_id=session.transaction_id)
        await self.draw()
        await self.ask(
            call.StopTransaction(
                meter_stop=meter_stop,
                timestamp=now(),
                transaction_id=session.transaction_id,
                reason=reason,
                id_tag=session.id_tag,
            )
        )
        tell("stopped", connector=outlet.number)
        await self.become(outlet, "Finishing" if outlet.plugged else "Available")

    async def draw(self) -> None:
        """Let the vehicles draw what the limits allow, now."""
        left = self.station.limits.station
        for outlet in self.station.outlets.values():
            running = outlet.session.transaction_id if outlet.session else None
            allowed = self.station.limits.outlet(outlet.number, running) if running else 0.0
            amps = min(left, allowed) if min(left, allowed) >= LEAST_AMPS else 0.0
            left -= amps
            if amps != outlet.amps:
                outlet.count()
                outlet.amps = amps
                tell("amps", connector=outlet.number, amps=amps)
        # Only now: while it waits for an answer, another limit may come, and all be done anew.
        for outlet in self.station.outlets.values():
            if outlet.session and outlet.session.transaction_id:
                await self.become(outlet, "Charging" if outlet.amps else "SuspendedEVSE")

    # --- who stands before it --------------------------------------------------------------

    async def plug(self, outlet: Outlet) -> None:
        outlet.plugged = True
        await self.become(outlet, "Preparing")
        if outlet.wanted is not None:
            await self.begin(outlet, outlet.wanted.id_tag)

    async def unplug(self, outlet: Outlet) -> None:
        outlet.plugged = False
        await self.end(outlet, "EVDisconnected")
        await self.become(outlet, "Available")

    async def card(self, outlet: Outlet, tag: str) -> None:
        authorized = await self.ask(call.Authorize(id_tag=tag))
        tell("authorized", status=authorized.id_tag_info["status"])
        if authorized.id_tag_info["status"] == "Accepted":
            await self.begin(outlet, tag)
