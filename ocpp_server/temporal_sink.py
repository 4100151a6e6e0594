"""Events as signals: one queue per watching workflow, in order, until each is told.

They are in memory: what a killed node has not told, a workflow reads at the next connection.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import Sequence
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
from ocpp_server.workflow_starts import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    REFUSALS,
    RPC_TIMEOUT,
    WorkflowStarts,
)
from storage.outages import Outage
from temporal import starts

_MAX_WAITING: Final = 1_000
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
            if len(queue) >= _MAX_WAITING:
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
                    CHARGE_POINT_EVENTS_SIGNAL, told, rpc_timeout=RPC_TIMEOUT
                )
            except RPCError as error:
                if incomplete:
                    self._incomplete.add(workflow_id)
                if error.status is RPCStatusCode.NOT_FOUND:
                    self._lines.tell("watcher_gone", of, workflow_id=workflow_id)
                    return
                if error.status in REFUSALS and len(events) > 1:
                    # One of them is to blame: the others are told without it.
                    for event in events:
                        await self._tell(client, workflow_id, [event])
                    return
                if error.status in REFUSALS:
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


def _drop_one(queue: deque[ChargePointEvent]) -> None:
    """Drop the oldest meter values, which are rows; else the oldest that is in a snapshot."""
    for droppable in (_ROWS, _IN_A_SNAPSHOT):
        for place, event in enumerate(queue):
            if event.kind in droppable:
                del queue[place]
                return
    queue.popleft()
