"""TLS before a PostgreSQL that was built without it: what such a server does with a connection."""

import asyncio
import contextlib
import ssl
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

_SSL_REQUEST = (8).to_bytes(4) + (80877103).to_bytes(4)
_BLOCK = 65536


@dataclass(kw_only=True)
class Relay:
    """Where it listens, and what came: connections with TLS and without."""

    port: int = 0
    encrypted: int = 0
    plain: int = 0


@contextlib.asynccontextmanager
async def tls_relay(server_port: int, certificate: Path) -> AsyncIterator[Relay]:
    """Listen before that server, with a PEM file of a certificate and its key."""
    relay = Relay()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, ssl.SSLError):
            first = await reader.readexactly(len(_SSL_REQUEST))
            if first == _SSL_REQUEST:
                writer.write(b"S")
                await writer.start_tls(context)
                first = b""
                relay.encrypted += 1
            else:
                relay.plain += 1
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", server_port)
            server_writer.write(first)
            await asyncio.gather(_pipe(reader, server_writer), _pipe(server_reader, writer))
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    relay.port = listener.sockets[0].getsockname()[1]
    async with listener:
        yield relay


async def _pipe(reader: StreamReader, writer: StreamWriter) -> None:
    while block := await reader.read(_BLOCK):
        writer.write(block)
        await writer.drain()
    writer.close()
