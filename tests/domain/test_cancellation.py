"""A cancellation that comes together with what is waited for ends the task all the same."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from domain.cancellation import end, losing_none

_TURNS = range(5)
_Wait = Callable[[Awaitable[bool]], Awaitable[bool]]


async def _cancelled_after(turns: int, wait: _Wait) -> bool:
    """Cancel a wait so many turns of the event loop after what it waits for has come."""
    event = asyncio.Event()

    async def waits() -> None:
        await wait(asyncio.wait_for(event.wait(), 60))
        await asyncio.Event().wait()

    task = asyncio.create_task(waits())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    event.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    _, waiting = await asyncio.wait({task}, timeout=0.1)
    await end(task)
    return not waiting


@pytest.mark.parametrize("turns", _TURNS)
async def test_it_is_not_lost(turns: int) -> None:
    assert await _cancelled_after(turns, losing_none)


async def test_one_that_was_caught_before_is_no_news() -> None:
    """Who cleans up after a cancellation may wait."""

    async def cleans_up() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return await losing_none(asyncio.sleep(0, "cleaned up"))
        return ""

    task = asyncio.create_task(cleans_up())
    await asyncio.sleep(0)
    task.cancel()
    assert await task == "cleaned up"


async def test_a_task_that_forgets_a_cancellation_is_ended() -> None:
    async def forgets() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.Event().wait()

    task = asyncio.create_task(forgets())
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await end(task, again=0.01)
    assert task.cancelled()


async def test_what_a_task_ends_with_is_heard() -> None:
    async def breaks() -> None:
        raise ValueError

    await end(asyncio.create_task(breaks()))


def test_nothing_of_ours_waits_in_a_way_that_forgets() -> None:
    """`asyncio.wait_for` does; the SDK's `wait_condition` is made of it where it has an end."""
    root = Path(__file__).parents[2]
    folders = "activities api embedded ocpp_server runtime simulator storage temporal workflows"
    texts = {
        path: path.read_text() for one in folders.split() for path in (root / one).rglob("*.py")
    }
    assert [path for path, text in texts.items() if "asyncio.wait_for(" in text] == []
    ends = [path.name for path, text in texts.items() if "timeout_summary=" in text]
    assert ends == ["temporal_calls.py"]
