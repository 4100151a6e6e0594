"""Who asks for a start ends when nobody wants it any more, though one cancellation is lost."""

import asyncio

from workflows.checks.starting import cancelled


async def test_a_lost_cancellation_is_repeated() -> None:
    """As `asyncio.wait_for` of Python 3.11 loses one that comes with what it waits for."""
    waits = asyncio.Event()

    async def asks() -> None:
        try:
            await waits.wait()
        except asyncio.CancelledError:
            await waits.wait()

    asking = asyncio.create_task(asks())
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await cancelled(asking)
    assert asking.cancelled()
