"""A statement is compiled once for all the databases of a process, which a test has fresh ones of.

SQLAlchemy keeps what it compiled by engine; a process that is shipped has one.
"""

from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine


class _ByKindOfDatabase(dict[Any, Any]):
    """Takes the dialects of two engines for one if both speak to databases of one kind."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_of_any_engine(key), default)

    def __setitem__(self, key: Any, compiled: Any) -> None:
        super().__setitem__(_of_any_engine(key), compiled)


def _of_any_engine(key: Any) -> Any:
    dialect, *statement = key
    return dialect.name, *statement


_COMPILED = _ByKindOfDatabase()


def compile_once() -> None:
    """Have every engine of this process, those that are there too, look there first."""

    @event.listens_for(Engine, "engine_connect")
    def _(connection: Connection) -> None:
        connection.execution_options(compiled_cache=_COMPILED)
