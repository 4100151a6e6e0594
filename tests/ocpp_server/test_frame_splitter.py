"""Frames are found whatever way the network cuts them; all that is odd goes to the library."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from ocpp_server.frame_splitter import FrameSplitter
from tests.ocpp_server.bed import WITHIN, Bed

HANDSHAKE = (
    "GET /{} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
)
HEARTBEAT = b'[2,"1","Heartbeat",{}]'


def frame(opcode: Opcode, data: bytes, *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=True)


def cut_all(splitter: FrameSplitter) -> None:
    while splitter.cut():
        pass


@given(
    st.lists(
        st.tuples(
            st.sampled_from([Opcode.TEXT, Opcode.BINARY, Opcode.PING, Opcode.PONG]),
            st.binary(max_size=300),
        )
    ),
    st.lists(st.integers(1, 50)),
)
def test_any_cut_gives_the_same_frames(
    messages: list[tuple[Opcode, bytes]], sizes: list[int]
) -> None:
    plain: list[bytes] = []
    other: list[bytes] = []
    splitter = FrameSplitter(plain.append, other.append, lambda: True)
    sent = [
        frame(opcode, data[:125] if opcode in {Opcode.PING, Opcode.PONG} else data)
        for opcode, data in messages
    ]
    stream = b"".join(sent)
    for size in sizes:
        splitter.feed(stream[:size])
        stream = stream[size:]
        if size % 2:  # it may be asked at any time, or long after
            splitter.cut()
    splitter.feed(stream)
    cut_all(splitter)
    is_plain = [opcode in {Opcode.TEXT, Opcode.BINARY} for opcode, _ in messages]
    assert plain == [data for (_, data), yes in zip(messages, is_plain, strict=True) if yes]
    assert other == [data for data, yes in zip(sent, is_plain, strict=True) if not yes]


@given(st.lists(st.binary()))
def test_nothing_is_lost_of_any_bytes(chunks: list[bytes]) -> None:
    other: list[bytes] = []
    splitter = FrameSplitter(lambda _payload: None, other.append, lambda: False)
    for chunk in chunks:
        splitter.feed(chunk)
        splitter.cut()
    cut_all(splitter)
    assert b"".join(chunks) == b"".join(other) + splitter._data[splitter._start :]


async def converse(bed: Bed, *chunks: bytes) -> bytes:
    """Send raw bytes after the request and return all that comes until the socket closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", bed.port)
    request = HANDSHAKE.format(bed.charge_point_id).encode()
    try:
        async with asyncio.timeout(WITHIN):
            first, *others = (*chunks, b"")
            if first.startswith(b"!"):  # with the request, before it is answered
                writer.write(request + first[1:])
            else:
                writer.write(request)
                await reader.readuntil(b"\r\n\r\n")
                writer.write(first)
            for chunk in others:
                await writer.drain()
                writer.write(chunk)
            return await reader.read()
    finally:
        writer.close()


CLOSE = frame(Opcode.CLOSE, (1000).to_bytes(2, "big"))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("chunks", "answer"),
    [
        ((frame(Opcode.TEXT, HEARTBEAT), frame(Opcode.PING, b"x"), CLOSE), b"\x8a\x01x"),
        ((b"!" + frame(Opcode.TEXT, HEARTBEAT), CLOSE), b""),  # before it was answered
        ((b"!" + frame(Opcode.TEXT, HEARTBEAT)[:9], frame(Opcode.TEXT, HEARTBEAT)[9:], CLOSE), b""),
        (
            (
                frame(Opcode.TEXT, HEARTBEAT[:5], fin=False),
                frame(Opcode.PING, b"y"),
                frame(Opcode.CONT, HEARTBEAT[5:]),
                CLOSE,
            ),
            b"\x8a\x01y",
        ),
        ((b"\x81\x02{}",), (1002).to_bytes(2, "big")),  # not masked
        ((b"\xf1\x80\0\0\0\0",), (1002).to_bytes(2, "big")),  # reserved bits
        ((b"\x81\xff" + (1 << 20).to_bytes(8, "big") + bytes(9),), (1009).to_bytes(2, "big")),
        ((frame(Opcode.CONT, b"x"),), (1002).to_bytes(2, "big")),
    ],
)
async def test_odd_streams(bed: Bed, chunks: tuple[bytes, ...], answer: bytes) -> None:
    assert answer in await converse(bed, *chunks)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_message_in_fragments_is_answered_between_others(bed: Bed) -> None:
    async with bed.wire() as wire:
        await wire.socket.send(iter(['[2,"1",', '"Heartbeat",{}]']))
        await wire.socket.send('[2,"2","Heartbeat",{}]')
        assert [(await wire.frame())[1] for _ in range(2)] == ["1", "2"]
        await (await wire.socket.ping())
