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


class Numbered(Protocol):
    """A row with an id."""

    @property
    def id(self) -> int:
        """Grows with each row."""
        ...


T = TypeVar("T")


def old_ones(
    rows: Sequence[T], since: Callable[[T], datetime], *, before: datetime, now: datetime
) -> Sequence[T]:
    """Return the rows until the first that is young yet; all of them have been looked at then.

    ``since`` says by the engine's clock from when the age of a row counts. One of the future,
    written while a clock was wrong, holds up none behind it: it is among them, and that moment says
    that it stays. One that came since ``now`` is young.
    """
    for number, row in enumerate(rows):
        if before <= since(row) <= now + _AHEAD:
            return rows[:number]
    return rows


async def remove(connection: AsyncConnection, table: Table, ids: Sequence[Any]) -> int:
    """Delete rows by their ids."""
    if ids:
        await connection.execute(delete(table).where(among(connection, table.c.id, ids)))
    return len(ids)


async def step_behind(
    connection: AsyncConnection,
    id_: SQLColumnExpression[int],
    position: str,
    page: Sequence[Numbered],
    old: Sequence[Numbered],
    gone: int,
) -> Step:
    """Return the step that has looked at the ``old`` ones of a page of rows, by their ids.

    Its position is one whose id is not given again: SQLite gives the next row the id behind the
    highest that is there.
    """
    highest = await connection.scalar(select(func.max(id_))) or 0
    last = old[-1].id if old else int(position or 0)
    return Step(
        position=str(min(last, highest)),
        gone=gone,
        is_last=len(old) < len(page) or len(page) < ROWS,
    )
