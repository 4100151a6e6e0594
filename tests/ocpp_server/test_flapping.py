"""A charge point that connects all the time, over real sockets."""

import asyncio
import base64
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import update
from structlog.testing import capture_logs
from websockets.exceptions import InvalidStatus

from domain.facts import EventKind
from domain.flapping import ARRIVALS_KEPT, FLAPPING_CONNECTIONS, FLAPPING_WINDOW
from domain.states import LogLevel
from ocpp_server.auth import hash_credential
from ocpp_server.throttle import Arrivals
from storage.connections import read_flapping
from storage.fact_records import Connected
from storage.models.connections import ChargePointConnection
from storage.models.facts import LogEntry
from tests.ocpp_server.bed import SECRET, WITHIN, Bed
from tests.support.eventually import eventually

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def come_and_go(bed: Bed, times: int) -> None:
    for _ in range(times):
        async with bed.wire() as wire:
            await wire.sync()


async def test_raises_one_alarm_that_clears_by_itself(bed: Bed) -> None:
    await bed.watch(run="com_1")
    with capture_logs() as logs:
        await come_and_go(bed, FLAPPING_CONNECTIONS - 1)
        async with bed.database.read() as connection:
            now = datetime.now(UTC)
            assert await read_flapping(connection, bed.charge_point_id, now=now) is None
        await come_and_go(bed, ARRIVALS_KEPT)
        async with bed.database.read() as connection:
            alarm = await read_flapping(connection, bed.charge_point_id, now=now)
            later = datetime.now(UTC) + FLAPPING_WINDOW
            assert await read_flapping(connection, bed.charge_point_id, now=later) is None
    assert alarm is not None
    assert (alarm.connections, alarm.remote_addresses) == (ARRIVALS_KEPT, ("127.0.0.1",))
    (raised,) = [entry for entry in logs if entry["event"] == "charge_point_flapping"]
    assert raised["log_level"] == "warning"
    assert raised["connections"] == FLAPPING_CONNECTIONS
    await bed.node.stop()
    (row,) = await bed.rows(ChargePointConnection)
    assert len(row.arrivals) == ARRIVALS_KEPT
    (warned,) = [row for row in await bed.rows(LogEntry) if row.level == LogLevel.WARNING]
    assert "connected 8 times" in warned.text
    assert bed.sink.kinds.count(EventKind.CONNECTED) == FLAPPING_CONNECTIONS - 1 + ARRIVALS_KEPT


@on_sqlite
async def test_the_log_says_when_it_is_steady_again(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    await come_and_go(bed, FLAPPING_CONNECTIONS)
    async with bed.wire() as wire:
        await wire.sync()
        peer = bed.node.registry.require(bed.charge_point_id).peer
        with capture_logs() as logs:
            bed.node.server.keep_alive()
            assert peer.flapping
            monkeypatch.setattr(peer, "connected_at", peer.connected_at - FLAPPING_WINDOW)
            monkeypatch.setattr(peer.log._budget, "_began", -FLAPPING_WINDOW.total_seconds())
            bed.node.server.keep_alive()
            bed.node.server.keep_alive()
    told = [entry["event"] for entry in logs]
    assert told == ["charge_point_lines_left_out", "charge_point_steady"]


@on_sqlite
async def test_old_connections_do_not_count(bed: Bed) -> None:
    long_ago = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    await come_and_go(bed, 1)
    async with bed.database.write() as connection:
        await connection.execute(
            update(ChargePointConnection).values(arrivals=[[long_ago, None]] * 12)
        )
    with capture_logs() as logs:
        await come_and_go(bed, 1)
    assert "charge_point_flapping" not in [entry["event"] for entry in logs]


@on_sqlite
async def test_a_stranger_with_the_id_uses_up_nothing_of_the_charge_points(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bed.node._admission, "_arrivals", Arrivals(burst=3))
    sent_away: asyncio.Queue[int] = asyncio.Queue()

    async def come() -> None:
        with pytest.raises(InvalidStatus) as refusal:
            async with bed.wire(local_addr=("127.0.0.2", 0)):
                await asyncio.Event().wait()
        sent_away.put_nowait(refusal.value.response.status_code)

    strangers = [asyncio.create_task(come()) for _ in range(40)]
    try:
        assert [await sent_away.get() for _ in range(30)] == [503] * 30
        async with asyncio.timeout(WITHIN), bed.wire() as wire:
            await wire.sync()
    finally:
        for stranger in strangers:
            stranger.cancel()
        await asyncio.gather(*strangers, return_exceptions=True)


@on_sqlite
async def test_strangers_at_one_address_leave_room_for_who_comes_from_another(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So few are stored at a time, and one of them that is sent away tries again, later."""
    writer = bed.node.writer
    store, goes_on = writer.store, asyncio.Event()
    waiting: list[str | None] = []

    async def slowly(record: Connected) -> None:
        waiting.append(record.remote_address)
        await goes_on.wait()
        await store(record)

    def at_once(count: int) -> None:
        assert len(waiting) == count

    monkeypatch.setattr(writer, "store", slowly)
    async with AsyncExitStack() as stack:
        for number in range(2):
            await stack.enter_async_context(bed.wire(local_addr=("127.0.0.2", 0)))
            await eventually(partial(at_once, number + 1))
        async with bed.wire(local_addr=("127.0.0.2", 0)) as wire:
            await wire.socket.wait_closed()
            assert wire.socket.close_code == 1013
        await stack.enter_async_context(bed.wire())
        await eventually(partial(at_once, 3))
        assert waiting == ["127.0.0.2", "127.0.0.2", "127.0.0.1"]
        goes_on.set()


@on_sqlite
async def test_who_has_the_key_never_waits(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bed.node._admission, "_arrivals", Arrivals(burst=0, longest=0))
    with pytest.raises(InvalidStatus):
        await come_and_go(bed, 1)
    await bed.set(credential_hash=hash_credential(SECRET, b"the key"))
    token = base64.b64encode(f"{bed.charge_point_id}:the key".encode()).decode()
    for _ in range(30):
        async with bed.wire(additional_headers={"Authorization": f"Basic {token}"}) as wire:
            await wire.sync()


def test_far_too_many_connections_wait_and_others_do_not() -> None:
    now = 0.0
    arrivals = Arrivals(rate=1, burst=3, longest=2, clock=lambda: now)
    assert [arrivals.pause("192.0.2.1", "one") for _ in range(5)] == [0, 0, 0, 1, 2]
    # However many are sent away, the next second has a place.
    assert {arrivals.pause("192.0.2.1", "one") for _ in range(2000)} == {None}
    now = 1
    assert arrivals.pause("192.0.2.1", "one") == 2
    assert arrivals.pause("192.0.2.1", "other") == 0
    assert arrivals.pause("192.0.2.2", "one") == 0
    now = 10
    assert arrivals.pause("192.0.2.1", "one") == 0


def test_whoever_has_a_network_of_ipv6_has_one_budget() -> None:
    arrivals = Arrivals(rate=1, burst=1, longest=0, clock=lambda: 0.0)
    assert arrivals.pause("2001:db8::1", "one") == 0
    assert arrivals.pause("2001:db8::2", "one") is None


def test_what_is_remembered_of_arrivals_is_bounded() -> None:
    arrivals = Arrivals()
    for number in range(10_100):
        arrivals.pause(f"source {number}", "one")
    assert len(arrivals) == 10_000
