"""The small parts by themselves: the meter and the outbox."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.meter import Meter
from simulator.outbox import CAPACITY, Outbox, Outgoing


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def test_the_register_is_the_integral_of_power_over_time() -> None:
    clock = Clock()
    meter = Meter(500, clock)
    meter.power_w = 7200
    clock.seconds += 10
    assert meter.register_wh == pytest.approx(520)
    meter.power_w = 3600
    clock.seconds += 5
    assert meter.register_wh == pytest.approx(525)
    meter.power_w = 0
    clock.seconds += 99
    assert meter.register_wh == pytest.approx(525)


def test_a_meter_that_is_hastened_counts_faster_from_then_on() -> None:
    clock = Clock()
    meter = Meter(0, clock)
    meter.power_w = 3600
    clock.seconds += 10
    meter.pace = 100
    clock.seconds += 10
    assert meter.register_wh == pytest.approx(10 + 1000)
    assert meter.power_w == 3600


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(-1e6, 1e6)), max_size=20))
def test_the_register_never_falls_even_when_the_clock_is_set(
    steps: list[tuple[float, float]],
) -> None:
    clock = Clock()
    meter = Meter(0, clock)
    registers = [meter.register_wh]
    for power, seconds in steps:
        meter.power_w = power
        registers.append(meter.register_wh)
        clock.seconds += seconds
    assert registers == sorted(registers)


def call(action: str, *, durable: bool = False, not_before: float = 0.0) -> Outgoing:
    return Outgoing(action=action, payload=dict, durable=durable, not_before=not_before)


async def taken(outbox: Outbox) -> str:
    item = await outbox.next(lambda: True)
    outbox.remove(item)
    return item.action


async def test_transaction_messages_never_overtake_each_other() -> None:
    soon = asyncio.get_running_loop().time() + 0.05
    outbox = Outbox()
    outbox.add(call("StartTransaction", durable=True, not_before=soon))
    outbox.add(call("StopTransaction", durable=True))
    outbox.add(call("Heartbeat"))
    order = [await taken(outbox) for _ in range(3)]
    assert order == ["Heartbeat", "StartTransaction", "StopTransaction"]


async def test_what_is_worth_keeping_survives_a_lost_connection() -> None:
    outbox = Outbox()
    outbox.add(call("Heartbeat"))
    outbox.add(call("StopTransaction", durable=True))
    outbox.drop_volatile()
    assert await taken(outbox) == "StopTransaction"
    assert len(outbox) == 0


async def test_a_full_memory_forgets_readings_and_nothing_else() -> None:
    outbox = Outbox()
    outbox.add(call("StartTransaction", durable=True))
    for _ in range(CAPACITY + 5):
        outbox.add(call("MeterValues", durable=True))
    outbox.add(call("StopTransaction", durable=True))
    assert len(outbox) == CAPACITY
    actions = [await taken(outbox) for _ in range(CAPACITY)]
    assert (actions[0], actions[-1]) == ("StartTransaction", "StopTransaction")
