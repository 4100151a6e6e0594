"""Virtual charge points before a central system of the stock library."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Protocol

import pytest

from simulator import Fault, Profile, VirtualChargePoint, find_model
from tests.simulator.central_system import CentralSystem, central_system

SPEED = 50.0
# So much power that a tenth of a second shows in the register: 1 Wh a millisecond.
STRONG = replace(
    find_model("ABB Terra AC W22"),
    max_power_w=3_600_000,
    configuration={"MeterValueSampleInterval": "2"},
)


class PowerUp(Protocol):
    def __call__(
        self, *faults: Fault, profile: Profile = ..., **options: Any
    ) -> VirtualChargePoint: ...


@pytest.fixture
async def central() -> AsyncIterator[CentralSystem]:
    async with central_system() as system:
        yield system
    if not system.expects_invalid:
        assert system.invalid == []


@pytest.fixture
async def power_up(central: CentralSystem) -> AsyncIterator[PowerUp]:
    """Start virtual charge points, which are switched off after the test."""
    tasks: list[asyncio.Task[None]] = []

    def start(*faults: Fault, profile: Profile = STRONG, **options: Any) -> VirtualChargePoint:
        one = VirtualChargePoint(
            profile,
            central.url + options.pop("identity", "cp_1"),
            faults=frozenset(faults),
            **{"speed": SPEED, "serial": "SN-1", **options},
        )
        tasks.append(asyncio.create_task(one.run()))
        return one

    yield start
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [one for one in results if not isinstance(one, asyncio.CancelledError)] == []
