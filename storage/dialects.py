"""What SQLite and PostgreSQL spell differently: INSERT … ON CONFLICT, and lists as one parameter.

A list that travels as one JSON parameter makes one statement text for every length, and costs the
event loop nothing per element; SQLAlchemy's own lists cost microseconds each.
"""

from collections.abc import Collection
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Integer, String, Table, bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import TypeEngine


def conflict_insert(connection: AsyncConnection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT that has ``on_conflict_do_nothing`` and ``on_conflict_do_update``."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


def upsert(
    connection: AsyncConnection, table: Table, *, keys: tuple[str, ...]
) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT that replaces every other column of the row with the same keys."""
    statement = conflict_insert(connection, table)
    return statement.on_conflict_do_update(
        index_elements=list(keys),
        set_={
            column.name: statement.excluded[column.name]
            for column in table.columns
            if column.name not in keys
        },
    )


def among(
    connection: AsyncConnection, column: ColumnElement[Any], values: Collection[Any]
) -> ColumnElement[bool]:
    """Tell whether a text or integer column is one of these values."""
    if connection.dialect.name == "sqlite":
        listed = func.json_each(orjson.dumps(list(values)).decode()).table_valued("value")
        return column.in_(select(listed.c.value))
    array = postgresql.ARRAY(_element_type(column))
    return column == func.any(bindparam(None, list(values), type_=array, unique=True))


def _element_type(column: ColumnElement[Any]) -> TypeEngine[Any]:
    return column.type if isinstance(column.type, Integer) else String()
