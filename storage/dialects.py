"""What SQLite and PostgreSQL spell differently: INSERT … ON CONFLICT, and lists as one parameter.

A list that travels as one JSON parameter makes one statement text for every length, and costs the
event loop nothing per element; SQLAlchemy's own lists cost microseconds each.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any, Final, cast

import orjson
from sqlalchemy import (
    Column,
    ColumnElement,
    Date,
    FromClause,
    Insert,
    Integer,
    SQLColumnExpression,
    String,
    bindparam,
    func,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import TypeEngine
from sqlmodel.sql.sqltypes import UTCDateTime

from storage.models.base import TableModel
from storage.samples import Samples

_NAIVE_LENGTH: Final = len("2026-01-02 03:04:05.000000")


def conflict_insert(
    connection: AsyncConnection, model: type[TableModel]
) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT that has ``on_conflict_do_nothing`` and ``on_conflict_do_update``."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(model.__table__)
    return postgresql.insert(model.__table__)


def upsert(
    connection: AsyncConnection, model: type[TableModel], *, keys: tuple[str, ...]
) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT that replaces every other column of the row with the same keys."""
    statement = conflict_insert(connection, model)
    return statement.on_conflict_do_update(
        index_elements=list(keys),
        set_={
            column.name: statement.excluded[column.name]
            for column in model.__table__.columns
            if column.name not in keys
        },
    )


def at_once(connection: AsyncConnection, statement: Insert) -> Insert:
    """Have one statement insert all rows of a list, on SQLite.

    Row by row its driver gives the interpreter away at each, and beside busy threads waits tens of
    milliseconds to have it again, while it holds the only right to write. That something is to be
    returned makes SQLAlchemy put them together. No value may be bound behind ON CONFLICT.
    """
    if connection.dialect.name == "sqlite":
        return statement.returning(*statement.table.primary_key)
    return statement


def among(
    connection: AsyncConnection, column: SQLColumnExpression[Any], values: Collection[Any]
) -> ColumnElement[bool]:
    """Tell whether a text or integer column is one of these values."""
    if connection.dialect.name == "sqlite":
        listed = func.json_each(orjson.dumps(list(values)).decode()).table_valued("value")
        return column.in_(select(listed.c.value))
    array = postgresql.ARRAY(_element_type(column))
    return column == func.any(bindparam(None, list(values), type_=array, unique=True))


def listed(
    connection: AsyncConnection, columns: Sequence[Column[Any]], rows: Sequence[Sequence[Any]]
) -> FromClause:
    """Return a table of these rows: ``place`` counts from 1, the rest is named like the columns."""
    if connection.dialect.name == "sqlite":
        written = [
            [moment_of_sqlite(value) if isinstance(value, datetime) else value for value in row]
            for row in rows
        ]
        elements = func.json_each(orjson.dumps(written).decode()).table_valued("key", "value")
        return select(
            (elements.c.key + 1).label("place"),
            *(
                func.json_extract(elements.c.value, f"$[{number}]").label(column.name)
                for number, column in enumerate(columns)
            ),
        ).subquery()
    arrays = [
        bindparam(
            None,
            [row[number] for row in rows],
            type_=postgresql.ARRAY(_element_type(column)),
            unique=True,
        )
        for number, column in enumerate(columns)
    ]
    names = [column.name for column in columns]
    table = func.unnest(*arrays).table_valued(*names, with_ordinality="place")
    return table.render_derived()


def moment_of_sqlite(at: datetime) -> str:
    """Write UTC as our column type does."""
    if at.tzinfo is not UTC:
        at = at.astimezone(UTC)
    return at.isoformat(" ", "microseconds")[:_NAIVE_LENGTH]


def _element_type(column: SQLColumnExpression[Any]) -> TypeEngine[Any]:
    # An attribute of a model has the type of its column, which its own type does not say.
    kind: TypeEngine[Any] = cast("ColumnElement[Any]", column).type
    return kind if isinstance(kind, Integer | Date | UTCDateTime | Samples) else String()
