"""The virtual charge points of an experiment, each behind a proxy of its own."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from domain.failures import FailureCode
from simulator import Fault, VirtualChargePoint
from simulator.events import Listener
from simulator.profile import ABB_TERRA_AC_W22, ALFEN_EVE_SINGLE, KEMPOWER_SATELLITE, Profile
from tests.chaos.installer import Installer
from tests.chaos.proxy import FaultProxy, Way
from tests.chaos.schedule import Disturbance, LinkFault

_SPEED = 10
_CALL_TIMEOUT = 5.0
# Some boot with each connection, and many connections are a boot loop for the engine: rightly, but
# few runs would get far. So the most of them boot when they are switched on only.
_MODELS: Sequence[tuple[Profile, frozenset[Fault]]] = (
    (ALFEN_EVE_SINGLE, frozenset()),
    (replace(ABB_TERRA_AC_W22, boots_on_reconnect=False), frozenset()),
    (ALFEN_EVE_SINGLE, frozenset({Fault.NEEDS_REBOOT_FOR_KEY})),
    (replace(KEMPOWER_SATELLITE, boots_on_reconnect=False), frozenset()),
    (ABB_TERRA_AC_W22, frozenset({Fault.REPEATS_TRANSACTION_MESSAGES})),
    (replace(ABB_TERRA_AC_W22, boots_on_reconnect=False), frozenset({Fault.IGNORES_STOP})),
)


@dataclass(frozen=True, kw_only=True)
class Charger:
    """A charge point and its link."""

    charge_point_id: str
    virtual: VirtualChargePoint
    proxy: FaultProxy
    excuses: frozenset[FailureCode] = frozenset()
    """Why a run may fail here: for what the charge point does by itself."""

    def unplug(self) -> None:
        """End what it charges against the engine's stop, as a person does before the next run.

        That one would wait for it: for a quarter of an hour, while nobody listens here.
        """
        if FailureCode.TRANSACTION_NOT_STOPPED in self.excuses:
            self.virtual.unplug()

    async def disturb(self, disturbance: Disturbance) -> bool:
        """Do it, and mend this much of the link after a while; False when it has hit nothing."""
        proxy, seconds = self.proxy, disturbance.seconds
        match disturbance.fault:
            case LinkFault.DELAY:
                with proxy.delayed(0.05 * disturbance.nth):
                    await asyncio.sleep(seconds)
            case LinkFault.CUT:
                return proxy.cut()
            case LinkFault.BLACK_HOLE:
                with proxy.black_hole():
                    await asyncio.sleep(seconds)
            case LinkFault.HALF_CLOSE_UP:
                return proxy.half_close(Way.UP)
            case LinkFault.HALF_CLOSE_DOWN:
                return proxy.half_close(Way.DOWN)
            case LinkFault.DROP_UP:
                return await self._lose(Way.UP, disturbance)
            case LinkFault.DROP_DOWN:
                return await self._lose(Way.DOWN, disturbance)
        return True

    async def _lose(self, way: Way, disturbance: Disturbance) -> bool:
        with self.proxy.losing(way, disturbance.nth) as frame:
            await asyncio.sleep(disturbance.seconds)
        return frame.lost


@asynccontextmanager
async def fleet(
    installer: Installer, node_ports: Sequence[int], *, size: int, seed: int
) -> AsyncIterator[list[Charger]]:
    """Register so many charge points, and switch them on until the end of the block."""
    project = await installer.project("owner@fleet.example")
    models = [_MODELS[number % len(_MODELS)] for number in range(size)]
    async with switched_on(
        installer, node_ports, project=project, models=models, name="CHAOS", seed=seed
    ) as chargers:
        yield chargers


@asynccontextmanager
async def switched_on(
    installer: Installer,
    node_ports: Sequence[int],
    *,
    project: str,
    models: Sequence[tuple[Profile, frozenset[Fault]]],
    name: str,
    seed: int,
    listener: Listener | None = None,
) -> AsyncIterator[list[Charger]]:
    """Register charge points of a project, and switch them on; ``name`` begins their serials."""
    chargers: list[Charger] = []
    tasks: list[asyncio.Task[None]] = []
    async with AsyncExitStack() as stack:
        for number, (profile, faults) in enumerate(models):
            serial = f"{name}-{number:06}"
            charge_point = await installer.charge_point(
                project, serial, profile.vendor, profile.model
            )
            proxy = await stack.enter_async_context(
                FaultProxy(node_ports, choose=random.Random(f"{seed}/{serial}"))
            )
            virtual = VirtualChargePoint(
                profile,
                f"ws://127.0.0.1:{proxy.port}/{charge_point}",
                serial=serial,
                faults=faults,
                speed=_SPEED,
                call_timeout=_CALL_TIMEOUT,
                listener=listener,
            )
            # A session may begin in the dark, with a card that was never seen there.
            virtual.set_back("AllowOfflineTxForUnknownId", "true")
            chargers.append(
                Charger(
                    charge_point_id=charge_point,
                    virtual=virtual,
                    proxy=proxy,
                    excuses=frozenset(_excuses(profile, faults)),
                )
            )
            tasks.append(asyncio.create_task(virtual.run()))
        try:
            yield chargers
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _excuses(profile: Profile, faults: frozenset[Fault]) -> Iterator[FailureCode]:
    if Fault.IGNORES_STOP in faults:
        yield FailureCode.TRANSACTION_NOT_STOPPED
    if profile.boots_on_reconnect:
        yield FailureCode.BOOT_LOOP
