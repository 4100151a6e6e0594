"""Alembic's entry: runs the migrations on the connection that ``storage.migrate`` hands in."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection, Enum
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

from storage.models.base import Document, TableModel


def render_item(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """Write plain types into migrations, so that they never depend on our code's present."""
    if kind == "type" and isinstance(item, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, AutoString | Enum):
        return f"sa.String(length={item.length})"
    if kind == "type" and isinstance(item, Document):
        return "sa.JSON()"
    return False


def run(connection: Connection) -> None:
    """Migrate within the caller's transaction."""
    context.configure(
        connection=connection,
        target_metadata=TableModel.metadata,
        render_item=render_item,
        # SQLite alters no table in place; one that is created needs no such detour.
        render_as_batch=connection.dialect.name == "sqlite"
        and not context.config.attributes["new"],
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes["connection"])
