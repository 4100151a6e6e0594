"""A charge point on the `ocpp` package's own ``ChargePoint``, over `websockets`.

It obeys the same lines and tells the same events as the programs in JavaScript: see peer.py.
"""

import asyncio
import json
import logging
import re
import sys
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

from ocpp import routing
from ocpp.v16 import call, call_result
from ocpp.v16.enums import Action
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from tests.peers.hardware import Outlet, Session, Station, now
from tests.peers.speaking import Speaking, tell

F = TypeVar("F", bound=Callable[..., Any])


def on(action: Action) -> Callable[[F], F]:
    """The package's ``on``, typed."""
    decorator: Callable[[F], F] = routing.on(action)
    return decorator


def after(action: Action) -> Callable[[F], F]:
    """The package's ``after``, typed."""
    decorator: Callable[[F], F] = routing.after(action)
    return decorator


class ChargePoint(Speaking):
    """What it answers, and what follows."""

    @on(Action.get_configuration)
    def on_get_configuration(self, key: list[str] | None = None) -> Any:
        known = self.station.configuration
        asked = key or list(known)
        return call_result.GetConfiguration(
            configuration_key=[
                {"key": one, "readonly": known[one].readonly, "value": known[one].value}
                for one in asked
                if one in known
            ],
            unknown_key=[one for one in asked if one not in known],
        )

    @on(Action.change_configuration)
    def on_change_configuration(self, key: str, value: str) -> Any:
        known = self.station.configuration.get(key)
        if known is None:
            return call_result.ChangeConfiguration(status="NotSupported")
        if known.readonly:
            return call_result.ChangeConfiguration(status="Rejected")
        if known.restarts:
            known.pending = value
            return call_result.ChangeConfiguration(status="RebootRequired")
        known.value = value
        return call_result.ChangeConfiguration(status="Accepted")

    @on(Action.reset)
    def on_reset(self, **_: str) -> Any:
        return call_result.Reset(status="Accepted")

    @after(Action.reset)
    async def after_reset(self, **_: str) -> None:
        await self._restart()

    @on(Action.update_firmware)
    def on_update_firmware(self, **_: Any) -> Any:
        return call_result.UpdateFirmware()

    @after(Action.update_firmware)
    async def after_update_firmware(self, location: str, **_: Any) -> None:
        for status in ("Downloading", "Downloaded", "Installing", "Installed"):
            await self.ask(call.FirmwareStatusNotification(status=status))
        # An image has its version in its name.
        self.station.plate["firmware"] = re.findall(r"\d+(?:\.\d+)+", location)[0]
        await self._restart()

    async def _restart(self) -> None:
        for outlet in self.station.outlets.values():
            await self.end(outlet, "SoftReset")
        for value in self.station.configuration.values():
            value.value, value.pending = value.pending or value.value, None
        await self._connection.close()

    @on(Action.trigger_message)
    def on_trigger_message(self, requested_message: str, connector_id: int | None = None) -> Any:
        return call_result.TriggerMessage(status="Accepted")

    @after(Action.trigger_message)
    async def after_trigger_message(
        self, requested_message: str, connector_id: int | None = None
    ) -> None:
        asked = list(self.station.outlets) if connector_id is None else [connector_id]
        if requested_message == "BootNotification":
            self.spawn(self.boot)
        elif requested_message == "StatusNotification":
            for number in asked:
                await self.notify(number)
        elif requested_message == "MeterValues":
            for number in asked:
                await self.report(self.station.outlets[number], "Trigger")
        else:
            await self.ask(
                {
                    "Heartbeat": call.Heartbeat(),
                    "FirmwareStatusNotification": call.FirmwareStatusNotification(status="Idle"),
                    "DiagnosticsStatusNotification": call.DiagnosticsStatusNotification(
                        status="Idle"
                    ),
                }[requested_message]
            )

    @on(Action.remote_start_transaction)
    def on_remote_start_transaction(self, id_tag: str, connector_id: int = 1) -> Any:
        outlet = self.station.outlets.get(connector_id)
        if outlet is None or outlet.session is not None:
            return call_result.RemoteStartTransaction(status="Rejected")
        wanted = outlet.wanted = Session(id_tag)

        def forget() -> None:
            outlet.wanted = None if outlet.wanted is wanted else outlet.wanted

        self.after(self.station.seconds("ConnectionTimeOut"), forget)
        return call_result.RemoteStartTransaction(status="Accepted")

    @after(Action.remote_start_transaction)
    def after_remote_start_transaction(self, id_tag: str, connector_id: int = 1) -> None:
        outlet = self.station.outlets[connector_id]
        if outlet.wanted is not None:
            self.spawn(partial(self.begin, outlet, id_tag))

    @on(Action.remote_stop_transaction)
    def on_remote_stop_transaction(self, transaction_id: int) -> Any:
        status = "Accepted" if self._running(transaction_id) else "Rejected"
        return call_result.RemoteStopTransaction(status=status)

    @after(Action.remote_stop_transaction)
    async def after_remote_stop_transaction(self, transaction_id: int) -> None:
        for outlet in self._running(transaction_id):
            await self.end(outlet, "Remote")

    @on(Action.set_charging_profile)
    def on_set_charging_profile(
        self, connector_id: int, cs_charging_profiles: dict[str, Any]
    ) -> Any:
        outlet = self.station.outlets.get(connector_id)
        running = outlet.session.transaction_id if outlet and outlet.session else None
        profile = cs_charging_profiles | {"connector_id": connector_id}
        taken = self.station.limits.set(profile, running)
        return call_result.SetChargingProfile(status="Accepted" if taken else "Rejected")

    @on(Action.clear_charging_profile)
    def on_clear_charging_profile(self, id: int | None = None, **wanted: Any) -> Any:  # noqa: A002
        named = wanted if id is None else wanted | {"charging_profile_id": id}
        cleared = self.station.limits.clear(**named)
        return call_result.ClearChargingProfile(status="Accepted" if cleared else "Unknown")

    @after(Action.set_charging_profile)
    async def after_set_charging_profile(self, **_: Any) -> None:
        await self.draw()

    @after(Action.clear_charging_profile)
    async def after_clear_charging_profile(self, **_: Any) -> None:
        await self.draw()

    @on(Action.get_composite_schedule)
    def on_get_composite_schedule(self, connector_id: int, duration: int, **_: Any) -> Any:
        limit = self.station.limits.station
        if outlet := self.station.outlets.get(connector_id):
            running = outlet.session.transaction_id if outlet.session else None
            limit = min(limit, self.station.limits.outlet(connector_id, running))
        return call_result.GetCompositeSchedule(
            status="Accepted",
            connector_id=connector_id,
            schedule_start=now(),
            charging_schedule={
                "duration": duration,
                "charging_rate_unit": "A",
                "charging_schedule_period": [{"start_period": 0, "limit": limit}],
            },
        )

    @on(Action.change_availability)
    def on_change_availability(self, connector_id: int, **_: str) -> Any:
        meant = [one for one in self.station.outlets.values() if connector_id in {0, one.number}]
        status = "Scheduled" if any(one.session for one in meant) else "Accepted"
        return call_result.ChangeAvailability(status=status)

    @after(Action.change_availability)
    async def after_change_availability(self, connector_id: int, type: str) -> None:  # noqa: A002
        for outlet in self.station.outlets.values():
            if connector_id in {0, outlet.number} and not outlet.session:
                await self.become(outlet, "Available" if type == "Operative" else "Unavailable")

    def _running(self, transaction_id: int) -> list[Outlet]:
        return [
            one
            for one in self.station.outlets.values()
            if one.session and one.session.transaction_id == transaction_id
        ]


class _Complaints(logging.Handler):
    """What the package logs as a warning or an error."""

    def emit(self, record: logging.LogRecord) -> None:
        tell("complaint", of=self.format(record))


async def main(plate: dict[str, Any]) -> None:
    """Power it on, until stdin ends."""
    logging.getLogger("ocpp").addHandler(_Complaints(logging.WARNING))
    station = Station(plate)
    current: list[ChargePoint] = []

    async def stay_connected() -> None:
        while True:
            async with connect(
                f"{plate['endpoint']}/{plate['identity']}", subprotocols=[Subprotocol("ocpp1.6")]
            ) as socket:
                current[:] = [ChargePoint(station, socket)]
                await current[0].live()

    life = asyncio.create_task(stay_connected())
    while line := await asyncio.to_thread(sys.stdin.readline):
        order = json.loads(line)
        obey: Callable[..., Coroutine[Any, Any, None]] = getattr(current[0], order.pop("act"))
        outlet = station.outlets[order.pop("connector")]
        current[0].spawn(partial(obey, outlet, **order))
    life.cancel()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
