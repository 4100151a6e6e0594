"""The Schedules of Temporal: what the engine does by itself, again and again."""

import asyncio
from dataclasses import replace
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

from domain.names import RETENTION_SCHEDULE, SHARED_TASK_QUEUE
from storage.outages import Outage
from temporal import starts
from temporal.client import RPC_TIMEOUT

EVERY: Final = timedelta(hours=6)
_JITTER: Final = timedelta(minutes=30)
_MISSED: Final = timedelta(hours=12)
"""A machine that is off at night makes up for one round; more would find nothing to do."""
_PAUSE: Final = timedelta(seconds=10)
_log = structlog.get_logger(__name__)


async def keep_schedules(client: Client, *, task_queue: str = SHARED_TASK_QUEUE) -> None:
    """Have them there as they are meant to be; each worker does so when it starts."""
    outage = Outage("schedules_wait", log=_log)
    while True:
        try:
            await ensure_retention(client, task_queue=task_queue)
        except Exception as error:  # noqa: BLE001 - the worker's other work goes on without it
            outage.failed(error)
            await asyncio.sleep(_PAUSE.total_seconds())
        else:
            outage.over()
            return


async def ensure_retention(
    client: Client, *, task_queue: str = SHARED_TASK_QUEUE, name: str = RETENTION_SCHEDULE
) -> None:
    """Create the Schedule, or bring the one that is there up to date.

    Whether it is paused, and why, is the operator's business and stays.
    """
    wanted = Schedule(
        action=starts.retention(name).on_schedule(task_queue),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=EVERY)], jitter=_JITTER),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=_MISSED),
    )
    try:
        await client.create_schedule(name, wanted, rpc_timeout=RPC_TIMEOUT)
    except ScheduleAlreadyRunningError:
        await client.get_schedule_handle(name).update(
            lambda there: _brought_to(wanted, there), rpc_timeout=RPC_TIMEOUT
        )


def _brought_to(wanted: Schedule, there: ScheduleUpdateInput) -> ScheduleUpdate:
    return ScheduleUpdate(replace(wanted, state=there.description.schedule.state))
