"""A TCP proxy between a charge point and the nodes, which disturbs what it carries.

A connection is carried to one of the nodes, chosen anew each time. Bytes that a black hole holds
come late and in order, as TCP brings them; a dropped frame is gone, as in a box that lost it.
"""

import asyncio
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Self

from tests.chaos.frames import FrameSplitter, Unsplit

_CHUNK = 64 * 1024


class Way(StrEnum):
    """A direction."""

    UP = "from the charge point"
    DOWN = "to the charge point"


@dataclass(kw_only=True, eq=False)
class Frame:
    """A frame to lose: the ``left``-th from now on."""

    way: Way
    left: int
    lost: bool = False


class _Carried:
    """One connection, with the two tasks that carry it."""

    def __init__(self, near: asyncio.StreamWriter, far: asyncio.StreamWriter) -> None:
        self.ends = {Way.UP: far, Way.DOWN: near}  # where each direction leads
        self.deaf: set[Way] = set()

    def abort(self) -> None:
        for writer in self.ends.values():
            writer.transport.abort()


class FaultProxy:
    """Listens on ``port``, and carries each connection to one of ``nodes`` (ports)."""

    def __init__(
        self,
        nodes: Sequence[int],
        *,
        choose: random.Random,
        split: type[FrameSplitter | Unsplit] = FrameSplitter,
    ) -> None:
        self._split = split
        self._nodes = nodes
        self._choose = choose
        self._server: asyncio.Server | None = None
        self._carried: set[_Carried] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._losing: list[Frame] = []
        self._delays: list[float] = []
        self._holes = 0
        self._open = asyncio.Event()
        self._open.set()
        self.delay = 0.0
        """Seconds that each piece is late, and by those of :meth:`delayed`."""
        self._dark = False
        self.dropped = 0

    async def __aenter__(self) -> Self:
        """Listen."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close everything."""
        assert self._server is not None
        self._server.close()
        self.heal()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def cut(self) -> bool:
        """Reset each connection, on both sides; False when there is none."""
        for carried in self._carried:
            carried.abort()
        return bool(self._carried)

    def darken(self) -> None:
        """Reset each connection, and refuse all others until :meth:`relight`."""
        self._dark = True
        self.cut()

    def relight(self) -> None:
        """Take connections again."""
        self._dark = False

    def swallow(self) -> None:
        """Be a black hole until :meth:`heal`: connections are taken, and nothing passes."""
        self._open.clear()

    @contextmanager
    def black_hole(self) -> Iterator[None]:
        """Be a black hole until the end of the block, whatever else is healed meanwhile."""
        self._holes += 1
        self._open.clear()
        try:
            yield
        finally:
            self._holes -= 1
            if not self._holes:
                self._open.set()

    @contextmanager
    def delayed(self, seconds: float) -> Iterator[None]:
        """Be so much later until the end of the block."""
        self._delays.append(seconds)
        try:
            yield
        finally:
            self._delays.remove(seconds)

    @contextmanager
    def losing(self, way: Way, nth: int) -> Iterator[Frame]:
        """Lose the nth frame from now on, unless the block ends before."""
        frame = Frame(way=way, left=nth)
        self._losing.append(frame)
        try:
            yield frame
        finally:
            if frame in self._losing:
                self._losing.remove(frame)

    def half_close(self, way: Way) -> bool:
        """Say on one side that nothing more comes, and go on in the other direction.

        False when there is no connection.
        """
        for carried in self._carried:
            carried.deaf.add(way)
            with suppress(OSError, RuntimeError):
                carried.ends[way].write_eof()
        return bool(self._carried)

    def drop(self, way: Way, nth: int) -> None:
        """Lose the nth frame from now on, 1 being the next."""
        self._losing.append(Frame(way=way, left=nth))

    def heal(self) -> None:
        """Carry faithfully from now on; what is dark, and what is in a block, stays."""
        self.delay = 0.0
        self._losing.clear()
        if not self._holes:
            self._open.set()

    async def _accept(self, reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self._dark:
            near.transport.abort()
            return
        try:
            far_reader, far = await asyncio.open_connection(
                "127.0.0.1", self._choose.choice(self._nodes)
            )
        except OSError:  # that node is dead for the moment
            near.transport.abort()
            return
        carried = _Carried(near, far)
        self._carried.add(carried)
        carriers = [
            asyncio.create_task(self._carry(carried, reader, Way.UP)),
            asyncio.create_task(self._carry(carried, far_reader, Way.DOWN)),
        ]
        try:
            await asyncio.wait(carriers, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for carrier in carriers:
                carrier.cancel()
            await asyncio.gather(*carriers, return_exceptions=True)
            self._carried.discard(carried)
            for writer in (near, far):
                writer.close()

    async def _carry(self, carried: _Carried, reader: asyncio.StreamReader, way: Way) -> None:
        """Carry one direction until its source or its destination is gone."""
        splitter = self._split()
        to = carried.ends[way]
        with suppress(OSError):
            while data := await reader.read(_CHUNK):
                for piece in splitter.feed(data):
                    if late := self.delay + sum(self._delays):
                        await asyncio.sleep(late)
                    await self._open.wait()
                    if not (splitter.frames and self._loses(way)) and way not in carried.deaf:
                        to.write(piece)
                await to.drain()

    def _loses(self, way: Way) -> bool:
        """Whether this frame is one to lose; it counts for all that wait for a frame."""
        for frame in [frame for frame in self._losing if frame.way is way]:
            frame.left -= 1
            if frame.left == 0:
                frame.lost = True
                self._losing.remove(frame)
                self.dropped += 1
                return True
        return False
