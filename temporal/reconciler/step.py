"""Goes over the rows of one kind, however many: page after page, some rows at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio.service import RPCError, RPCStatusCode

from storage.engine import Database
from storage.outages import Outage, is_database_away

RowT = TypeVar("RowT")
RowT_co = TypeVar("RowT_co", covariant=True)

_PAGE = 200
_AT_ONCE = 8  # some connections of the database are left to the activities
_AWAY = {RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED}
_log = structlog.get_logger(__name__)


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
