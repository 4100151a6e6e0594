"""The database's clock: the one that is the same for every process.

What one process stamps and another compares with "now", such as the beats of nodes, is stamped and
compared by it alone. The clocks of two machines differ, and a wrong one makes the living look dead.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement
from sqlmodel.sql.sqltypes import UTCDateTime


class database_now(FunctionElement[datetime]):  # noqa: N801 - it reads as the SQL that it is
    """The moment of this statement by the database's clock, or so long before it."""

    type = UTCDateTime()
    inherit_cache = True

    def __init__(self, *, ago: timedelta = timedelta(0)) -> None:
        super().__init__(bindparam(None, ago.total_seconds(), unique=True))


class earlier(FunctionElement[datetime]):  # noqa: N801 - as above
    """A moment of ours so long before that of a column."""

    type = UTCDateTime()
    inherit_cache = True

    def __init__(self, moment: ColumnElement[datetime], by: timedelta) -> None:
        super().__init__(moment, bindparam(None, by.total_seconds(), unique=True))


@compiles(database_now, "sqlite")
@compiles(earlier, "sqlite")
def _on_sqlite(element: database_now | earlier, compiler: Any, **options: Any) -> str:
    *of, seconds = (compiler.process(one, **options) for one in element.clauses)
    moment = of[0] if of else "'now'"
    # Six digits of a second, as our moments are stored there: they are compared as texts.
    return (
        f"(strftime('%Y-%m-%d %H:%M:%f', {moment}, printf('%+.3f seconds', -({seconds}))) || '000')"
    )


@compiles(database_now, "postgresql")
@compiles(earlier, "postgresql")
def _on_postgresql(element: database_now | earlier, compiler: Any, **options: Any) -> str:
    *of, seconds = (compiler.process(one, **options) for one in element.clauses)
    moment = of[0] if of else "statement_timestamp()"
    return f"({moment} - make_interval(secs => CAST({seconds} AS double precision)))"


@dataclass(frozen=True, kw_only=True, slots=True)
class Skew:
    """How far this process's clock is ahead of the database's; negative: behind."""

    ahead: timedelta

    @property
    def size(self) -> timedelta:
        """How far it is off."""
        return abs(self.ahead)

    def __str__(self) -> str:
        seconds = self.ahead.total_seconds()
        way = "ahead of" if seconds > 0 else "behind"
        return f"{abs(seconds):.1f} s {way} the database's"


async def read_database_clock(connection: AsyncConnection) -> datetime:
    """Read the database's clock."""
    moment: datetime = (await connection.execute(select(database_now()))).scalar_one()
    return moment


async def measure_skew(connection: AsyncConnection, now: Callable[[], datetime]) -> Skew:
    """Hold ``now`` against the database's clock; what the way there and back takes is no skew."""
    asked = now()
    theirs = await read_database_clock(connection)
    answered = now()
    if theirs > answered:
        return Skew(ahead=answered - theirs)
    return Skew(ahead=max(asked - theirs, timedelta(0)))
