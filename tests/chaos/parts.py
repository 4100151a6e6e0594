"""The processes of the topology, each under a supervisor that starts it again when it has ended."""

import asyncio
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from embedded.binaries import dying_with_parent
from tests.chaos.schedule import Kill, Part
from tests.support.eventually import eventually

_LOOK = 0.1
_RESTART_PAUSE = 0.5
_STOP_SECONDS = 20
_UP_SECONDS = 60


class Killable(Protocol):
    """A process that can be killed and started again."""

    @property
    def running(self) -> bool:
        """Whether it is there."""
        ...

    def start(self) -> None:
        """Start it."""
        ...

    def kill(self) -> None:
        """Kill it, and wait for its end."""
        ...

    def stop(self) -> None:
        """End it in order."""
        ...


class Program:
    """One command with its environment and its log."""

    def __init__(self, command: list[str], *, settings: Mapping[str, str], log: Path) -> None:
        self._command = command
        self._environment = _plain() | dict(settings)
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether it is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process; 0 while there is none."""
        return 0 if self._process is None else self._process.pid

    def start(self) -> None:
        """Start it; its log goes on."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                dying_with_parent(self._command),
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us
            )

    def kill(self) -> None:
        """Kill it, and wait for its end."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """Tell it to stop; kill it when it does not."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()


def dynamo(*arguments: str) -> list[str]:
    """Return the command line of one of our processes."""
    return [sys.executable, "-P", "-m", "cli", *arguments]


def _plain() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith(("DYNAMO_", "TEMPORAL_"))}


class Supervisor:
    """Keeps all parts running; kills by schedule."""

    def __init__(self, parts: Mapping[Part, Killable]) -> None:
        self._parts = parts
        self._held: set[Part] = set()
        self.kills: Counter[Part] = Counter()
        self.ended: Counter[Part] = Counter()
        """How often one ended by itself (its database or Temporal was away), and was restarted."""

    async def keep(self) -> None:
        """Start again whatever has ended, for ever."""
        async with asyncio.TaskGroup() as group:
            for name, part in self._parts.items():
                group.create_task(self._keep(name, part))

    async def kill(self, kill: Kill) -> None:
        """Kill one, once it is up, and let it be down for a while."""
        part = self._parts[kill.part]

        def is_up() -> None:
            assert kill.part not in self._held
            assert part.running

        await eventually(is_up, within=_UP_SECONDS)
        self._held.add(kill.part)
        try:
            part.kill()
            self.kills[kill.part] += 1
            await asyncio.sleep(kill.down)
            part.start()
        finally:
            self._held.discard(kill.part)

    async def _keep(self, name: Part, part: Killable) -> None:
        while True:
            await asyncio.sleep(_LOOK)
            if name not in self._held and not part.running:
                self.ended[name] += 1
                await asyncio.sleep(_RESTART_PAUSE)
                part.start()
