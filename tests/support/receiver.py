"""A webhook's receiving end: a real HTTP server on the loopback that keeps what it was sent."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: str

    @property
    def event(self) -> dict[str, Any]:
        """The body, read."""
        read: dict[str, Any] = json.loads(self.body)
        return read


@dataclass(kw_only=True)
class Receiver:
    """Answers with ``status`` and ``text``; ``statuses`` go before it, one a request."""

    port: int = 0
    status: int = 200
    statuses: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    text: str = "thanks"
    endless: bool = False
    silent: asyncio.Event | None = None
    """If given, no answer comes before it is set."""
    received: list[Received] = field(default_factory=list)
    server_names: list[str | None] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/hook?x=1"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one request and answer it."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            start, *lines = head.strip().split("\r\n")
            headers = {
                name.lower(): value.strip()
                for name, _, value in (line.partition(":") for line in lines)
            }
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            _, path, _ = start.split(" ")
            self.received.append(Received(path=path, headers=headers, body=body.decode()))
            if self.silent is not None:
                await self.silent.wait()
            status = self.statuses.pop(0) if self.statuses else self.status
            more = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
            writer.write(f"HTTP/1.1 {status} X\r\n{more}Connection: close\r\n\r\n".encode())
            writer.write(self.text.encode())
            while self.endless:
                writer.write(b"x" * 65536)
                await writer.drain()
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # it went away, or never meant it
        finally:
            writer.close()


@asynccontextmanager
async def receiver(*, tls: ssl.SSLContext | None = None, **options: Any) -> AsyncIterator[Receiver]:
    """Listen until the end of the block."""
    one = Receiver(**options)
    if tls is not None:
        tls.sni_callback = lambda _socket, name, _context: one.server_names.append(name)
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0, ssl=tls)
    one.port = server.sockets[0].getsockname()[1]
    try:
        yield one
    finally:
        server.close()
