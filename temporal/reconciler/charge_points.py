"""What charge points still lack: values, their local lists, their withdrawal; and transactions.

Of those, the ones whose end nobody told, or that wait to be billed.
"""

import asyncio
from datetime import datetime, timedelta
from operator import attrgetter, itemgetter
from typing import Final

import structlog

from domain.billing.messages import BillTransaction
from domain.commissioning import CancelRequest
from domain.facts import ChargePointEvent, ChargePointEvents, EventKind
from domain.ids import Prefix, new_id
from domain.names import (
    CHARGE_POINT_EVENTS_SIGNAL,
    LOCAL_LIST_PREFIX,
    configuration_workflow_id,
    local_list_workflow_id,
)
from storage.charge_points import read_registered
from storage.local_lists import due_lists
from storage.lost_transactions import Superseded, left, overtaken, supersede
from storage.run_orders import RunOrders
from storage.transactions_to_bill import due
from storage.waiting_configuration import Unpushed, unpushed
from storage.withdrawals import Pending, Withdrawals, pending_withdrawals
from temporal import starts
from temporal.client import RPC_TIMEOUT
from temporal.reconciler.step import MISSED, YOUNG, ReconcilerParts, ReconcileStep
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


class TransactionSteps:
    """Ends them, and has them billed."""

    def __init__(self, parts: ReconcilerParts) -> None:
        self._parts = parts
        self.all = (
            ReconcileStep(
                "overtaken",
                lambda connection, **page: overtaken(connection, now=parts.now(), **page),
                self._supersede,
                key=attrgetter("number"),
                first=0,
            ),
            ReconcileStep(
                "left",
                lambda connection, **page: left(connection, now=parts.now(), **page),
                self._supersede,
                key=attrgetter("number"),
                first=0,
            ),
            ReconcileStep(
                "bills",
                lambda connection, **page: due(
                    connection, ended_before=parts.now() - YOUNG, **page
                ),
                lambda found: self._bill(found[1]),
                key=itemgetter(0),
                first=0,
            ),
        )

    async def _supersede(self, which: Superseded) -> None:
        """Tell the site first: were that lost, the row would be no reason to tell it again."""
        at = self._parts.now()
        event = ChargePointEvent(
            event_id=new_id(Prefix.EVENT),
            kind=EventKind.TRANSACTION_STOPPED,
            at=at,
            charge_point_id=which.charge_point_id,
            transaction=which.ended,
        )
        told = ChargePointEvents(events=(event,))
        await self._parts.tell_site(which.project_id, CHARGE_POINT_EVENTS_SIGNAL, told)
        async with self._parts.database.write() as connection:
            if await supersede(connection, which, at=at):
                _log.warning("transaction_superseded", transaction=which.ended.transaction_id)

    async def _bill(self, bill: BillTransaction) -> None:
        if await self._parts.begin(starts.billing(bill)):
            _log.warning("billing_started_again", transaction=bill.transaction_id)
