"""One process of the stack: started, started again when it dies, stopped within bounds."""

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable, Mapping
from pathlib import Path

import orjson

from domain.cancellation import end
from embedded.binaries import dying_with_parent
from embedded.errors import StartError

STOP_SECONDS = 15.0  # more than the OCPP server gives its sockets to close
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_RUNS_WELL_AFTER = 60.0
_TAIL_BYTES = 4096
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND


class Child:
    """Not started by the constructor. ``tell`` takes one line for the person at the terminal."""

    def __init__(
        self,
        name: str,
        command: list[str],
        *,
        environment: Mapping[str, str],
        log: Path,
        tell: Callable[[str], None],
    ) -> None:
        self.name = name
        self._command = command
        self._environment = environment
        self._log = log
        self._tell = tell
        self._process: Process | None = None
        self._keeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the process; from now on :meth:`stop` is due.

        It must be called on the main thread, to whose life the process is bound.
        """
        with os.fdopen(os.open(self._log, _APPEND, 0o600), "ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *dying_with_parent(self._command),
                env=dict(self._environment),  # uvloop takes no other mapping
                cwd=self._log.parent,
                stdin=DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the supervisor, which stops all in order
            )

    def check(self) -> None:
        """Say why it died.

        Raises:
            StartError: It did.

        """
        if self._process is not None and self._process.returncode is not None:
            raise StartError(f"{self._death()} while starting: {self._last_line()}")

    async def finish(self) -> None:
        """Wait for a command that ends by itself.

        Raises:
            StartError: It failed.

        """
        assert self._process is not None, "started"  # noqa: S101 - for the type checker
        if await self._process.wait() != 0:
            self.check()

    def keep_alive(self) -> None:
        """Start it again whenever it dies, with growing pauses."""
        self._keeper = asyncio.create_task(self._keep(), name=f"keep {self.name} alive")

    async def stop(self, hurry: asyncio.Event) -> None:
        """Ask it to stop; after a while, or at once in a hurry, stop it without asking."""
        if self._keeper is not None:
            await end(self._keeper)
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        ended = asyncio.create_task(process.wait())
        hurried = asyncio.create_task(hurry.wait())
        await asyncio.wait(
            {ended, hurried}, timeout=STOP_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        hurried.cancel()
        if not ended.done():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # it leads a group of its own
        await ended

    async def _keep(self) -> None:
        pause = _FIRST_PAUSE
        clock = asyncio.get_running_loop().time
        while True:
            started = clock()
            if self._process is not None:
                await self._process.wait()
            if clock() - started > _RUNS_WELL_AFTER:
                pause = _FIRST_PAUSE
            self._tell(f"{self._death()}; it starts again in {pause:g} s. Log: {self._log}")
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
            self._process = None
            try:
                await self.start()
            except OSError as error:
                self._tell(f"{self.name} cannot be started: {error.strerror}.")

    def _death(self) -> str:
        code = self._process.returncode if self._process is not None else None
        if code is None:
            return f"{self.name} does not run"
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return f"{self.name} stopped ({how})"

    def _last_line(self) -> str:
        with contextlib.suppress(OSError), self._log.open("rb") as log:
            log.seek(0, os.SEEK_END)
            log.seek(max(0, log.tell() - _TAIL_BYTES))
            lines = log.read().decode(errors="replace").split("\n")
            for line in reversed(lines):
                if line.strip():
                    return f"{_plain(line.strip())} (log: {self._log})"
        return f"see {self._log}"


def _plain(line: str) -> str:
    """Take out of a line of a process what it says to a person."""
    try:
        said = orjson.loads(line)
    except ValueError:
        return line.removeprefix("dynamo: ")
    return str(said.get("reason") or said.get("event")) if isinstance(said, dict) else line
