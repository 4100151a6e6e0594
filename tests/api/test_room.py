"""Which connections to the API are ended where there is no room for one more; no socket is open."""

import asyncio

import pytest
import uvicorn
from fastapi import FastAPI
from uvicorn.server import ServerState

from api.protocol.connection import BOUNDED, UNREAD_OF_ALL, BoundedProtocol

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n"


class Line(asyncio.Transport):
    """Takes what is written, and gives it to nobody."""

    def __init__(self, address: str) -> None:
        super().__init__({"peername": (address, 40_000), "sockname": ("127.0.0.1", 80)})
        self._is_closing = False
        self.unread = 1

    def is_closing(self) -> bool:
        return self._is_closing

    def close(self) -> None:
        self._is_closing = True

    abort = close

    def get_write_buffer_size(self) -> int:
        return self.unread

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass


class Server:
    """Has room for so many connections."""

    def __init__(self) -> None:
        self._config = uvicorn.Config(FastAPI(), log_config=None, lifespan="off", **BOUNDED)
        self._config.load()
        self._state = ServerState()

    def connect(self, address: str = "192.0.2.1") -> BoundedProtocol:
        made = BoundedProtocol(self._config, self._state, {})
        made.connection_made(Line(address))
        return made


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setattr(BoundedProtocol, "most", 4)
    return Server()


def asks(connection: BoundedProtocol, *, body_to_come: bool = False) -> None:
    """Have a request come, whole but for its body."""
    connection.conn.receive_data(REQUEST + b"Content-Length: 9\r\n" * body_to_come + b"\r\n")
    connection.conn.next_event()
    if not body_to_come:
        connection.conn.next_event()


def ended(*connections: BoundedProtocol) -> list[bool]:
    return [one.transport.is_closing() for one in connections]


async def test_whose_answer_waits_to_be_read_gives_way_last(server: Server) -> None:
    unread, sends, idle, served = (server.connect() for _ in range(4))
    asks(unread)
    unread.pause_writing()
    asks(sends, body_to_come=True)
    asks(served)
    in_turn = [idle, sends, unread]
    for number in range(3):
        new = server.connect("192.0.2.2")
        assert ended(*in_turn) == [True] * (number + 1) + [False] * (2 - number)
        asks(new)
    assert ended(server.connect("192.0.2.2"), served) == [True, False]


async def test_one_that_has_asked_for_all_it_wants_and_reads_nothing_is_not_idle(
    server: Server,
) -> None:
    unread, idle = server.connect(), server.connect()
    unread.pause_writing()
    for _ in range(3):
        asks(server.connect("192.0.2.2"))
    assert ended(unread, idle) == [False, True]


async def test_one_that_is_closed_with_an_answer_that_nobody_reads_gives_way_too(
    server: Server,
) -> None:
    unread = [server.connect() for _ in range(4)]
    for one in unread:
        one.pause_writing()
        one.timeout_keep_alive_handler()
    assert ended(server.connect("192.0.2.2")) == [False]
    assert [one.gives_way[0] for one in unread] == [0, 1, 1, 1]


async def test_what_leaves_already_is_in_nobodys_way(server: Server) -> None:
    leaving, *others = (server.connect() for _ in range(4))
    leaving.transport.close()
    assert ended(server.connect("192.0.2.2"), *others) == [False] * 4
    # However many come before its loop tells of an end, each has one other ended.
    assert ended(server.connect("192.0.2.3"), *others) == [False, True, False, False]
    assert ended(server.connect("192.0.2.4"), *others) == [False, True, True, False]


async def test_a_network_of_ipv6_is_one_address(server: Server) -> None:
    honest = server.connect()
    flood = [server.connect(f"2001:db8::{number}") for number in range(4)]
    assert ended(honest, *flood) == [False, True, False, False, False]


def waits(connection: BoundedProtocol, unread: int) -> None:
    """Have so much of an answer wait to be read."""
    asks(connection)
    assert isinstance(connection.transport, Line)
    connection.transport.unread = unread
    connection.pause_writing()


async def test_what_waits_to_be_read_is_bounded_over_all(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BoundedProtocol, "most", 40)
    part = UNREAD_OF_ALL // 8
    neighbour = server.connect("192.0.2.2")
    waits(neighbour, 2 * part)
    many = [server.connect() for _ in range(9)]
    for number, one in enumerate(many):
        waits(one, part)
        assert sum(each.keeps for each in [neighbour, *many]) <= UNREAD_OF_ALL, number
    assert ended(neighbour, many[-1]) == [False, False]
    assert sum(ended(*many)) == 3
