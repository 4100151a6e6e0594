"""Wait for what is about to be true, without a fixed sleep."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar, overload

T = TypeVar("T")

PATIENCE: Final = 90.0
"""Seconds. What is waited for comes far sooner; on a machine that has much else to do it is as long
as a pause of the engine's own before it asks once more, and then some."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.25


@overload
async def eventually(
    assertion: Callable[[], Awaitable[T]], *, within: float = ..., longest_pause: float = ...
) -> T: ...
@overload
async def eventually(
    assertion: Callable[[], T], *, within: float = ..., longest_pause: float = ...
) -> T: ...
async def eventually(
    assertion: Callable[[], Any], *, within: float = PATIENCE, longest_pause: float = _LONGEST_PAUSE
) -> Any:
    """Call until it raises no AssertionError any more, and return what it returned.

    A row that is not there yet, and so cannot be unpacked (ValueError), is waited for as well.
    Pauses grow to ``longest_pause`` seconds: longer ones are for what is dear to look at.
    After ``within`` seconds the last of them is the test's failure.
    """
    deadline = time.monotonic() + within
    pause = _FIRST_PAUSE
    while True:
        try:
            outcome = assertion()
            return await outcome if inspect.isawaitable(outcome) else outcome
        except (AssertionError, ValueError):
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(pause)
        pause = min(2 * pause, longest_pause)
