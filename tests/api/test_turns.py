"""Accounts take turns, and nobody waits for one for ever."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from api.turns import NoTurnError, TooManyHereError, Turns


async def test_who_waits_for_his_own_turn_to_end_has_no_more_patience() -> None:
    turns = Turns(at_once=2, of_an_account=2, patience=0.0)
    async with turns.of("a"):
        async with asyncio.timeout(5):
            with pytest.raises(NoTurnError):
                await AsyncExitStack().enter_async_context(turns.of("a"))
        async with turns.of("b"):  # it kept no place
            assert not turns.is_crowded
    async with turns.of("a"), turns.of("b"):
        pass


async def test_who_has_no_place_in_time_has_no_turn_of_his_own_either() -> None:
    turns = Turns(at_once=1, of_an_account=1, patience=0.0)
    async with turns.of("a"):
        with pytest.raises(TooManyHereError):
            await AsyncExitStack().enter_async_context(turns.of("a"))
        with pytest.raises(NoTurnError):
            await AsyncExitStack().enter_async_context(turns.of("b"))
        assert not turns.is_crowded
    async with turns.of("b"):
        pass
