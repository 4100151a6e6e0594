"""One bad charge point does not harm the others: a good one is answered all the while.

Nearly as fast as a neighbour at a server to which the bad one does not come, in the same process
and the same moments: so the load of the machine counts for both.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.ocpp_server.bed import Bed, RecordingSink, make_node, seed
from tests.support.figures import Figure

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

TIMES_A_NEIGHBOURS = 20  # two at most, where nobody is starved
CALLS = 40
PATIENCE = 50.0
HEARTBEAT = '[2,"x","Heartbeat",{}]'
STATUS = json.dumps(
    [
        2,
        "x",
        "StatusNotification",
        {"connectorId": 1, "errorCode": "NoError", "status": "Available"},
    ]
)
NESTED = "[" * 60_000
HUGE = "x" * (64 * 1024 + 1)


async def _others_turn() -> None:
    """The bad one shares its loop with the server, which it must not starve by that."""
    await asyncio.sleep(0)


async def flood(bed: Bed) -> None:
    """As fast as the socket takes it, and nothing is read."""
    async with bed.wire() as wire:
        while True:
            await wire.socket.send(STATUS)
            await _others_turn()


async def flood_of_garbage(bed: Bed) -> None:
    async with bed.wire() as wire:
        while True:
            await wire.socket.send(NESTED)
            await _others_turn()


async def flood_of_pings(bed: Bed) -> None:
    async with bed.wire() as wire:
        while True:
            await wire.socket.ping()
            await _others_turn()


async def huge_frames(bed: Bed) -> None:
    """Too long a message, again and again, with a new connection each time."""
    while True:
        with suppress(ConnectionClosed, InvalidStatus, TimeoutError):
            async with bed.wire(close_timeout=0.1) as wire:
                await wire.raw(HUGE)


async def endless_fragments(bed: Bed) -> None:
    def pieces() -> AsyncIterator[str]:
        async def more() -> AsyncIterator[str]:
            while True:
                yield "x" * 1000
                await _others_turn()

        return more()

    while True:
        with suppress(ConnectionClosed, InvalidStatus, TimeoutError):
            async with bed.wire(close_timeout=0.1) as wire:
                await wire.socket.send(pieces())


async def slow_reader(bed: Bed) -> None:
    """Asks for ever, and never reads an answer from the network."""
    while True:
        with suppress(ConnectionClosed, InvalidStatus, TimeoutError):
            async with bed.wire(close_timeout=0.1) as wire:
                wire.socket.transport.pause_reading()
                while True:
                    await wire.socket.send(HEARTBEAT)
                    await _others_turn()


async def hesitant_handshakes(bed: Bed) -> None:
    """Connections that never finish their first line."""
    async with AsyncExitStack() as stack:
        for _ in range(200):
            _, writer = await asyncio.open_connection("127.0.0.1", bed.port)
            stack.callback(writer.close)
            writer.write(b"GET /")
        await asyncio.Event().wait()


async def reconnects(bed: Bed) -> None:
    """Connects again as soon as it is there."""
    while True:
        with suppress(ConnectionClosed, InvalidStatus, TimeoutError):
            async with bed.wire(close_timeout=0.1):
                pass


@asynccontextmanager
async def elsewhere(bed: Bed) -> AsyncIterator[Bed]:
    """A server to which the bad one does not come."""
    node = make_node(bed.database, RecordingSink())
    try:
        yield replace(bed, node=node, port=await node.start("127.0.0.1", 0))
    finally:
        await node.stop()


@asynccontextmanager
async def misbehaving(behaviour: Callable[[Bed], Awaitable[None]], bed: Bed) -> AsyncIterator[None]:
    async def act() -> None:
        with suppress(ConnectionClosed):
            await behaviour(bed)

    task = asyncio.create_task(act())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


@pytest.mark.parametrize(
    "behaviour",
    [
        flood,
        flood_of_garbage,
        flood_of_pings,
        huge_frames,
        endless_fragments,
        slow_reader,
        hesitant_handshakes,
        reconnects,
    ],
)
async def test_a_good_charge_point_is_answered(
    bed: Bed, behaviour: Callable[[Bed], Awaitable[None]], figure: Figure
) -> None:
    good_one, next_door = await seed(bed.database, 2)
    async with (
        elsewhere(bed) as quiet,
        misbehaving(behaviour, bed),
        bed.wire(good_one, patience=PATIENCE) as good,
        quiet.wire(next_door, patience=PATIENCE) as neighbour,
    ):
        waits = {good: 0.0, neighbour: 0.0}
        for number in range(CALLS):
            for wire in waits:
                began = time.monotonic()
                await (wire.boot() if number % 2 else wire.sync())
                waits[wire] += time.monotonic() - began
    times = waits[good] / waits[neighbour]
    figure(f"{behaviour.__name__}: {CALLS} answers took {times:.1f} times as long as next door")
    assert times < TIMES_A_NEIGHBOURS
    async with bed.wire() as reformed:
        await reformed.sync()
