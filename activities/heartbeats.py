"""Heartbeats of an activity while it works."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from temporalio import activity


@asynccontextmanager
async def beating(every: timedelta) -> AsyncIterator[None]:
    """Beat until the block ends; the first beat comes after the first pause."""
    heart = asyncio.create_task(_beat(every.total_seconds()), name="heartbeats")
    try:
        yield
    finally:
        heart.cancel()


async def _beat(seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        activity.heartbeat()
