"""Workflows that a fact makes due: started, or told to look once more, however late Temporal is."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import structlog
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from domain.states import LogLevel
from ocpp_server.charge_point_log import ChargePointLog
from storage.outages import Outage
from temporal.start import Start

_MAX_WAITING: Final = 20_000
_AT_ONCE: Final = 100
RPC_TIMEOUT: Final = timedelta(seconds=10)
FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 10.0
# Temporal does not want it, and will not want it later.
REFUSALS: Final = {RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.PERMISSION_DENIED}
_log = structlog.get_logger(__name__)


@dataclass(kw_only=True, eq=False)
class WorkflowStarts:
    """Starts by workflow id. They are in memory: after a crash the reconciler looks after them."""

    temporal: Callable[[], Awaitable[Client]]
    """Returns once it is connected."""
    keep: Callable[[asyncio.Task[None]], None]
    """Holds the tasks."""
    task_queue: str
    lines: ChargePointLog
    _due: dict[str, Start] = field(default_factory=dict)
    _under_way: set[str] = field(default_factory=set)
    _at_once: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))
    _outage: Outage = field(default_factory=lambda: Outage("starts_wait_for_temporal", log=_log))

    def begin(self, start: Start, *, of: str) -> None:
        """Have it started, of this charge point; the newest request of an id counts."""
        if start.id not in self._under_way:
            if len(self._under_way) >= _MAX_WAITING:
                self.lines.tell("start_dropped", of, level=LogLevel.ERROR, workflow=start.id)
                return
            self._under_way.add(start.id)
            self.keep(asyncio.create_task(self._begin_all(start.id, of), name=f"start {start.id}"))
        self._due[start.id] = start

    async def _begin_all(self, workflow_id: str, of: str) -> None:
        """Try until nothing is due: what falls due during a try has one of its own."""
        pause = FIRST_PAUSE
        try:
            client = await self.temporal()
            while (start := self._due.pop(workflow_id, None)) is not None:
                if not await self._try(client, start, of):
                    self._due.setdefault(workflow_id, start)
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, LONGEST_PAUSE)
        finally:
            self._under_way.discard(workflow_id)

    async def _try(self, client: Client, start: Start, of: str) -> bool:
        """Return False when it is to be tried again."""
        try:
            async with self._at_once:
                await start.begin(client, self.task_queue, rpc_timeout=RPC_TIMEOUT)
        except RPCError as error:
            if error.status in REFUSALS:
                self.lines.tell(
                    "workflow_not_started",
                    of,
                    level=LogLevel.WARNING,
                    workflow=start.id,
                    error=repr(error)[:200],
                )
                return True
            self._outage.failed(error, workflow=start.id)
            return False
        self._outage.over()
        return True
