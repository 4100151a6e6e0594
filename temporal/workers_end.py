"""Workers that end although the SDK's core sometimes does not."""

import asyncio
from collections.abc import Awaitable, Callable

from temporalio.plugin import SimplePlugin
from temporalio.worker import Worker

_LAST_STEP_SECONDS = 5.0


class WorkersEnd(SimplePlugin):
    """A plugin of a client: its workers end although the SDK's core sometimes does not.

    When nothing is polled any more and every activity has reported, the last step of a shutdown may
    wait for ever (temporalio 1.35, about once in a hundred where an activity has just ended), and
    the process with it.
    """

    def __init__(self) -> None:
        super().__init__("workers end")

    async def run_worker(
        self,
        worker: Worker,
        next: Callable[[Worker], Awaitable[None]],  # noqa: A002
    ) -> None:
        """Run the worker; the last step of its shutdown takes five seconds at most."""
        core = worker._bridge_worker  # noqa: SLF001 - no setting bounds it
        last_step = core.finalize_shutdown

        async def in_time() -> None:
            async with asyncio.timeout(_LAST_STEP_SECONDS):
                await last_step()

        core.finalize_shutdown = in_time  # type: ignore[method-assign, unused-ignore]
        await next(worker)
