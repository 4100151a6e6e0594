"""What a charge point still lacks: values, its local list, its withdrawal."""

import asyncio
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Final

import structlog

from domain.commissioning import CancelRequest
from domain.names import LOCAL_LIST_PREFIX, configuration_workflow_id, local_list_workflow_id
from storage.charge_points import read_registered
from storage.local_lists import due_lists
from storage.run_orders import RunOrders
from storage.waiting_configuration import Unpushed, unpushed
from storage.withdrawals import Pending, Withdrawals, pending_withdrawals
from temporal import starts
from temporal.client import RPC_TIMEOUT
from temporal.reconciler.parts import MISSED, ReconcilerParts
from temporal.reconciler.step import ReconcileStep
from temporal.run_starter import TemporalRunStarter

_LISTS_AT_ONCE: Final = 50
_LOOK_ROUND: Final = timedelta(minutes=5)  # a site that was told of a withdrawal looks as often
_log = structlog.get_logger(__name__)


class ChargePointSteps:
    """Pushes values, updates local lists, and withdraws."""

    def __init__(self, parts: ReconcilerParts) -> None:
        self._parts = parts
        self._next_looks: dict[str, datetime] = {}
        self._runs = TemporalRunStarter(
            parts.client, parts.database, now=parts.now, task_queue=parts.task_queue
        )
        self.all = (
            ReconcileStep(
                "unpushed",
                lambda connection, **page: unpushed(
                    connection, before=parts.now() - MISSED, **page
                ),
                self._push,
                key=attrgetter("charge_point_id"),
            ),
            ReconcileStep(
                "lists",
                lambda connection, **page: due_lists(connection, now=parts.now(), **page),
                self._update_list,
            ),
            ReconcileStep(
                "withdrawals",
                pending_withdrawals,
                self._withdraw,
                key=attrgetter("charge_point_id"),
            ),
        )

    async def _push(self, waiting: Unpushed) -> None:
        charge_point = waiting.charge_point_id
        last = await self._parts.open.describe(configuration_workflow_id(charge_point))
        # A charge point that does not answer is not asked again before its next connection.
        if last is not None and last.start_time > waiting.since:
            return
        await self._parts.begin(starts.configuration(charge_point))
        _log.warning("configuration_push_started", charge_point=charge_point)

    async def _update_list(self, charge_point: str) -> None:
        if self._parts.open.lists(local_list_workflow_id(charge_point)):
            return
        if self._parts.open.count(LOCAL_LIST_PREFIX) >= _LISTS_AT_ONCE:
            return  # at the next round: a node has other things to do, too
        await self._parts.begin(starts.local_list(charge_point))

    async def _withdraw(self, pending: Pending) -> None:
        """End what goes on at a charge point, and withdraw it then."""
        identity, order, now = pending.charge_point_id, pending.order, self._parts.now()
        cancel = CancelRequest(by=order.by.email or "", reason=order.reason, actor=order.by)
        async with asyncio.timeout(RPC_TIMEOUT.total_seconds()):
            known = await self._runs.cancel_open(identity, cancel)
        if not known:
            async with self._parts.database.write() as connection:
                await RunOrders(connection, at=now).take_back(identity, by=order.by)
        async with self._parts.database.write() as connection:
            if await Withdrawals(connection).complete(identity, at=now):
                _log.info("charge_point_withdrawn", charge_point=identity)
            registered = await read_registered(connection, identity)
        if self._next_looks.get(identity, now) <= now:
            self._next_looks[identity] = now + _LOOK_ROUND
            await self._parts.have_site_look(registered.project_id, identity)
