"""The statements that a database is given, as they are given."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from storage.engine import Database


@contextmanager
def _each(database: Database, hear: Callable[[str, Any, bool], None]) -> Iterator[None]:
    """Have the block's statements told, with their values, and whether those are a list."""

    def told(_c: Any, _cursor: Any, statement: str, values: Any, _context: Any, many: bool) -> None:
        hear(statement, values, many)

    event.listen(database._engine.sync_engine, "before_cursor_execute", told)
    try:
        yield
    finally:
        event.remove(database._engine.sync_engine, "before_cursor_execute", told)


@contextmanager
def heard(database: Database) -> Iterator[dict[str, Any]]:
    """Give the statements that the block makes, each text once, with its values."""
    said: dict[str, Any] = {}

    def hear(statement: str, values: Any, many: bool) -> None:
        said.setdefault(statement, values[0] if many else values)

    with _each(database, hear):
        yield said


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """Give all statements that are made."""
    said: list[str] = []
    with _each(database, lambda statement, *_: said.append(statement)):
        yield said


@contextmanager
def row_by_row(database: Database) -> Iterator[list[str]]:
    """Give the statements that SQLite is to carry out once for each of several rows."""
    said: list[str] = []

    def hear(statement: str, values: Any, many: bool) -> None:
        if many and isinstance(values[0], tuple) and len(values) > 1 and database.is_sqlite:
            said.append(statement)

    with _each(database, hear):
        yield said
