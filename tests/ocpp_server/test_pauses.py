"""Answers that wait, and what ends them early."""

import asyncio

import pytest

from ocpp_server import queues
from ocpp_server.queues import Pauses
from tests.support.eventually import eventually

_LONG = 3600.0


async def test_a_pause_is_over_by_itself() -> None:
    waiting = Pauses()
    assert await waiting.wait(0.01, "192.0.2.1")
    assert len(waiting) == 0


async def test_one_too_many_ends_the_oldest_of_the_largest_source(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(queues, "PAUSING", 3)
    waiting = Pauses()
    few = asyncio.create_task(waiting.wait(_LONG, "192.0.2.1"))
    # One network of IPv6 is one source.
    many = [asyncio.create_task(waiting.wait(_LONG, f"2001:db8::{one}")) for one in range(3)]
    assert not await many[0]
    assert len(waiting) == 3
    assert [task.done() for task in (few, *many)] == [False, True, False, False]
    waiting.end()
    assert await asyncio.gather(few, *many[1:]) == [False] * 3
    assert not await waiting.wait(_LONG, None)


async def test_who_is_waited_for_no_more_has_no_place() -> None:
    waiting = Pauses()
    task = asyncio.create_task(waiting.wait(_LONG, None))

    def waits() -> None:
        assert len(waiting) == 1

    await eventually(waits)
    task.cancel()
    await asyncio.wait({task})
    assert len(waiting) == 0
