"""Waits with an end."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from collections.abc import Callable
    from datetime import timedelta

    from domain.cancellation import losing_none


async def wait_until(condition: Callable[[], bool], *, timeout: timedelta | None, why: str) -> bool:
    """Wait for an event; False when the time, if any, is over. ``why`` is what operators see.

    Raises:
        asyncio.CancelledError: it was cancelled, were it at the very moment of the event.

    """
    try:
        await losing_none(workflow.wait_condition(condition, timeout=timeout, timeout_summary=why))
    except TimeoutError:
        return False
    return True
