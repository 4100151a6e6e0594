"""Starts the workflow of each delivery, and of each mail about an account, that waits in an outbox.

An announcement is committed with its fact, and that is all that the fact's own path does for it; so
it is with a mail that somebody has asked for.
A Schedule has one worker at it at a time; two would do no harm, for a delivery has one workflow.
"""

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
    """Implements :class:`domain.ports.Rounds`: looks into the outbox once a second.

    What it knows from round to round is about its own rounds; another worker's, in between, do not
    make it wrong.
    """

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
        self._outage = Outage("dispatcher_round_failed", log=_log)
        self._last_dispatched = ""
        self._trusted = _ROUNDS_OF_TRUST

    async def go_round(self) -> timedelta:
        """Dispatch, and look after what was dispatched; an outage is tried again."""
        try:
            await self.dispatch()
            self._trusted += 1
            if self._trusted > _ROUNDS_OF_TRUST:
                await self.look_after()
                self._trusted = 1
            self._outage.over()
        except Exception as error:  # noqa: BLE001 - dispatching outlives every outage
            self._outage.failed(error)
            return _OUTAGE_PAUSE
        return _PAUSE

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
