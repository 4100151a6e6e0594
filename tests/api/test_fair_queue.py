"""Accounts take turns, and nobody waits for one for ever."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from api.fair_queue import FairQueue, QueueTimeoutError, TooManyHereError


async def test_who_waits_for_his_own_turn_to_end_has_no_more_patience() -> None:
    queue = FairQueue(at_once=2, of_an_account=2, patience=0.0)
    async with queue.of("a"):
        async with asyncio.timeout(5):
            with pytest.raises(QueueTimeoutError):
                await AsyncExitStack().enter_async_context(queue.of("a"))
        async with queue.of("b"):  # it kept no place
            assert not queue.is_crowded
    async with queue.of("a"), queue.of("b"):
        pass


async def test_who_has_no_place_in_time_has_no_turn_of_his_own_either() -> None:
    queue = FairQueue(at_once=1, of_an_account=1, patience=0.0)
    async with queue.of("a"):
        with pytest.raises(TooManyHereError):
            await AsyncExitStack().enter_async_context(queue.of("a"))
        with pytest.raises(QueueTimeoutError):
            await AsyncExitStack().enter_async_context(queue.of("b"))
        assert not queue.is_crowded
    async with queue.of("b"):
        pass
