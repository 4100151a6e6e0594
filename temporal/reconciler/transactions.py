"""Transactions whose end nobody told, or that wait to be billed."""

from operator import attrgetter, itemgetter

import structlog

from domain.billing.messages import BillTransaction
from domain.facts import ChargePointEvent, ChargePointEvents, EventKind
from domain.ids import Prefix, new_id
from domain.names import CHARGE_POINT_EVENTS_SIGNAL
from storage.lost_transactions import Superseded, left, overtaken, supersede
from storage.transactions_to_bill import due
from temporal import starts
from temporal.reconciler.parts import YOUNG, ReconcilerParts
from temporal.reconciler.step import ReconcileStep

_log = structlog.get_logger(__name__)


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
