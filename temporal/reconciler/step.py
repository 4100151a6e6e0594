"""A step of a round: goes over the rows of one kind, however many, with what all steps share."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Generic, Protocol, TypeVar

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from domain.names import LOOK_AGAIN_SIGNAL, site_workflow_id
from storage.engine import Database
from storage.outages import Outage, is_database_away
from temporal.client import RPC_TIMEOUT
from temporal.open_workflows import OpenWorkflows
from temporal.start import Start

RowT = TypeVar("RowT")
RowT_co = TypeVar("RowT_co", covariant=True)

YOUNG: Final = timedelta(seconds=10)
"""The writer of a row may still be starting its workflow for so long."""
MISSED: Final = timedelta(minutes=1)
"""What was not told after this time will not be."""
_PAGE = 200
_AT_ONCE = 8  # some connections of the database are left to the activities
_AWAY = {RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED}
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReconcilerParts:
    """Temporal and the database, and what was found there at the beginning of the round."""

    client: Client
    database: Database
    now: Callable[[], datetime]
    task_queue: str
    open: OpenWorkflows

    async def begin(self, start: Start) -> bool:
        """Start a workflow; False when it is open already."""
        begun = await start.begin(self.client, self.task_queue)
        self.open.add(start.id)
        return begun

    async def tell_site(self, project_id: str, signal: str, about: object) -> None:
        """Tell the workflow of a site, if it is handed over."""
        site = site_workflow_id(project_id)
        if self.open.lists(site):
            handle = self.client.get_workflow_handle(site)
            await handle.signal(signal, about, rpc_timeout=RPC_TIMEOUT)

    async def have_site_look(self, project_id: str, charge_point_id: str) -> None:
        """Tell the workflow of a site that it may have missed something of a charge point."""
        await self.tell_site(project_id, LOOK_AGAIN_SIGNAL, charge_point_id)


class Page(Protocol[RowT_co]):
    """Reads the rows after a key, in the order of their keys."""

    def __call__(
        self, connection: AsyncConnection, *, after: Any, limit: int
    ) -> Awaitable[Sequence[RowT_co]]:
        """Read ``limit`` rows at most."""
        ...


class ReconcileStep(Generic[RowT]):
    """One step of a round; one that is cut off goes on after its last page at the next call."""

    def __init__(
        self,
        name: str,
        read: Page[RowT],
        reconcile: Callable[[RowT], Awaitable[object]],
        *,
        key: Callable[[RowT], Any] = lambda row: row,
        first: str | int = "",
    ) -> None:
        """``reconcile`` is safe to repeat; ``first`` is before the key of every row."""
        self.name = name
        self._read = read
        self._key = key
        self._first: Any = first
        self._after: Any = first
        self._reconcile = reconcile
        self._outage = Outage("reconcile_step_waits", log=_log)

    async def go(self, database: Database) -> bool:
        """Reconcile each row; one that fails holds up no other. Tells whether all are well."""
        are_well = True
        while True:
            async with database.read() as connection:
                page = await self._read(connection, after=self._after, limit=_PAGE)
            is_last = len(page) < _PAGE
            self._after = self._first if is_last else self._key(page[-1])
            are_well &= await self._reconcile_all(page)
            if is_last:
                return are_well

    async def _reconcile_all(self, page: Sequence[RowT]) -> bool:
        rows, are_well = iter(page), True

        async def reconcile_next() -> None:
            nonlocal are_well
            for row in rows:
                try:
                    await self._reconcile(row)
                except Exception as error:  # noqa: BLE001 - the next round tries it again
                    are_well = False
                    if _is_outage(error):
                        self._outage.failed(error, what=self.name)  # not with each row
                    else:
                        _log.warning(
                            "not_reconciled",
                            what=self.name,
                            key=self._key(row),
                            error=repr(error)[:300],
                        )

        async with asyncio.TaskGroup() as group:
            for _ in range(min(_AT_ONCE, len(page))):
                group.create_task(reconcile_next())
        if are_well and page:
            self._outage.over()
        return are_well


def _is_outage(error: Exception) -> bool:
    if isinstance(error, RPCError):
        return error.status in _AWAY
    return is_database_away(error)
