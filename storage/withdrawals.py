"""Taking charge points out of their project, and bringing them back.

What goes on at one (a run, a session) ends first when that is asked for: the order waits in its
row, the end of the run carries it out, and the reconciler sees to it that the end comes.

At a site that is handed over each order waits, and the workflow of the site carries it out: once it
has seen that the charge point cannot draw any more, what it might have drawn is free for others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.audit import Actor, AuditAction
from domain.errors import ConflictError
from domain.states import ChargePointStatus
from domain.withdrawals import WithdrawalOrder
from storage.audit import Audit
from storage.charge_points import ChargePoint, refuse_withdrawn
from storage.connections import read_connection
from storage.in_use import at_live_site, charging
from storage.lost_transactions import supersede_all
from storage.models.charge_points import ChargePoint as ChargePointRow
from storage.rows import Repository, Rows
from storage.runs import Runs, refuse_while_open
from storage.verdicts import restate


@dataclass(frozen=True, kw_only=True, slots=True)
class Pending:
    """An order that waits for the end of what goes on."""

    charge_point_id: str
    order: WithdrawalOrder


class Withdrawals(Repository):
    """Repository of what is taken out; callers that change something have locked the project."""

    async def withdraw(
        self, charge_point: ChargePoint, order: WithdrawalOrder, *, end_run: bool
    ) -> bool:
        """Take a charge point out; False when that waits until what goes on has ended.

        Raises:
            ConflictError: ``run_open`` with the ``commissioning_id``, ``charging`` with the
                ``transaction_ids``, unless these are to be ended first.

        """
        identity = charge_point.id
        if charge_point.withdrawal is not None:
            await self._say_isolated(charge_point, order)
            return False
        if not end_run:
            await refuse_while_open(self._connection, identity)
            running = await charging(self._connection, identity)
            is_live = await at_live_site(self._connection, identity)
            # Nothing draws where no supply is left; the site ends what was never told to end.
            if running and not (is_live and order.isolated):
                cut_off = ' If its supply is cut off, send "isolated": true.' if is_live else ""
                raise ConflictError(
                    "charging",
                    f"Charge point {charge_point.serial_number} is charging, as far as it has "
                    'told. Wait for the end, unplug the vehicle, or send "end_run": true to have '
                    f"it stopped first.{cut_off}",
                    transaction_ids=running,
                )
        is_live = await at_live_site(self._connection, identity)
        if is_live or (end_run and not await self._is_quiet(identity, now=order.asked_at)):
            await self._rows.at(ChargePointRow, identity).set(withdrawal=order)
            await Audit(self._connection, charge_point.project_id).write(
                AuditAction.CHARGE_POINT_WITHDRAWAL_ASKED,
                order.by,
                target=identity,
                at=order.asked_at,
                after={"reason": order.reason},
            )
            return False
        await self._take_out(identity, order, at=order.asked_at)
        return True

    async def complete(self, charge_point_id: str, *, at: datetime, by_site: bool = False) -> bool:
        """Carry out an order that waits, once nothing goes on any more; False when nothing is done.

        ``by_site``: the workflow of its site has seen that it cannot draw any more.
        Raises nothing of its own: it belongs to the end of a run as well.
        """
        order = await self._rows.value(col(ChargePointRow.withdrawal), charge_point_id)
        if order is None:
            return False
        if by_site:
            if await Runs(self._connection).open_run(charge_point_id) is not None:
                return False
            await supersede_all(self._connection, charge_point_id, at=at)
        elif await at_live_site(self._connection, charge_point_id) or not await self._is_quiet(
            charge_point_id, now=at
        ):
            return False
        await self._take_out(charge_point_id, order, at=at)
        return True

    async def reinstate(self, charge_point: ChargePoint, *, by: Actor, at: datetime) -> None:
        """Bring a charge point back, or take back its order; its verdict counts if it still holds.

        Raises:
            ConflictError: ``not_withdrawn``; ``replaced`` and ``duplicate_serial`` with the
                ``charge_point_id`` of the one that is in the way.

        """
        if charge_point.withdrawal is None:
            raise ConflictError(
                "not_withdrawn",
                f"Charge point {charge_point.serial_number} is not withdrawn; there is nothing to "
                "bring back.",
            )
        await self._refuse_taken(charge_point)
        await self._rows.at(ChargePointRow, charge_point.id).set(
            withdrawn_at=None, withdrawn_by=None, withdrawn_reason=None, withdrawal=None
        )
        status = charge_point.status
        if charge_point.withdrawal.at is not None:
            status = await self._status_of_reinstated(charge_point)
        await Audit(self._connection, charge_point.project_id).write(
            AuditAction.CHARGE_POINT_REINSTATED,
            by,
            target=charge_point.id,
            at=at,
            before={"status": charge_point.status.value, "reason": charge_point.withdrawal.reason},
            after={"status": status.value},
        )

    async def _status_of_reinstated(self, charge_point: ChargePoint) -> ChargePointStatus:
        """At a live site nobody charges there before it is commissioned once more."""
        if not await at_live_site(self._connection, charge_point.id):
            return await restate(self._connection, charge_point.id)
        await self._rows.at(ChargePointRow, charge_point.id).set(
            status=ChargePointStatus.REGISTERED
        )
        return ChargePointStatus.REGISTERED

    async def _say_isolated(self, charge_point: ChargePoint, order: WithdrawalOrder) -> None:
        """Add to an order that waits that nothing supplies the charge point any more."""
        pending = charge_point.withdrawal
        if pending is None or pending.at is not None or not order.isolated:
            refuse_withdrawn(charge_point)
        await self._rows.at(ChargePointRow, charge_point.id).set(withdrawal=order)

    async def _refuse_taken(self, charge_point: ChargePoint) -> None:
        columns = ChargePointRow.__table__.c
        present = select(columns.id, columns.serial_number).where(columns.withdrawn_at.is_(None))
        other = await self._rows.find(present.where(columns.id == charge_point.replaced_by))
        if other is not None:
            raise ConflictError(
                "replaced",
                f"Charge point {other.serial_number} ({other.id}) is in its place. Withdraw that "
                f"one first, with POST …/charge-points/{other.id}/withdraw.",
                charge_point_id=other.id,
            )
        key = select(columns.serial_key).where(columns.id == charge_point.id).scalar_subquery()
        other = await self._rows.find(
            present.where(columns.project_id == charge_point.project_id).where(
                columns.serial_key == key, columns.id != charge_point.id
            )
        )
        if other is not None:
            raise ConflictError(
                "duplicate_serial",
                f"The serial number {other.serial_number} has been registered again meanwhile, as "
                f"{other.id}. Withdraw or remove that one, or correct its serial number, first.",
                charge_point_id=other.id,
            )

    async def _is_quiet(self, charge_point_id: str, *, now: datetime) -> bool:
        """Tell whether no run is open, and no session that could still be stopped."""
        if await Runs(self._connection).open_run(charge_point_id) is not None:
            return False
        if not await charging(self._connection, charge_point_id):
            return True
        link = await read_connection(self._connection, charge_point_id, now=now)
        return link is None or not link.connected

    async def _take_out(
        self, charge_point_id: str, order: WithdrawalOrder, *, at: datetime
    ) -> None:
        row = await self._rows.get(ChargePointRow, charge_point_id)
        await self._rows.at(ChargePointRow, charge_point_id).set(
            status=ChargePointStatus.WITHDRAWN,
            withdrawn_at=at,
            withdrawn_by=order.by.email,
            withdrawn_reason=order.reason,
            withdrawal=None,
            restart_due=False,
        )
        await Audit(self._connection, row.project_id).write(
            AuditAction.CHARGE_POINT_WITHDRAWN,
            order.by,
            target=charge_point_id,
            at=at,
            before={"status": row.status},
            after={"status": ChargePointStatus.WITHDRAWN.value, "reason": order.reason},
        )


async def pending_withdrawals(
    connection: AsyncConnection, *, after: str, limit: int
) -> Sequence[Pending]:
    """Return orders that wait, in the order of the charge points' ids."""
    orders = await Rows(connection).pairs(
        select(col(ChargePointRow.id), col(ChargePointRow.withdrawal))
        .where(col(ChargePointRow.withdrawal).is_not(None), col(ChargePointRow.id) > after)
        .order_by(col(ChargePointRow.id))
        .limit(limit)
    )
    return [Pending(charge_point_id=id_, order=one) for id_, one in orders.items() if one]
