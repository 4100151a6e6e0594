"""Whom a stranger keeps out who shares a proxy, or an address, with charge points: nobody."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from domain.proxies import read_networks
from ocpp_server import acceptor, queues
from ocpp_server.throttle import Arrivals, Failures
from tests.ocpp_server.bed import WITHIN, Bed, seed
from tests.ocpp_server.test_door import HERE, THERE, acceptor_of, another, dial, ended
from tests.ocpp_server.test_frame_splitter import HANDSHAKE
from tests.support.eventually import eventually

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

STRANGER, CHARGER = "203.0.113.9", "198.51.100.1"
UNKNOWN = HANDSHAKE.format("cp_unknown").encode()


def forwarded(source: str) -> bytes:
    """A request that a proxy passes on for somebody."""
    return UNKNOWN.replace(b"\r\n\r\n", f"\r\nX-Forwarded-For: 6.6.6.6, {source}\r\n\r\n".encode())


async def until_they_ask(bed: Bed, number: int) -> None:
    def ask() -> None:
        assert len(acceptor_of(bed)._asking) == number

    await eventually(ask)


def next_two(bed: Bed) -> list[bytes]:
    """What the next two said whose turns it is; they are sent away."""
    visitors = [acceptor_of(bed)._asking.next() for _ in range(2)]
    for visitor in visitors:
        visitor.send_away()
    return [visitor.said for visitor in visitors]


async def test_sources_behind_a_named_proxy_have_turns_of_their_own(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acceptor, "HANDSHAKES", 0)
    monkeypatch.setattr(acceptor, "ASKING", 20)
    async with another(bed) as there, AsyncExitStack() as stack:
        monkeypatch.setattr(there.node._admission, "trusted_proxies", read_networks(HERE))
        strangers = [await dial(stack, there, HERE, forwarded(STRANGER)) for _ in range(20)]
        await until_they_ask(there, 20)
        charger = await dial(stack, there, HERE, forwarded(CHARGER))
        assert await ended(strangers[0][0]) == b""
        strangers += [await dial(stack, there, HERE, forwarded(STRANGER)) for _ in range(30)]
        for reader, _ in strangers[1:31]:
            assert await ended(reader) == b""
        assert len(acceptor_of(there)._asking) == 20
        assert next_two(there) == [forwarded(STRANGER), forwarded(CHARGER)]
        assert await ended(charger[0]) == b""


async def test_the_header_of_a_peer_that_is_no_named_proxy_counts_for_nothing(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acceptor, "HANDSHAKES", 0)
    async with another(bed) as there, AsyncExitStack() as stack:
        monkeypatch.setattr(there.node._admission, "trusted_proxies", read_networks("127.0.0.8"))
        told = [forwarded(f"203.0.113.{number}") for number in range(10)]
        links = [await dial(stack, there, HERE, request) for request in told]
        await until_they_ask(there, 10)
        links.append(await dial(stack, there, THERE, UNKNOWN))
        await until_they_ask(there, 11)
        first, second = next_two(there)
        assert first in told
        assert second == UNKNOWN
        assert await ended(links[-1][0]) == b""


async def test_refusals_that_wait_keep_nobody_out(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acceptor, "HANDSHAKES", 2)
    failures = Failures(limit=0, step=1000, longest=3600)
    monkeypatch.setattr(bed.node._admission, "_failures", failures)
    async with AsyncExitStack() as stack:
        refused = [await dial(stack, bed, HERE, UNKNOWN) for _ in range(2)]

        def wait() -> None:
            assert failures.pause(HERE) == 2000

        await eventually(wait)
        async with asyncio.timeout(WITHIN), bed.wire() as wire:
            await wire.boot()
        assert not any(reader.at_eof() for reader, _ in refused)
        assert acceptor_of(bed)._handshakes == 0


async def test_who_connects_too_often_keeps_nobody_out_while_it_waits(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acceptor, "HANDSHAKES", 2)
    arrivals = Arrivals(rate=0.001, burst=1, longest=10_000)
    monkeypatch.setattr(bed.node._admission, "_arrivals", arrivals)
    (other,) = await seed(bed.database, 1)
    async with AsyncExitStack() as stack:
        request = HANDSHAKE.format(bed.charge_point_id).encode()
        links = [await dial(stack, bed, HERE, request) for _ in range(3)]

        def wait() -> None:
            assert len(arrivals) == 1
            assert arrivals._allowances[HERE, bed.charge_point_id].would_pause() > 2000

        await eventually(wait)
        async with asyncio.timeout(WITHIN), bed.wire(other) as wire:
            await wire.boot()
        assert not any(reader.at_eof() for reader, _ in links)
        assert acceptor_of(bed)._handshakes == 0


async def test_a_refusal_beyond_those_that_may_wait_is_answered_at_once(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "PAUSING", 2)
    failures = Failures(limit=0, step=3600, longest=3600)
    async with another(bed) as there, AsyncExitStack() as stack:
        monkeypatch.setattr(there.node._admission, "_failures", failures)
        refused = [await dial(stack, there, HERE, UNKNOWN) for _ in range(5)]
        for reader, _ in refused[:3]:
            assert (await ended(reader)).startswith(b"HTTP/1.1 404 ")
        assert len(there.node._admission._pauses) == 2
