"""What one transaction of letting go has done, and where the next one begins."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import SQLColumnExpression, Table, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.dialects import among

ROWS: Final = 500
"""Looked at, and so let go, at most, in one transaction."""
_AHEAD: Final = timedelta(days=1)
"""A round goes on for minutes with the time of its begin, and clocks of nodes differ."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """``position``: what is at it, or before it, has been looked at."""

    position: str
    gone: int = 0
    is_last: bool = False


Take = Callable[[AsyncConnection, str], Awaitable[Step]]
"""Goes on after a position, in a transaction of its caller."""


class Dated(Protocol):
    """A row with an id, and the moment that its age counts from."""

    @property
    def id(self) -> int:
        """Grows with each row."""
        ...

    @property
    def since(self) -> datetime:
        """By the engine's clock."""
        ...


DatedT = TypeVar("DatedT", bound=Dated)


def old_ones(rows: Sequence[DatedT], *, before: datetime, now: datetime) -> Sequence[DatedT]:
    """Return the rows until the first that is young yet; all of them have been looked at then.

    One of the future, written while a clock was wrong, holds up none behind it: it is among them,
    and its `since` says that it stays. One that came since ``now`` is young.
    """
    for number, row in enumerate(rows):
        if before <= row.since <= now + _AHEAD:
            return rows[:number]
    return rows


async def remove(connection: AsyncConnection, table: Table, ids: Sequence[Any]) -> int:
    """Delete rows by their ids."""
    if ids:
        await connection.execute(delete(table).where(among(connection, table.c.id, ids)))
    return len(ids)


async def looked_at(connection: AsyncConnection, id_: SQLColumnExpression[int], until: int) -> str:
    """Say the position behind a row, as far as ids are not given again.

    SQLite gives the next row the id behind the highest that is there.
    """
    highest: int | None = await connection.scalar(select(func.max(id_)))
    return str(min(until, highest or 0))
