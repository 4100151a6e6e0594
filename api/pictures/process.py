"""One process that reads pictures, as the API sees it."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from typing import Final

from documents.reading.limits import Limits
from documents.reading.messages import LENGTH, MOST_ANSWERED, Asked

_LEAVES_WITHIN: Final = 0.2
_PATIENCE: Final = 60.0
"""Seconds by the clock; its time of the processor ends far before, on a machine that has any."""
_PASSED_ON: Final = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""All that it is told of our environment, which holds secrets: where this Python may need it."""


class ReadingError(Exception):
    """The process gave no answer, and is no more.

    ReadingError
    ├── EndedError     it ended by itself, or somebody ended it
    ├── CostlyError    the picture took all the time of the processor that there is for one
    └── SlowError      it was not done in time: the machine is busy
    """


class EndedError(ReadingError):
    """It ended by itself, or somebody ended it."""


class CostlyError(ReadingError):
    """The picture took all the time of the processor that there is for one."""


class SlowError(ReadingError):
    """It was not done in time."""


class Reader:
    """A process. It ends when told, when a picture costs too much, and when we are gone."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.asked = 0
        """How many pictures it was given."""

    @classmethod
    async def start(cls, limits: Limits) -> "Reader":
        """Start one; it takes a tenth of a second until it reads.

        Raises:
            OSError: The system has no process for us.

        """
        return cls(
            await asyncio.create_subprocess_exec(
                sys.executable,
                *("-I", "-m", "documents.reading"),
                *limits.arguments(),
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,  # a traceback shows what somebody has sent
                env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
                start_new_session=True,  # Ctrl-C is for us, who end it
            )
        )

    @property
    def pid(self) -> int:
        """Return the id of the process."""
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether it is known to have ended."""
        return self._process.returncode is not None

    async def ask(self, asked: Asked) -> bytes:
        """Have a picture read. Whatever is raised, the process has ended.

        Raises:
            ReadingError: There is no answer.

        """
        self.asked += 1
        try:
            async with asyncio.timeout(_PATIENCE):
                return await self._ask(asked)
        except TimeoutError as error:
            await self.end()
            raise SlowError from error
        except (asyncio.IncompleteReadError, OSError, ValueError) as error:
            code = await self.end()
            raise (CostlyError if code == -signal.SIGPROF else EndedError) from error
        except BaseException:
            await self.end()
            raise

    async def end(self) -> int:
        """End it; gives its exit code."""
        assert self._process.stdin is not None  # noqa: S101 - a pipe, as it was started
        self._process.stdin.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(_LEAVES_WITHIN):  # it leaves by itself, unless it is busy
                return await self._process.wait()
        with suppress(ProcessLookupError):
            self._process.kill()
        return await self._process.wait()

    async def _ask(self, asked: Asked) -> bytes:
        to, back = self._process.stdin, self._process.stdout
        assert to is not None  # noqa: S101 - pipes, as it was started
        assert back is not None  # noqa: S101 - the same
        to.writelines(asked.pieces())
        await to.drain()
        (length,) = LENGTH.unpack(await back.readexactly(LENGTH.size))
        if not 0 < length <= MOST_ANSWERED:
            raise ValueError("it answers what is none")
        return await back.readexactly(length)
