"""Workers of Temporal that take work only while the database answers.

A worker whose database is away would go on to take tasks, fail them, and take them again, while
another worker could do them. So it is shut down, which gives back what it holds, and a new one is
made when the database answers again: the SDK (1.35) has no pause for a worker.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Final

import structlog
from temporalio.worker import Worker

from storage.outages import DatabaseWatch, Outage, is_database_away

_log: Final = structlog.get_logger(__name__)


class _OncePerOutage(logging.Filter):
    """Of activities that fail for want of the database, the SDK logs each, with its trace."""

    def __init__(self) -> None:
        super().__init__()
        self._outage = Outage("activities_wait_for_database", log=_log)

    def filter(self, record: logging.LogRecord) -> bool:
        """Take all that is no repetition; where it was when it was given back is no news either."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, asyncio.CancelledError):
            record.exc_info = None
        if error is None or not is_database_away(error):
            return True
        self._outage.failed(error)
        return False


def log_outages_once() -> None:
    """Have the SDK's lines about activities in an outage cut down to the first of each kind."""
    logger = logging.getLogger("temporalio.activity")
    if not any(isinstance(one, _OncePerOutage) for one in logger.filters):
        logger.addFilter(_OncePerOutage())


class Polling:
    """Runs workers while the watch says that the database answers."""

    def __init__(self, watch: DatabaseWatch, make: Callable[[], Sequence[Worker]]) -> None:
        """``make`` gives new workers each time; one that was shut down cannot start again."""
        self._watch = watch
        self._make = make
        self.is_polling = False

    async def run(self) -> None:
        """Poll and pause until cancelled.

        Raises:
            RuntimeError: a worker ended by itself.

        """
        while True:
            await self._watch.answering.wait()
            workers = self._make()
            async with AsyncExitStack() as stack:
                for worker in workers:
                    await stack.enter_async_context(worker)
                stack.push_async_callback(_stop, workers)
                self.is_polling = True
                stack.callback(self._paused)
                queues = [worker.task_queue for worker in workers]
                _log.info("polling", task_queues=queues)
                await self._watch.away.wait()
                _log.warning("polling_paused", task_queues=queues, why="the database is away")

    def _paused(self) -> None:
        self.is_polling = False


async def _stop(workers: Sequence[Worker]) -> None:
    """All at once: what one of them still holds must not keep the next one polling."""
    await asyncio.gather(*(worker.shutdown() for worker in workers))
