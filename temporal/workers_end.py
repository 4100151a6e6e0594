"""Workers that end although the SDK's core sometimes does not."""

import asyncio
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Final

import structlog
from temporalio.plugin import SimplePlugin
from temporalio.worker import Worker, WorkerConfig

_AFTER_GRACE_SECONDS = 8.0
"""Less than the ten after which Docker kills what does not end."""

SEEN_IN: Final = ("1.35.",)
"""Versions of temporalio whose shutdown was seen to last, and for which the bound was made."""

_log: Final = structlog.get_logger(__name__)


class _Fatal:
    """Keeps the error by which a worker ended: one that is cut off would not tell it."""

    error: BaseException | None = None

    async def __call__(self, error: BaseException) -> None:
        self.error = error


class WorkersEnd(SimplePlugin):
    """A plugin of a client: its workers end although the SDK's core sometimes does not.

    Two waits of a shutdown may last for ever (temporalio 1.35; of any other version nothing is
    known, so it is left alone): that for the pollers, when a
    workflow task begins a local activity just as its worker stops, which is never run and keeps the
    task alive by a heartbeat each eight seconds; and the last step, where an activity has just
    ended (about once in a hundred). The process, or the pause of one whose database is away, would
    wait with it. What is left then is done again by another worker, as after a crash.
    """

    def __init__(self) -> None:
        super().__init__("workers end")

    def configure_worker(self, config: WorkerConfig) -> WorkerConfig:
        """Have a fatal error kept."""
        config["on_fatal_error"] = _Fatal()
        return config

    async def run_worker(
        self,
        worker: Worker,
        next: Callable[[Worker], Awaitable[None]],  # noqa: A002
    ) -> None:
        """Run the worker; its shutdown takes its grace and eight seconds at most.

        Raises:
            BaseException: that by which it ended by itself.

        """
        sdk = version("temporalio")
        if not sdk.startswith(SEEN_IN):
            _log.warning("workers_end_unbounded", temporalio=sdk, known=SEEN_IN)
            await next(worker)
            return
        core = worker._bridge_worker  # noqa: SLF001 - no setting bounds it
        begin_shutdown = core.initiate_shutdown
        config = worker.config(active_config=True)
        grace = config["graceful_shutdown_timeout"].total_seconds()
        try:
            async with asyncio.timeout(None) as limit:

                def begin_bounded_shutdown() -> None:
                    now = asyncio.get_running_loop().time()
                    limit.reschedule(now + grace + _AFTER_GRACE_SECONDS)
                    begin_shutdown()

                core.initiate_shutdown = begin_bounded_shutdown  # type: ignore[method-assign, unused-ignore]
                await next(worker)
                return
        except TimeoutError:
            if not limit.expired():
                raise
        _log.warning("worker_cut_off", task_queue=worker.task_queue)
        worker._shutdown_complete_event.set()  # noqa: SLF001 - else who waits for it never ends
        fatal = config["on_fatal_error"]
        if isinstance(fatal, _Fatal) and fatal.error is not None:
            raise fatal.error
