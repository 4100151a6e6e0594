"""Configuration that waits: for a charge point that is away or charges, for its turn to restart."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.ownership import RebootRequest
from domain.states import ParameterState
from storage.clock import read_database_clock
from storage.connections import is_live
from storage.dialects import among
from storage.engine import Database
from storage.models.charge_points import ChargePoint
from storage.models.configuration import Parameter, RebootSlot
from storage.models.connections import ChargePointConnection
from storage.models.projects import Project
from storage.rows import Rows

_FORGOTTEN_AFTER = timedelta(days=1)  # nobody asks for the slot of so old an intent again


@dataclass(frozen=True, kw_only=True, slots=True)
class Occasions:
    """Charge points where something has just happened that configuration values may wait for."""

    online: Collection[str] = ()
    """Connected: queued values are pushed, and a restart that is pending is made."""
    booted: Collection[str] = ()
    """Restarted: values that waited for it are read back."""
    freed: Collection[str] = ()
    """A charge ended or a connector became free: a restart that waited for it is made."""


async def waiting_for(connection: AsyncConnection, occasions: Occasions) -> set[str]:
    """Return those whose configuration values waited for just that."""
    candidates = {*occasions.online, *occasions.booted, *occasions.freed}
    if not candidates:
        return set()
    rows = await connection.execute(
        select(col(Parameter.charge_point_id), col(Parameter.state), col(ChargePoint.restart_due))
        .join(ChargePoint, col(ChargePoint.id) == col(Parameter.charge_point_id))
        .where(among(connection, col(Parameter.charge_point_id), candidates))
        .where(col(Parameter.state).in_((ParameterState.QUEUED, ParameterState.PENDING_REBOOT)))
    )
    found = set()
    for row in rows:
        identity, pending = row.charge_point_id, row.state == ParameterState.PENDING_REBOOT
        if (
            identity in occasions.online
            or (pending and identity in occasions.booted)
            or (pending and row.restart_due and identity in occasions.freed)
        ):
            found.add(identity)
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Unpushed:
    """``since``: a push that was started later has tried, and is not tried again."""

    charge_point_id: str
    since: datetime


async def unpushed(
    connection: AsyncConnection, *, before: datetime, after: str, limit: int
) -> Sequence[Unpushed]:
    """Connected ones without an owner whose values wait since ``before``, in order of their ids."""
    queued = (
        select(col(Parameter.charge_point_id), func.max(col(Parameter.updated_at)).label("at"))
        .where(col(Parameter.state) == ParameterState.QUEUED)
        .group_by(col(Parameter.charge_point_id))
        .subquery()
    )
    rows = await connection.execute(
        select(col(ChargePoint.id), queued.c.at, col(ChargePointConnection.connected_at))
        .join(queued, queued.c.charge_point_id == col(ChargePoint.id))
        .join(
            ChargePointConnection, col(ChargePointConnection.charge_point_id) == col(ChargePoint.id)
        )
        .where(col(ChargePoint.watched_by).is_(None), col(ChargePoint.id) > after)
        .where(queued.c.at < before, col(ChargePointConnection.connected_at) < before, is_live())
        .order_by(col(ChargePoint.id))
        .limit(limit)
    )
    return [Unpushed(charge_point_id=row.id, since=max(row.at, row.connected_at)) for row in rows]


class StoredRebootStagger:
    """Implements :class:`domain.ports.RebootStagger`."""

    def __init__(
        self,
        database: Database,
        *,
        stagger: timedelta,
        now: Callable[[AsyncConnection], Awaitable[datetime]] = read_database_clock,
    ) -> None:
        self._database = database
        self._stagger = stagger
        self._now = now

    async def reserve(self, request: RebootRequest) -> timedelta:
        """Reserve the next free slot, one for each intent; returns how long it is until then."""
        async with self._database.write() as connection:
            project_id = await connection.scalar(
                select(col(Project.id))
                .join(ChargePoint, col(ChargePoint.project_id) == col(Project.id))
                .where(col(ChargePoint.id) == request.charge_point_id)
                # PostgreSQL: one at a time in a project. SQLite has one writer anyway.
                .with_for_update(of=Project)
            )
            # Not before the lock is there, and by the one clock that all workers share.
            now = await self._now(connection)
            rows = Rows(connection)
            slot = await rows.value(col(RebootSlot.at), request.intent)
            if slot is None:
                last: datetime | None = await connection.scalar(
                    select(func.max(col(RebootSlot.at))).where(
                        col(RebootSlot.project_id) == project_id
                    )
                )
                slot = now if last is None else max(now, last + self._stagger)
                await rows.add(RebootSlot, intent=request.intent, project_id=project_id, at=slot)
                await rows.those(
                    RebootSlot,
                    col(RebootSlot.project_id) == project_id,
                    col(RebootSlot.at) < now - _FORGOTTEN_AFTER,
                ).remove()
        return max(slot - now, timedelta(0))
