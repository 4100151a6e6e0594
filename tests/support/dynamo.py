"""`dynamo up` as a process of its own, as a user runs it."""

import asyncio
import contextlib
import re
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import psutil

from tests.support.processes import CHECKOUT, environment

FREE_PORTS = {
    "--api-port": "0",
    "--ocpp-port": "0",
    "--temporal-port": "0",
    "--temporal-ui-port": "0",
}
_CHILDREN = ("start-dev", "api", "worker", "ocpp-server")
_START_SECONDS, _STOP_SECONDS = 120, 60
_LINE = re.compile(r"^  (\w[\w ]*?) {2,}(.+)$", re.MULTILINE)


class Up:
    """A running `dynamo up`: its process, and what it printed."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.printed = ""

    @classmethod
    async def launch(
        cls,
        data_dir: Path,
        settings: Mapping[str, str] | None = None,
        /,
        *,
        program: Sequence[str] = CHECKOUT,
        **options: str,
    ) -> Self:
        """Start it on free ports; ``api_port="8000"`` and the like ask for one."""
        given = FREE_PORTS | {f"--{key.replace('_', '-')}": str(v) for key, v in options.items()}
        process = await asyncio.create_subprocess_exec(
            *(*program, "up", "--data-dir", str(data_dir)),
            *(word for option in given.items() for word in option),
            env=environment(settings or {}),
            cwd=next(folder for folder in data_dir.parents if folder.is_dir()),
            stdout=PIPE,
            stderr=PIPE,
        )
        return cls(process)

    async def until_ready(self) -> dict[str, str]:
        """Wait for the addresses, and return them by their names."""
        assert self.process.stdout is not None
        async with asyncio.timeout(_START_SECONDS):
            while "Data" not in self.addresses:
                line = await self.process.stdout.readline()
                if not line:
                    raise AssertionError(f"it ended: {await self.complaint()}")
                self.printed += line.decode()
        return self.addresses

    @property
    def addresses(self) -> dict[str, str]:
        """What it printed once it was ready."""
        return dict(_LINE.findall(self.printed))

    async def complaint(self) -> str:
        """Wait for its end, and return what it wrote to stderr."""
        assert self.process.stderr is not None
        async with asyncio.timeout(_STOP_SECONDS):
            text = await self.process.stderr.read()
            await self.process.wait()
        return text.decode()

    async def stop(self, number: int = signal.SIGTERM) -> int:
        """Signal it, and return its exit code."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        await self.complaint()
        assert self.process.returncode is not None
        return self.process.returncode

    def children(self) -> dict[str, psutil.Process]:
        """Processes that it started, by the last word that names them."""
        found: dict[str, psutil.Process] = {}
        for child in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.Error):  # it has just ended
                words = child.cmdline()
                found |= {name: child for name in _CHILDREN if name in words}
        return found
