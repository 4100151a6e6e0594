"""The stagger of reboots: the charge points of one site do not all go dark at once."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.ownership import RebootRequest
from storage.clock import read_database_clock
from storage.engine import Database
from storage.models.charge_points import ChargePoint
from storage.models.configuration import RebootSlot
from storage.models.projects import Project
from storage.rows import Rows

_FORGOTTEN_AFTER = timedelta(days=1)  # nobody asks for the slot of so old an intent again


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
            slot: datetime | None = await Rows(connection).value(col(RebootSlot.at), request.intent)
            if slot is None:
                last: datetime | None = await connection.scalar(
                    select(func.max(col(RebootSlot.at))).where(
                        col(RebootSlot.project_id) == project_id
                    )
                )
                slot = now if last is None else max(now, last + self._stagger)
                await Rows(connection).add(
                    RebootSlot, intent=request.intent, project_id=project_id, at=slot
                )
                await connection.execute(
                    delete(RebootSlot)
                    .where(col(RebootSlot.project_id) == project_id)
                    .where(col(RebootSlot.at) < now - _FORGOTTEN_AFTER)
                )
        return max(slot - now, timedelta(0))
