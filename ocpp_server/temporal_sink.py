"""What a node tells Temporal, however late that is there: events as signals, and what is due.

All of it is in memory. What a killed node has not told, a workflow reads at the next connection;
what it has not started, the reconciler looks after.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import structlog
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from domain.billing.messages import BillTransaction
from domain.cancellation import end
from domain.facts import ChargePointEvent, ChargePointEvents, EventKind
from domain.names import CHARGE_POINT_EVENTS_SIGNAL, SHARED_TASK_QUEUE
from domain.states import LogLevel
from ocpp_server.charge_point_log import ChargePointLog
from storage.outages import Outage
from temporal import starts
from temporal.start import Start

_MAX_EVENTS: Final = 1_000
_MAX_STARTS: Final = 20_000
_STARTS_AT_ONCE: Final = 100
_RPC_TIMEOUT: Final = timedelta(seconds=10)
FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 10.0
# Temporal does not want it, and will not want it later.
_REFUSALS: Final = {RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.PERMISSION_DENIED}
_MAX_TOLD: Final = 50
_ROWS: Final = {EventKind.METER_VALUES}
_IN_A_SNAPSHOT: Final = set(EventKind) - {EventKind.FIRMWARE_STATUS, EventKind.DIAGNOSTICS_STATUS}
_log = structlog.get_logger(__name__)


class TemporalSink:
    """An :class:`EventSink` of the forwarder; events wait until Temporal is connected."""

    def __init__(
        self, *, task_queue: str = SHARED_TASK_QUEUE, lines: ChargePointLog | None = None
    ) -> None:
        self._lines = lines or ChargePointLog()
        self._client: Client | None = None
        self._connected = asyncio.Event()
        self._queues: dict[str, deque[ChargePointEvent]] = {}
        self._incomplete: set[str] = set()
        """Workflows that have not been told yet that events for them were dropped."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._outage = Outage("signals_wait_for_temporal", log=_log)
        self._starts = WorkflowStarts(
            temporal=self._temporal, keep=self._keep, task_queue=task_queue, lines=self._lines
        )

    def connected(self, client: Client) -> None:
        """Begin to deliver."""
        self._client = client
        self._connected.set()

    def deliver(self, workflow_id: str, event: ChargePointEvent) -> None:
        """Queue an event; of very many, those that can be read again are dropped."""
        queue = self._queues.get(workflow_id)
        if queue is not None:
            if len(queue) >= _MAX_EVENTS:
                _drop_one(queue)
                if workflow_id not in self._incomplete:
                    self._lines.tell(
                        "signals_dropped",
                        event.charge_point_id,
                        level=LogLevel.ERROR,
                        workflow_id=workflow_id,
                    )
                    self._incomplete.add(workflow_id)
            queue.append(event)
            return
        self._queues[workflow_id] = deque([event])
        self._keep(
            asyncio.create_task(self._deliver_all(workflow_id), name=f"signal {workflow_id}")
        )

    def configure(self, charge_point_id: str) -> None:
        """Start the push; where Temporal is away, it is waited for."""
        self._starts.begin(starts.configuration(charge_point_id), of=charge_point_id)

    def bill(self, due: BillTransaction) -> None:
        """Start the billing; where Temporal is away, it is waited for."""
        self._starts.begin(starts.billing_anew(due), of=due.charge_point_id)

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self, within: float) -> None:
        """Deliver what waits for at most ``within`` seconds, then give up."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=within)
        if late:
            _log.warning("signals_given_up", workflows=len(late))
        await asyncio.gather(*(end(task) for task in late))

    async def _deliver_all(self, workflow_id: str) -> None:
        queue = self._queues[workflow_id]
        try:
            client = await self._temporal()
            while queue:
                # Taken out only afterwards: what arrives meanwhile goes behind them.
                batch = tuple(itertools.islice(queue, _MAX_TOLD))
                await self._tell(client, workflow_id, batch)
                told = {event.event_id for event in batch}
                while queue and queue[0].event_id in told:
                    queue.popleft()
        finally:
            del self._queues[workflow_id]
            self._incomplete.discard(workflow_id)

    async def _temporal(self) -> Client:
        await self._connected.wait()
        assert self._client is not None  # noqa: S101 - connected
        return self._client

    async def _tell(
        self, client: Client, workflow_id: str, events: Sequence[ChargePointEvent]
    ) -> None:
        """Tell events, however long Temporal is away; to a workflow that is gone, nothing.

        One may begin right then: what arrived meanwhile is told to it.
        """
        pause, of = FIRST_PAUSE, events[0].charge_point_id
        while True:
            incomplete = workflow_id in self._incomplete
            self._incomplete.discard(workflow_id)  # what is dropped from now on is news
            told = ChargePointEvents(events=tuple(events), incomplete=incomplete)
            try:
                await client.get_workflow_handle(workflow_id).signal(
                    CHARGE_POINT_EVENTS_SIGNAL, told, rpc_timeout=_RPC_TIMEOUT
                )
            except RPCError as error:
                if incomplete:
                    self._incomplete.add(workflow_id)
                if error.status is RPCStatusCode.NOT_FOUND:
                    self._lines.tell("watcher_gone", of, workflow_id=workflow_id)
                    return
                if error.status in _REFUSALS and len(events) > 1:
                    # One of them is to blame: the others are told without it.
                    for event in events:
                        await self._tell(client, workflow_id, [event])
                    return
                if error.status in _REFUSALS:
                    self._lines.tell(
                        "signal_refused",
                        of,
                        level=LogLevel.ERROR,
                        workflow_id=workflow_id,
                        error=repr(error)[:200],
                    )
                    return
                self._outage.failed(error, workflow_id=workflow_id)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                self._outage.over()
                return


@dataclass(kw_only=True, eq=False)
class WorkflowStarts:
    """Workflows that a fact makes due: started, or told to look once more; by their ids."""

    temporal: Callable[[], Awaitable[Client]]
    """Returns once it is connected."""
    keep: Callable[[asyncio.Task[None]], None]
    """Holds the tasks."""
    task_queue: str
    lines: ChargePointLog
    _due: dict[str, Start] = field(default_factory=dict)
    _under_way: set[str] = field(default_factory=set)
    _at_once: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_STARTS_AT_ONCE))
    _outage: Outage = field(default_factory=lambda: Outage("starts_wait_for_temporal", log=_log))

    def begin(self, start: Start, *, of: str) -> None:
        """Have it started, of this charge point; the newest request of an id counts."""
        if start.id not in self._under_way:
            if len(self._under_way) >= _MAX_STARTS:
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
                await start.begin(client, self.task_queue, rpc_timeout=_RPC_TIMEOUT)
        except RPCError as error:
            if error.status in _REFUSALS:
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


def _drop_one(queue: deque[ChargePointEvent]) -> None:
    """Drop the oldest meter values, which are rows; else the oldest that is in a snapshot."""
    for droppable in (_ROWS, _IN_A_SNAPSHOT):
        for place, event in enumerate(queue):
            if event.kind in droppable:
                del queue[place]
                return
    queue.popleft()
