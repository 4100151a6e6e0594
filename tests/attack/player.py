"""Runs an attacker in a process of its own, and nothing else in it: it has a core to itself."""

import asyncio
import importlib
import multiprocessing
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import uvloop

from tests.attack.attacker import Attacker, Tally, Target
from tests.support.eventually import eventually

_PATIENCE: Final = 60.0
_NICE: Final = 5  # it has its core; what it takes of the other one is not the engine's fault


@dataclass(kw_only=True)
class Played:
    """What it reached."""

    done: int = 0
    lost: int = 0
    seconds: float = 0.0
    died: bool = False
    """It ended by itself, by an error of its own, which stands on the terminal."""

    @property
    def rate(self) -> float:
        """What it did in a second."""
        return self.done / self.seconds if self.seconds else 0.0


@asynccontextmanager
async def playing(attacker: Attacker, target: Target) -> AsyncIterator[Played]:
    """Let it attack from before the block until its end; what it reached is known then.

    On a busy machine it goes on behind the block, until it has done enough to show something.
    """
    context = multiprocessing.get_context("spawn")
    done: Any = context.Value("Q", lock=False)
    lost: Any = context.Value("Q", lock=False)
    process = context.Process(
        target=_play,
        args=(attacker.attack.__module__, target, done, lost, os.getpid()),
        daemon=True,
    )
    process.start()

    def has_done(times: int) -> None:
        assert done.value >= times or not process.is_alive()

    with suppress(AssertionError):  # whoever sees what it reached says that this is nothing
        await eventually(lambda: has_done(1), within=_PATIENCE)
    began, played = time.monotonic(), Played()
    try:
        yield played
        with suppress(AssertionError):
            await eventually(lambda: has_done(attacker.enough), within=_PATIENCE)
    finally:
        played.died = not process.is_alive()
        played.seconds = time.monotonic() - began
        played.done, played.lost = done.value, lost.value
        process.kill()
        await asyncio.to_thread(process.join)


def _play(module: str, target: Target, done: Any, lost: Any, parent: int) -> None:
    os.nice(_NICE)
    attacker: Attacker = importlib.import_module(module).ATTACKER  # alone: the others take seconds

    async def attack() -> None:
        playing = asyncio.ensure_future(attacker.attack(target, Tally(done, lost)))
        while os.getppid() == parent:  # whoever kills the harness has killed us, too
            finished, _ = await asyncio.wait({playing}, timeout=1.0)
            if finished:
                playing.result()
                return

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(attack())
