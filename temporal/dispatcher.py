"""Starts the workflow of each delivery, and of each mail about an account, that waits in an outbox.

An announcement is committed with its fact, and that is all that the fact's own path does for it; so
it is with a mail that somebody has asked for.
Every worker runs a dispatcher; two at work do no harm, for a delivery has one workflow.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from temporalio.client import Client

from domain.names import SHARED_TASK_QUEUE, delivery_workflow_id
from storage.account_letters import Letters
from storage.deliveries import KEPT, Deliveries
from storage.engine import Database
from storage.outages import Outage
from temporal import starts
from temporal.open_workflows import OpenWorkflows

_PAUSE = timedelta(seconds=1)
_OUTAGE_PAUSE = timedelta(seconds=5)
_ROUNDS_OF_TRUST = 15  # then it is looked whether what was started still runs
_YOUNG = timedelta(seconds=15)
_PAGE = 100
_log = structlog.get_logger(__name__)


class Dispatcher:
    """Looks into the outbox once a second."""

    def __init__(
        self,
        client: Client,
        database: Database,
        *,
        now: Callable[[], datetime],
        task_queue: str = SHARED_TASK_QUEUE,
    ) -> None:
        self._client = client
        self._database = database
        self._now = now
        self._task_queue = task_queue
        self._open = OpenWorkflows(client)
        self._last_dispatched = ""

    async def run(self) -> None:
        """Dispatch for ever; an outage is tried again."""
        rounds = 0
        outage = Outage("dispatcher_round_failed", log=_log)
        while True:
            pause = _PAUSE
            try:
                await self.dispatch()
                if rounds % _ROUNDS_OF_TRUST == 0:
                    await self.look_after()
                outage.over()
            except Exception as error:  # noqa: BLE001 - dispatching outlives every outage
                outage.failed(error)
                pause = _OUTAGE_PAUSE
            rounds += 1
            await asyncio.sleep(pause.total_seconds())

    async def dispatch(self) -> None:
        """Start what waits."""
        await self._dispatch_letters()
        async with self._database.read() as connection:
            waiting = await Deliveries(connection).waiting(limit=_PAGE)
        if not waiting:
            return
        for one in waiting:
            start = starts.delivery_again(one.id) if one.again else starts.delivery(one.id)
            await start.begin(self._client, self._task_queue)
        async with self._database.write() as connection:
            await Deliveries(connection).mark_dispatched(
                [one.id for one in waiting], at=self._now()
            )

    async def look_after(self) -> None:
        """Start again what Temporal has lost, and forget what is old."""
        now = self._now()
        async with self._database.write() as connection:
            deliveries = Deliveries(connection)
            page = await deliveries.dispatched(
                before=now - _YOUNG, after=self._last_dispatched, limit=_PAGE
            )
            await deliveries.forget(before=now - KEPT)
            await Letters(connection).forget(now=now)
        self._last_dispatched = page[-1] if len(page) == _PAGE else ""
        for delivery_id in page:
            if not await self._open.have(delivery_workflow_id(delivery_id)):
                _log.warning("delivery_started_again", delivery=delivery_id)
                await starts.delivery(delivery_id).begin(self._client, self._task_queue)

    async def _dispatch_letters(self) -> None:
        async with self._database.read() as connection:
            waiting = await Letters(connection).waiting(limit=_PAGE)
        if not waiting:
            return
        async with self._database.write() as connection:
            await Letters(connection).drop_nobodys()
            waiting = await Letters(connection).waiting(limit=_PAGE)
        for letter_id in waiting:
            await starts.account_letter(letter_id).begin(self._client, self._task_queue)
        async with self._database.write() as connection:
            await Letters(connection).mark_dispatched(waiting, at=self._now())
