"""Workers that end although the SDK's core sometimes does not."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from temporalio.plugin import SimplePlugin
from temporalio.worker import Worker

_AFTER_GRACE_SECONDS = 8.0
"""Less than the ten after which Docker kills what does not end."""

_log: Final = structlog.get_logger(__name__)


class WorkersEnd(SimplePlugin):
    """A plugin of a client: its workers end although the SDK's core sometimes does not.

    Two waits of a shutdown may last for ever (temporalio 1.35): that for the pollers, when a
    workflow task begins a local activity just as its worker stops, which is never run and keeps the
    task alive by a heartbeat each eight seconds; and the last step, where an activity has just
    ended (about once in a hundred). The process, or the pause of one whose database is away, would
    wait with it. What is left then is done again by another worker, as after a crash.
    """

    def __init__(self) -> None:
        super().__init__("workers end")

    async def run_worker(
        self,
        worker: Worker,
        next: Callable[[Worker], Awaitable[None]],  # noqa: A002
    ) -> None:
        """Run the worker; its shutdown takes its grace and eight seconds at most."""
        core = worker._bridge_worker  # noqa: SLF001 - no setting bounds it
        begin_shutdown = core.initiate_shutdown
        grace = worker.config(active_config=True)["graceful_shutdown_timeout"].total_seconds()
        try:
            async with asyncio.timeout(None) as limit:

                def begin_bounded_shutdown() -> None:
                    now = asyncio.get_running_loop().time()
                    limit.reschedule(now + grace + _AFTER_GRACE_SECONDS)
                    begin_shutdown()

                core.initiate_shutdown = begin_bounded_shutdown  # type: ignore[method-assign, unused-ignore]
                await next(worker)
        except TimeoutError:
            if not limit.expired():
                raise
            _log.warning("worker_cut_off", task_queue=worker.task_queue)
            worker._shutdown_complete_event.set()  # noqa: SLF001 - else who waits for it never ends
