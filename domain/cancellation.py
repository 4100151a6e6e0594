"""Cancellations that are not lost.

Until Python 3.12 ``asyncio.wait_for`` forgets a cancellation that comes together with what it waits
for: whoever cancelled the task once, and awaits its end, then waits for ever. Our own code uses
``asyncio.timeout``, which forgets none; libraries do not, the SDK of Temporal among them.
"""

import asyncio
from collections.abc import Awaitable
from typing import Any, Final, TypeVar

ResultT = TypeVar("ResultT")

_AGAIN: Final = 5.0
"""Seconds; longer than a task needs to clean up after the first."""


async def losing_none(wait: Awaitable[ResultT]) -> ResultT:
    """Await it; a cancellation that comes meanwhile and is forgotten in there is raised here.

    Raises:
        asyncio.CancelledError: the task was cancelled.

    """
    task = asyncio.current_task()
    assert task is not None, "awaited in a task"  # noqa: S101
    before = task.cancelling()
    try:
        return await wait
    finally:
        if task.cancelling() > before:
            raise asyncio.CancelledError


async def end(task: asyncio.Task[Any], *, again: float = _AGAIN) -> None:
    """Cancel a task and wait for its end; once more every ``again`` seconds, as it may forget one.

    Whatever it ends with is taken for heard. Not for workflows: there each wait loses none.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=again)
    if not task.cancelled():
        task.exception()
