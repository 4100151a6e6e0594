"""What SQLite and PostgreSQL spell alike and SQLAlchemy keeps apart: INSERT … ON CONFLICT."""

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


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
