"""What one socket may take of its node: all that arrives is counted, and others have turns."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

import pytest
from structlog.testing import capture_logs
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from ocpp_server.charge_point_log import LINES
from ocpp_server.session import Session
from ocpp_server.throttle import Allowance
from ocpp_server.writer import Sender
from storage.fact_records import Connected, Record
from storage.models.facts import LogEntry
from tests.ocpp_server.bed import WITHIN, Bed, RecordingSink, Wire, make_node, seed
from tests.ocpp_server.test_frame_splitter import HANDSHAKE
from tests.support.eventually import eventually
from tests.support.figures import Figure

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

BURST = 30
REASON = "too many answers that nothing waits for"
MOST_A_FRAME = 1 + 16 + 4
"""Tokens: itself, its 64 KiB, and that nobody asked for it."""
_OF_A_STRAY = 1 + 4
HEARTBEAT = b'[2,"1","Heartbeat",{}]'
STATUS = (
    b'[2,"1","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available"}]'
)
STRAY = b'[3,"x",{}]'


def frame(opcode: Opcode, data: bytes, *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=True)


call = partial(frame, Opcode.TEXT, HEARTBEAT)
FLOODS = {
    "calls": call() * 300,
    "answers": frame(Opcode.TEXT, STRAY) * 300,
    "refusals": frame(Opcode.TEXT, b'[4,"x","GenericError","",{}]') * 300,
    "no JSON": frame(Opcode.TEXT, b"[") * 300,
    "pings": frame(Opcode.PING, b"") * 300,
    "pongs": frame(Opcode.PONG, b"") * 300,
    "empty fragments": frame(Opcode.TEXT, b"", fin=False)
    + frame(Opcode.CONT, b"", fin=False) * 300,
    "bytes": frame(Opcode.TEXT, b"[" * 60_000) * 10,
    "bytes in fragments": (
        frame(Opcode.TEXT, b"[" * 30_000, fin=False) + frame(Opcode.CONT, b"[" * 30_000)
    )
    * 10,
}


async def session_of(bed: Bed) -> Session:
    def found() -> Session:
        session = bed.node.registry.get(bed.charge_point_id)
        assert session is not None
        return session

    return await eventually(found)


async def held(session: Session) -> None:
    def is_held() -> None:
        assert not session.socket.is_read

    await eventually(is_held)


@asynccontextmanager
async def frugal(bed: Bed) -> AsyncIterator[Bed]:
    """A node at which nobody gets anything back that he has spent."""
    node = make_node(bed.database, RecordingSink(), rate=0.001, burst=BURST)
    port = await node.start("127.0.0.1", 0)
    try:
        yield Bed(bed.database, node, RecordingSink(), port, bed.charge_point_id)
    finally:
        await node.stop()


@asynccontextmanager
async def flooded(bed: Bed, flood: bytes, *, with_the_request: bool) -> AsyncIterator[Session]:
    """A charge point that sends it all at once; gives its session."""
    reader, writer = await asyncio.open_connection("127.0.0.1", bed.port)
    request = HANDSHAKE.format(bed.charge_point_id).encode()
    try:
        writer.write(request + flood if with_the_request else request)
        async with asyncio.timeout(WITHIN):
            await reader.readuntil(b"\r\n\r\n")
        if not with_the_request:
            writer.write(flood)
        session = await session_of(bed)
        yield session
        session.socket.transport.abort()  # it is not read, and would not hear that it is closed
    finally:
        writer.close()


@pytest.mark.parametrize("with_the_request", [False, True])
@pytest.mark.parametrize("what", FLOODS)
async def test_everything_that_arrives_is_counted(
    bed: Bed, what: str, with_the_request: bool, monkeypatch: pytest.MonkeyPatch, figure: Figure
) -> None:
    debts: list[float] = []
    spend = Allowance.spend

    def spent(allowance: Allowance, tokens: int = 1) -> float:
        pause = spend(allowance, tokens)
        if allowance._burst == BURST:
            debts.append(-allowance._tokens)
        return pause

    monkeypatch.setattr(Allowance, "spend", spent)
    (good_one,) = await seed(bed.database, 1)
    async with (
        frugal(bed) as node,
        flooded(node, FLOODS[what], with_the_request=with_the_request) as session,
    ):
        await held(session)
        if what in {"answers", "refusals"}:  # each costs once as a frame, and as one too many
            assert len(debts) == 2 * (BURST // _OF_A_STRAY + 1)
        async with node.wire(good_one) as good:
            for _ in range(3):
                await good.sync()
        assert not session.socket.is_read
        waiting = len(session._waiting or ())
        figure(
            f"{what}, {len(FLOODS[what]):,} bytes at once: {max(debts):.1f} tokens owed, "
            f"{waiting} calls in memory"
        )
        assert max(debts) <= MOST_A_FRAME
        assert waiting <= 16


async def test_its_calls_wait_in_the_network_while_none_is_answered(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pipelined with its request, as much as many reads bring: sixteen are in memory."""
    node = make_node(bed.database, RecordingSink(), rate=None)
    port = await node.start("127.0.0.1", 0)
    try:
        there = Bed(bed.database, node, RecordingSink(), port, bed.charge_point_id)
        put = node.writer.put

        def put_connections(records: Sequence[Record], sender: Sender) -> None:
            if isinstance(records[0], Connected):
                put(records, sender)

        monkeypatch.setattr(node.writer, "put", put_connections)  # no status is ever stored
        async with flooded(
            there, frame(Opcode.TEXT, STATUS) * 5_000, with_the_request=True
        ) as session:
            await held(session)
            assert session._waiting is not None
            assert [type(one) for one in session._waiting] == [bytes] * 16  # not as it is read
    finally:
        await node.stop()


async def test_others_have_their_turn_between(bed: Bed, figure: Figure) -> None:
    """One read may bring thousands of frames."""
    node = make_node(bed.database, RecordingSink(), rate=None)
    port = await node.start("127.0.0.1", 0)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    there = Bed(bed.database, node, RecordingSink(), port, bed.charge_point_id)
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
        writer.write(HANDSHAKE.format(there.charge_point_id).encode())
        await reader.readuntil(b"\r\n\r\n")
        session = await session_of(there)
        beside = asyncio.create_task(others())
        session.socket.data_received(call() * 1_600 + frame(Opcode.PING, b"last"))
        async with asyncio.timeout(WITHIN):
            await reader.readuntil(b"\x8a\x04last")
        beside.cancel()
        writer.close()
        figure(f"1,600 frames in one read: others had {turns} turns between")
        assert turns >= 1_600 / 16 - 1
    finally:
        await node.stop()


async def answer(wire: Wire, text: str) -> None:
    for _ in range(100):
        await wire.socket.send(text)
    await wire.frame()


async def asked(wire: Wire, session: Session) -> str:
    """Answer a question, and give the answer."""
    call = asyncio.create_task(session.call("ClearCache", {}))
    text = f'[3,"{(await wire.frame())[1]}",{{"status":"Accepted"}}]'
    await wire.socket.send(text)
    await call
    return text


@pytest.mark.parametrize("what", [STRAY.decode(), "again", '[3,"x",1]', '[3,"x",{', '[4,"x"'])
async def test_a_flood_of_answers_to_nothing_ends_the_link(
    bed: Bed, what: str, figure: Figure
) -> None:
    """To what was never asked, be they readable or not, and one answer again and again."""
    again = what == "again"
    node = make_node(bed.database, RecordingSink(), burst=1_000)
    port = await node.start("127.0.0.1", 0)
    there = Bed(bed.database, node, RecordingSink(), port, bed.charge_point_id)
    await there.watch()
    try:
        async with there.wire() as wire:
            text = await asked(wire, await session_of(there)) if again else what
            with capture_logs() as lines, pytest.raises(ConnectionClosed) as closed:
                await answer(wire, text)
            figure(f"100 answers that nothing waits for: {len(lines)} lines in the log")
            assert 0 < len(lines) <= (1 + again) * LINES
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1008, REASON)
        async with there.wire() as reformed:
            await reformed.sync()
    finally:
        await node.stop()
    ends = [row.text for row in await bed.rows(LogEntry) if row.text.startswith("Disconnected")]
    assert ends[0] == f"Disconnected: code 1008, {REASON}."


@pytest.mark.parametrize("odd_id", [lambda _asked: "mine", lambda asked: asked[::-1]])
async def test_one_that_answers_with_ids_of_its_own_keeps_its_link(
    bed: Bed, odd_id: Callable[[str], str]
) -> None:
    """Each answer to nothing comes for a question of ours: there are never many."""
    node = make_node(bed.database, RecordingSink(), call_timeout=0.05)
    port = await node.start("127.0.0.1", 0)
    there = Bed(bed.database, node, RecordingSink(), port, bed.charge_point_id)
    try:
        async with there.wire() as wire:
            session = await session_of(there)
            for _ in range(20):
                asked = asyncio.create_task(session.call("ClearCache", {}))
                question = await wire.frame()
                await wire.socket.send(f'[3,"{odd_id(question[1])}",{{"status":"Accepted"}}]')
                await asyncio.wait({asked})
                assert asked.exception() is not None
            await wire.sync()
    finally:
        await node.stop()
