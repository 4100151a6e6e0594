"""What comes to the port and is no handshake of a WebSocket: refused in words, and recorded."""

import asyncio
import ssl
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import insert
from structlog.testing import capture_logs

from domain.ids import Prefix, new_id
from storage.connection_attempts import ATTEMPTS_KEPT, store_attempts
from storage.fact_records import RefusedConnection
from storage.models.charge_points import ChargePoint
from storage.models.connections import ChargePointConnection, ConnectionAttempt
from storage.models.projects import Project
from tests.ocpp_server.bed import WITHIN, Bed
from tests.support.eventually import eventually

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
_HANDSHAKE = (
    "Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: ocpp1.6\r\n"
)


async def answer(bed: Bed, request: str | bytes) -> str:
    """Send bytes, and return all that comes back until the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", bed.port)
    writer.write(request if isinstance(request, bytes) else request.encode())
    try:
        async with asyncio.timeout(WITHIN):
            return (await reader.read()).decode()
    finally:
        writer.close()


async def recorded(bed: Bed, number: int = 1) -> list[Any]:
    async def are_there() -> list[Any]:
        rows = await bed.rows(ConnectionAttempt)
        assert len(rows) == number
        return list(rows)

    return await eventually(lambda: are_there())  # noqa: PLW0108 - its type is then known


@on_sqlite
@pytest.mark.parametrize(
    ("request_line", "headers", "status", "code", "words"),
    [
        ("GET {path} HTTP/1.1", "Host: x\r\n", 426, "not_a_websocket", "Connection is missing"),
        (
            "GET {path} HTTP/1.1",
            _HANDSHAKE.replace("Connection: Upgrade", "Connection: keep-alive"),
            426,
            "not_a_websocket",
            "Connection says something else",
        ),
        (
            "GET {path} HTTP/1.1",
            _HANDSHAKE.replace("Upgrade: websocket\r\n", ""),
            426,
            "not_a_websocket",
            "Upgrade is missing",
        ),
        ("POST {path} HTTP/1.1", "Host: x\r\n", 405, "wrong_method", "OCPP over SOAP"),
        (
            "POST {path} HTTP/1.1",
            "Host: x\r\nContent-Length: 9\r\n",
            405,
            "wrong_method",
            "A POST request came, as OCPP over SOAP does",
        ),
        (
            "PUT {path} HTTP/1.1",
            "Host: x\r\nTransfer-Encoding: chunked\r\n",
            405,
            "wrong_method",
            "A PUT request came; a WebSocket begins with GET.",
        ),
        ("GET {path} HTTP/1.0", _HANDSHAKE, 505, "wrong_http_version", "HTTP/1.1 is needed"),
        (
            "GET {path} HTTP/1.1",
            _HANDSHAKE.replace("dGhlIHNhbXBsZSBub25jZQ==", "short"),
            400,
            "bad_handshake",
            "Sec-WebSocket-Key",
        ),
        (
            "GET {path} HTTP/1.1",
            _HANDSHAKE.replace("Version: 13", "Version: 8"),
            400,
            "bad_handshake",
            "Sec-WebSocket-Version",
        ),
        ("GET {path} HTTP/1.1", "no header at all\r\n", 400, "bad_handshake", "header line"),
        ("GET {path} HTTP/7", "Host: x\r\n", 400, "bad_handshake", "unsupported protocol"),
    ],
)
async def test_it_is_told_and_recorded(
    bed: Bed, request_line: str, headers: str, status: int, code: str, words: str
) -> None:
    path = f"/ocpp/{bed.charge_point_id}"
    text = await answer(bed, f"{request_line.format(path=path)}\r\n{headers}\r\n")
    assert text.startswith(f"HTTP/1.1 {status} ")
    assert words in text
    (row,) = await recorded(bed)
    assert (row.code, row.charge_point_id) == (code, bed.charge_point_id)
    assert words in row.reason
    assert row.reason in text
    assert row.remote_address == "127.0.0.1"


@on_sqlite
@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"\xff\xfe\x00\x01garbage\r\n\r\n", "begins with the bytes ff fe 00 01 67 61 72 62."),
        (b"\x68\x04\x07\x00\x00\x00\r\n\r\n", "begins with the bytes 68 04 07 00 00 00 0d 0a."),
        (b'{"id":1}\r\n\r\n', 'begins with "{"id":1}".'),
        ("G\u00c9T / HTTP/1.1\r\n\r\n".encode(), "begins with the bytes 47 c3 89 54 20 2f 20 48."),
    ],
)
async def test_what_is_no_http_is_named_as_that(bed: Bed, sent: bytes, said: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", bed.port)
    writer.write(sent)
    text = (await reader.read()).decode("ascii")
    writer.close()
    assert text.startswith("HTTP/1.1 400 ")
    assert f"What came is no request of HTTP at all: it {said}" in text
    assert "request came" not in text


@on_sqlite
async def test_one_that_hangs_up_in_the_middle_is_recorded(bed: Bed) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", bed.port)
    writer.write(f"GET /{bed.charge_point_id} HTTP/1.1\r\nHost: x".encode())
    writer.write_eof()
    (row,) = await recorded(bed)
    assert row.code == "bad_handshake"
    writer.close()


@on_sqlite
@pytest.mark.parametrize("path", ["/", "/favicon.ico", "/cp_nobody"])
async def test_who_looks_by_is_told_and_not_recorded(bed: Bed, path: str) -> None:
    assert "426 Upgrade Required" in await answer(bed, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")
    assert "405 Method" in await answer(bed, f"POST {path} HTTP/1.1\r\nContent-Length: 1\r\n\r\n")
    writer = (await asyncio.open_connection("127.0.0.1", bed.port))[1]
    writer.close()  # looks whether the port is open
    async with bed.wire() as wire:
        await wire.sync()
    assert await bed.rows(ConnectionAttempt) == []


@on_sqlite
async def test_a_request_in_pieces_is_a_request(bed: Bed) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", bed.port)
    for piece in (f"GET /{bed.charge_point_id} HT", "TP/1.1\r\n", _HANDSHAKE, "\r\n"):
        writer.write(piece.encode())
        await writer.drain()
        await bed.rows(ConnectionAttempt)  # lets the server read
    async with asyncio.timeout(WITHIN):
        assert await reader.readline() == b"HTTP/1.1 101 Switching Protocols\r\n"
    writer.close()


@on_sqlite
async def test_a_flood_of_what_is_no_handshake_is_not_recorded(bed: Bed) -> None:
    request = f"GET /{bed.charge_point_id} HTTP/1.1\r\nHost: x\r\n\r\n"
    for _ in range(33):
        await answer(bed, request)

    async def counted() -> None:
        (row,) = await recorded(bed)
        assert (row.code, row.times) == ("not_a_websocket", 30)

    await eventually(counted)


async def speak_tls(bed: Bed) -> None:
    context = ssl.create_default_context()
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.open_connection("127.0.0.1", bed.port, ssl=context)


async def come_from(bed: Bed, charge_point_id: str, address: str) -> None:
    async with bed.database.write() as connection:
        await connection.execute(
            insert(ChargePointConnection).values(
                charge_point_id=charge_point_id,
                node_id="node_gone",
                generation=1,
                ocpp_version="1.6",
                remote_address=address,
                connected_at=datetime.now(UTC),
                last_seen_at=datetime.now(UTC),
            )
        )


async def another_project(bed: Bed) -> str:
    """Make another project of somebody, and a charge point of it."""
    first = (await bed.rows(Project))[0]
    project = dict(first._mapping) | {"id": new_id(Prefix.PROJECT)}
    seeded = (await bed.rows(ChargePoint))[0]
    charge_point = dict(seeded._mapping) | {
        "id": new_id(Prefix.CHARGE_POINT),
        "project_id": project["id"],
    }
    async with bed.database.write() as connection:
        await connection.execute(insert(Project).values(project))
        await connection.execute(insert(ChargePoint).values(charge_point))
    return str(charge_point["id"])


async def test_tls_is_told_to_the_project_that_comes_from_there_alone(bed: Bed) -> None:
    await come_from(bed, bed.charge_point_id, "127.0.0.1")
    await come_from(bed, await another_project(bed), "203.0.113.7")
    await speak_tls(bed)
    (row,) = await recorded(bed)
    mine = (await bed.rows(Project))[0].id
    assert (row.code, row.project_id) == ("tls_on_plain_port", mine)
    assert (row.charge_point_id, row.identity) == (None, "")
    assert row.remote_address == "127.0.0.1"


@on_sqlite
async def test_tls_from_where_two_projects_come_is_told_to_neither(bed: Bed) -> None:
    await come_from(bed, bed.charge_point_id, "127.0.0.1")
    await come_from(bed, await another_project(bed), "127.0.0.1")
    with capture_logs() as lines:
        await speak_tls(bed)
        await answer(bed, f"GET /{bed.charge_point_id} HTTP/1.1\r\nHost: x\r\n\r\n")
        (row,) = await recorded(bed)
    assert row.code == "not_a_websocket"
    (told,) = [line for line in lines if line.get("code") == "tls_on_plain_port"]
    assert (told["event"], told["log_level"]) == ("connection_refused", "info")
    assert told["remote_address"] == "127.0.0.1"


async def test_the_newest_of_each_project_are_kept(bed: Bed) -> None:
    def attempts(project_id: str) -> list[RefusedConnection]:
        return [
            RefusedConnection(
                identity="",
                charge_point_id=None,
                at=datetime.now(UTC),
                code="tls_on_plain_port",
                reason="TLS.",
                remote_address=f"203.0.113.{number}",
                project_id=project_id,
            )
            for number in range(ATTEMPTS_KEPT + 2)
        ]

    async with bed.database.write() as connection:
        await store_attempts(connection, attempts("prj_a") + attempts("prj_b"))
    kept = [row.project_id for row in await bed.rows(ConnectionAttempt)]
    assert kept.count("prj_a") == kept.count("prj_b") == ATTEMPTS_KEPT
