"""The Schedules of Temporal: what the engine does by itself, again and again."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import structlog
from temporalio.client import (
    Client,
    Schedule,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

from domain.names import (
    DISPATCHER_SCHEDULE,
    RECONCILER_SCHEDULE,
    RETENTION_SCHEDULE,
    SHARED_TASK_QUEUE,
    upkeep_task_queue,
)
from storage.outages import Outage
from temporal import starts
from temporal.client import RPC_TIMEOUT
from temporal.start import Start

_PAUSE: Final = timedelta(seconds=10)
_LOOK: Final = timedelta(seconds=30)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Recurring:
    """A Schedule of ours, which never has two workflows at a time."""

    name: str
    start: Callable[[str], Start]
    every: timedelta
    missed: timedelta
    """For so long Temporal may have been away and makes up for it."""
    is_upkeep: bool = True
    """It has a task queue of its own, begins at once, and one turn follows the other."""
    jitter: timedelta | None = None

    def on(self, task_queue: str) -> Schedule:
        """As it is meant to be."""
        queue = upkeep_task_queue(task_queue) if self.is_upkeep else task_queue
        follows = ScheduleOverlapPolicy.BUFFER_ONE if self.is_upkeep else ScheduleOverlapPolicy.SKIP
        return Schedule(
            action=self.start(self.name).on_schedule(queue),
            spec=ScheduleSpec(
                intervals=[ScheduleIntervalSpec(every=self.every)], jitter=self.jitter
            ),
            policy=SchedulePolicy(overlap=follows, catchup_window=self.missed),
        )


_TURN: Final = timedelta(minutes=1)
RECONCILER: Final = Recurring(
    name=RECONCILER_SCHEDULE, start=starts.reconciler, every=_TURN, missed=_TURN
)
DISPATCHER: Final = Recurring(
    name=DISPATCHER_SCHEDULE, start=starts.dispatcher, every=_TURN, missed=_TURN
)
RETENTION: Final = Recurring(
    name=RETENTION_SCHEDULE,
    start=starts.retention,
    every=timedelta(hours=6),
    # A machine that is off at night makes up for one round; more would find nothing to do.
    missed=timedelta(hours=12),
    is_upkeep=False,
    jitter=timedelta(minutes=30),
)
ALL: Final = (RECONCILER, DISPATCHER, RETENTION)


async def keep_schedules(
    client: Client, schedules: Sequence[Recurring] = ALL, *, task_queue: str = SHARED_TASK_QUEUE
) -> None:
    """Have them there for ever: as they are meant to be at the start, and then not deleted.

    Of one that is paused a warning is logged; only an operator lets it go on.
    """
    outage = Outage("schedules_wait", log=_log)
    keeper = _Keeper(client, task_queue)
    while True:
        pause = _LOOK
        try:
            for one in schedules:
                await keeper.keep(one)
            outage.over()
        except Exception as error:  # noqa: BLE001 - the worker's other work goes on without it
            outage.failed(error)
            pause = _PAUSE
        await asyncio.sleep(pause.total_seconds())


class _Keeper:
    def __init__(self, client: Client, task_queue: str) -> None:
        self._client = client
        self._task_queue = task_queue
        self._ensured: set[str] = set()
        self._paused: set[str] = set()

    async def keep(self, one: Recurring) -> None:
        if one.name not in self._ensured:
            await ensure(self._client, one, task_queue=self._task_queue)
            self._ensured.add(one.name)
        try:
            found = await self._client.get_schedule_handle(one.name).describe(
                rpc_timeout=RPC_TIMEOUT
            )
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            _log.warning("schedule_made_again", schedule=one.name)
            await ensure(self._client, one, task_queue=self._task_queue)
            return
        state = found.schedule.state
        if not state.paused:
            self._paused.discard(one.name)
        elif one.name not in self._paused:
            self._paused.add(one.name)
            _log.warning("schedule_is_paused", schedule=one.name, note=state.note)


async def ensure(client: Client, one: Recurring, *, task_queue: str) -> None:
    """Create the Schedule, or bring the one that is there up to date.

    Whether it is paused, and why, is the operator's business and stays.
    """
    wanted = one.on(task_queue)
    try:
        await client.create_schedule(
            one.name, wanted, trigger_immediately=one.is_upkeep, rpc_timeout=RPC_TIMEOUT
        )
    except ScheduleAlreadyRunningError:
        await client.get_schedule_handle(one.name).update(
            lambda there: _brought_to(wanted, there), rpc_timeout=RPC_TIMEOUT
        )


def _brought_to(wanted: Schedule, there: ScheduleUpdateInput) -> ScheduleUpdate:
    return ScheduleUpdate(replace(wanted, state=there.description.schedule.state))
