"""Heartbeats of an activity while it works, and its end when its worker stops."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError


@asynccontextmanager
async def beating(every: timedelta, *, stopped: ApplicationError) -> AsyncIterator[None]:
    """Beat until the block ends; the first beat comes after the first pause.

    ``stopped`` is raised when the worker stops meanwhile. Nobody asked for that cancellation, so
    Temporal would not take it, and would learn of it by silence; it takes a failure.
    """
    heart = asyncio.create_task(_beat(every.total_seconds()), name="heartbeats")
    try:
        yield
    except asyncio.CancelledError:
        details = activity.cancellation_details()
        if details is None or not details.worker_shutdown:
            raise
        raise stopped from None
    finally:
        heart.cancel()


async def _beat(seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        activity.heartbeat()
