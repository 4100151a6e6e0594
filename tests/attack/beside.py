"""The honest ones, whom no attack may cost anything: charge points and people."""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Final

import httpx
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from bench.fleet import BOOT, meter_values
from simulator.dialling import Address, DialError, dial
from simulator.frames import Payload
from simulator.link import Link, LinkError
from tests.chaos.caller import Caller

_PATIENCE: Final = 30.0
_PING_SECONDS: Final = 10
_PAUSE: Final = 0.1
_NEWCOMER_PAUSE: Final = 0.5
_API_PAUSE: Final = 0.15
_BOOT: Final = json.loads(BOOT)


@dataclass(kw_only=True)
class Seen:
    """What one honest party saw in one phase."""

    asked: int = 0
    answered: int = 0
    slowest: float = 0.0
    """Seconds of the slowest answer, those that never came among them."""
    broken: list[str] = field(default_factory=list)
    """Sockets lost, newcomers refused, requests that failed: in a few words each."""

    @contextmanager
    def timing(self) -> Iterator[None]:
        """Measure one answer, also one that fails."""
        began = time.monotonic()
        self.asked += 1
        try:
            yield
            self.answered += 1
        finally:
            self.slowest = max(self.slowest, time.monotonic() - began)


@dataclass(kw_only=True)
class Honest:
    """All honest parties of one phase."""

    charger: Seen = field(default_factory=Seen)
    """A charge point that is connected when it begins: heartbeats and meter values in turn."""
    newcomers: Seen = field(default_factory=Seen)
    """Charge points that connect, boot and go again, from the address of the first one."""
    installer: Seen = field(default_factory=Seen)
    owner: Seen = field(default_factory=Seen)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[tuple[ClientConnection, Link]]:
    """Connect a charge point of the simulator's; its link reads.

    Raises:
        DialError: it is refused, or not answered.

    """
    socket = await dial(Address(url), ping_seconds=_PING_SECONDS)
    link = Link(socket, lambda _: None, latency=0)
    reading = asyncio.create_task(link.read())
    try:
        yield socket, link
    finally:
        reading.cancel()
        socket.transport.abort()


class GoodCharger:
    """It stays connected over all phases, and connects again when it loses its socket."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.seen = Seen()

    @asynccontextmanager
    async def charging(self) -> AsyncIterator[None]:
        """Go on until the end of the block."""
        up = asyncio.Event()
        task = asyncio.create_task(self._run(up))
        try:
            async with asyncio.timeout(_PATIENCE):
                await up.wait()
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def _run(self, up: asyncio.Event) -> None:
        while True:
            try:
                async with connected(self._url) as (socket, link):
                    await link.call("BootNotification", _BOOT, within=_PATIENCE)
                    up.set()
                    await self._charge(link, socket)
            except (DialError, LinkError, ConnectionClosed) as error:
                self.seen.broken.append(f"socket: {error}"[:120])
            await asyncio.sleep(_PAUSE)

    async def _charge(self, link: Link, socket: ClientConnection) -> None:
        for number in itertools.count():
            values = json.loads(meter_values(0, number))
            del values["transactionId"]
            what = ("Heartbeat", {}) if number % 2 else ("MeterValues", values)
            with self.seen.timing():
                await _call(socket, link, *what)
            await asyncio.sleep(_PAUSE)


async def _call(socket: ClientConnection, link: Link, action: str, payload: Payload) -> None:
    """Have it answered.

    Raises:
        LinkError: it is not, or the socket is closed meanwhile.

    """
    answer = asyncio.ensure_future(link.call(action, payload, within=_PATIENCE))
    closed = asyncio.ensure_future(socket.wait_closed())
    try:
        await asyncio.wait({answer, closed}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise LinkError(f"closed, code {socket.close_code} {socket.close_reason}")
        answer.result()
    finally:
        answer.cancel()
        closed.cancel()


async def newcomers(urls: Sequence[str], seen: Seen) -> None:
    """Connect one after the other, boot, and go again, for ever.

    One that has no answer yet when all ends counts by the time that it has waited.
    """
    for url in itertools.cycle(urls):
        try:
            with seen.timing():
                async with connected(url) as (socket, link):
                    await _call(socket, link, "BootNotification", _BOOT)
        except (DialError, LinkError, ConnectionClosed) as error:
            seen.broken.append(f"newcomer: {error}"[:120])
        await asyncio.sleep(_NEWCOMER_PAUSE)


async def calls(person: Caller, requests: Sequence[tuple[str, str]], seen: Seen) -> None:
    """Ask the API one thing after the other, for ever; each has to be answered well."""
    for method, path in itertools.cycle(requests):
        body = None if method == "GET" else {"name": "Car park"}
        try:
            with seen.timing():
                answer = await _asked(person, method, path, body)
            if not answer.is_success:
                seen.broken.append(f"{method} {path}: {answer.status_code} {answer.text[:80]}")
        except httpx.TransportError as error:
            seen.broken.append(f"{method} {path}: {error!r}")
        await asyncio.sleep(_API_PAUSE)


async def _asked(person: Caller, method: str, path: str, body: object) -> httpx.Response:
    """Ask, and as any client does, anew where the idle connection was closed meanwhile."""
    try:
        return await person.ask(method, path, body)
    except httpx.RemoteProtocolError:
        return await person.ask(method, path, body)


@asynccontextmanager
async def going_on(*works: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Let them go on until the end of the block."""
    tasks = [asyncio.ensure_future(work()) for work in works]
    try:
        yield
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


@asynccontextmanager
async def tried(
    what: str, once: Callable[[], Awaitable[str | None]], *, pause: float
) -> AsyncIterator[list[str]]:
    """Have an honest one do something again and again; gives what went wrong, in a few words each.

    ``once`` says what went wrong, None: nothing. That it was never done is wrong, too.
    """
    broken: list[str] = []
    done = 0

    async def again() -> None:
        nonlocal done
        while True:
            try:
                wrong = await once()
            except (httpx.TransportError, OSError, EOFError) as error:
                wrong = repr(error)
            done += 1
            if wrong is not None:
                broken.append(f"{what}: {wrong}"[:120])
            await asyncio.sleep(pause)

    async with going_on(again):
        yield broken
    if not done:
        broken.append(f"{what}: it was never done")
