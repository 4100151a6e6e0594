"""Who is let in, and who is one too many: before a charge point has asked, and while it waits."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from structlog.testing import capture_logs

from ocpp_server import acceptor, server, visitor
from ocpp_server.acceptor import Acceptor
from storage.models.connections import ConnectionAttempt
from tests.ocpp_server.bed import WITHIN, Bed, RecordingSink, make_node, seed
from tests.ocpp_server.test_frame_splitter import HANDSHAKE
from tests.support.eventually import eventually

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

HERE, THERE = "127.0.0.1", "127.0.0.9"
Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def another(bed: Bed) -> AsyncIterator[Bed]:
    """A node that was made after the bounds were changed."""
    node = make_node(bed.database, RecordingSink(), rate=None)
    port = await node.start(HERE, 0)
    try:
        yield Bed(bed.database, node, RecordingSink(), port, bed.charge_point_id)
    finally:
        await node.stop()


def acceptor_of(bed: Bed) -> Acceptor:
    listening = bed.node.server._server
    assert listening is not None
    assert isinstance(listening.server, Acceptor)
    return listening.server


async def dial(stack: AsyncExitStack, bed: Bed, source: str, said: bytes) -> Pair:
    reader, writer = await asyncio.open_connection(HERE, bed.port, local_addr=(source, 0))
    stack.callback(writer.transport.abort)
    writer.write(said)
    return reader, writer


async def ended(reader: asyncio.StreamReader) -> bytes:
    """What came until the end, however it ended."""
    said = b""
    try:
        async with asyncio.timeout(WITHIN):
            while more := await reader.read(1024):
                said += more
    except ConnectionResetError:
        pass
    return said


async def test_the_silent_of_one_address_are_few_and_a_charge_point_there_gets_in(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acceptor, "SILENT", 20)
    beginning = f"GET /{bed.charge_point_id} HTTP/1.1\r\nHost:".encode()
    async with another(bed) as there, AsyncExitStack() as stack:
        with capture_logs() as lines:
            silent = [await dial(stack, there, HERE, beginning) for _ in range(50)]
            for reader, _ in silent[:30]:
                assert await ended(reader) == b""
            assert len(acceptor_of(there)._silent) == 20
            async with there.wire() as wire:
                await wire.boot()
            assert len(acceptor_of(there)._silent) in {19, 20}  # it was one of them for a moment
        assert [line["event"] for line in lines if "exc_info" in line] == []
    assert await bed.rows(ConnectionAttempt) == []


async def test_those_of_the_largest_address_go_first(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acceptor, "SILENT", 20)
    async with another(bed) as there, AsyncExitStack() as stack:
        slow, slow_writer = await dial(stack, there, THERE, b"GET /")
        many = [await dial(stack, there, HERE, b"GET /") for _ in range(50)]
        for reader, _ in many[:31]:
            await ended(reader)
        slow_writer.write(HANDSHAKE.format(bed.charge_point_id).encode().removeprefix(b"GET /"))
        async with asyncio.timeout(WITHIN):
            assert b" 101 " in await slow.readuntil(b"\r\n\r\n")


async def test_a_whole_car_park_behind_one_address_gets_in_at_once(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None is turned away, however few are let in at a time."""
    monkeypatch.setattr(acceptor, "HANDSHAKES", 3)
    identities = await seed(bed.database, 60)
    async with another(bed) as there, AsyncExitStack() as stack:
        requests = [HANDSHAKE.format(identity).encode() for identity in identities]
        links = await asyncio.gather(*(dial(stack, there, HERE, one) for one in requests))
        async with asyncio.timeout(WITHIN):
            for reader, _ in links:
                assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
        assert len(acceptor_of(there)._asking) == 0
        assert acceptor_of(there)._handshakes == 0


async def test_who_hung_up_while_it_waited_is_passed_over(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acceptor, "HANDSHAKES", 0)
    monkeypatch.setattr(acceptor, "_CROWDED", 0)
    monkeypatch.setattr(acceptor, "_GONE_A_ROUND", 4)
    async with another(bed) as there, AsyncExitStack() as stack:
        doors = acceptor_of(there)
        asks = HANDSHAKE.format(bed.charge_point_id).encode()
        hasty = [await dial(stack, there, HERE, asks) for _ in range(10)]
        patient = await dial(stack, there, HERE, asks)

        def all_ask() -> None:
            assert len(doors._asking) == 11
            assert doors._kept_out == 11

        await eventually(all_ask)
        for _, writer in hasty:
            writer.transport.abort()

        def have_gone() -> None:
            assert [visitor.is_gone for visitor in doors._asking] == [True] * 10 + [False]

        await eventually(have_gone)
        made: list[bytes] = []
        make = doors._make

        def counted(said: bytes, answered: Callable[[], None]) -> asyncio.BaseProtocol:
            made.append(said)
            return make(said, answered)

        monkeypatch.setattr(doors, "_make", counted)
        monkeypatch.setattr(acceptor, "HANDSHAKES", 1)
        doors._let_in()
        async with asyncio.timeout(WITHIN):
            assert b" 101 " in await patient[0].readuntil(b"\r\n\r\n")
        assert len(made) == 1


async def test_a_request_without_end_is_refused(bed: Bed) -> None:
    async with AsyncExitStack() as stack:
        reader, writer = await dial(stack, bed, HERE, b"GET / HTTP/1.1\r\n")
        writer.write(b"X: " + b"x" * visitor.MOST_OF_A_REQUEST)
        assert (await ended(reader)).startswith(b"HTTP/1.1 431 ")


async def test_a_request_has_to_be_whole_in_time(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitor, "REQUEST_SECONDS", 0.2)
    async with AsyncExitStack() as stack:
        with capture_logs() as lines:
            reader, _ = await dial(stack, bed, HERE, b"GET /cp HTTP/1.1\r\n")
            assert await ended(reader) == b""
        assert lines == []
        assert len(acceptor_of(bed)._silent) == 0


async def test_the_door_forgets_who_has_gone(bed: Bed) -> None:
    async with AsyncExitStack() as stack:
        links = [await dial(stack, bed, HERE, b"GET /") for _ in range(5)]

        def are_there() -> None:
            assert len(acceptor_of(bed)._silent) == len(links)

        await eventually(are_there)

    def are_gone() -> None:
        assert len(acceptor_of(bed)._silent) == 0

    await eventually(are_gone)


async def test_who_reads_nothing_is_closed_after_a_while(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_UNREAD_SECONDS", 0)
    async with AsyncExitStack() as stack:
        request = HANDSHAKE.format(bed.charge_point_id).encode()
        reader, writer = await dial(stack, bed, HERE, request)
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.pause_reading()  # type: ignore[attr-defined]

        def connected() -> None:
            assert bed.node.registry.get(bed.charge_point_id) is not None

        await eventually(connected)
        session = bed.node.registry.get(bed.charge_point_id)
        assert session is not None
        bed.node.server.keep_alive()
        while not session.socket.transport.get_write_buffer_size():
            session.socket.transport.write(b"\x81\x7d" + b"x" * 125)
            await asyncio.sleep(0)
        bed.node.server.keep_alive()
        bed.node.server.keep_alive()
        assert session.socket.transport.is_closing()
