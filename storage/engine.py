"""The database: one engine a process, explicit read and write units of work.

SQLite runs in WAL mode, and a write begins with ``BEGIN IMMEDIATE``, so that two writers queue at
the door instead of failing in the middle. PostgreSQL takes rows with ``FOR UPDATE`` where one must
win. Callers never commit: leaving the block commits, an exception rolls back.
"""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Thread
from typing import Any, Final
from weakref import WeakSet

import aiosqlite
import orjson
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine, ExceptionContext
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from storage.address import Address, read_address

_WRITE = "dynamo_write"
_BUSY_TIMEOUT_MS = 15_000
_MOST_NAME = 63  # PostgreSQL cuts a longer one
_WAL_ATTEMPTS, _WAL_PAUSE_SECONDS = 100, 0.02
_END_SECONDS: Final = 2.0


class Database:
    """Opens units of work on a SQLite file or a PostgreSQL database."""

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 5,
        application_name: str = "dynamo",
        statement_seconds: float | None = 30.0,
    ) -> None:
        """``statement_seconds`` bounds each statement on PostgreSQL: it may hang, and not fail.

        ``pool_size`` connections are kept, as many more are opened under load. PostgreSQL shows
        ``application_name`` in ``pg_stat_activity``; one in the URL goes before it.

        Raises:
            AddressError: the URL is none of a database that we know.

        """
        self.address = read_address(url)
        self.is_sqlite = self.address.is_sqlite
        self._threads = SqliteThreads()
        self._engine = _make_engine(
            self.address,
            self._threads,
            pool_size=pool_size,
            application_name=application_name,
            statement_seconds=statement_seconds,
        )

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Read in one transaction."""
        async with self._engine.connect() as connection, connection.begin():
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Write in one transaction, committed at the end of the block."""
        async with self._engine.connect() as connection:
            await connection.execution_options(**{_WRITE: True})
            async with connection.begin():
                yield connection

    async def close(self) -> None:
        """Close every connection, and see the threads of those that were cancelled end."""
        await self._engine.dispose()
        await self._threads.ended()


class SqliteThreads:
    """Opens connections, and knows the thread of each.

    One whose caller was cancelled is only told to stop, and answers to the event loop a moment
    later: by then that may be closed, and the thread ends with an exception instead.
    """

    def __init__(self) -> None:
        self._threads: WeakSet[Thread] = WeakSet()

    def connect(self, *arguments: Any, **options: Any) -> aiosqlite.Connection:
        """Open as SQLAlchemy does: the thread holds up no process that ends."""
        connection = aiosqlite.connect(*arguments, **options)
        thread = connection._thread  # noqa: SLF001 - aiosqlite shows it nowhere else
        thread.daemon = True
        self._threads.add(thread)
        return connection

    async def ended(self) -> None:
        """Wait until no thread is left; for two seconds at most, should a connection be in use."""
        alive = [thread for thread in self._threads if thread.is_alive()]
        waits = (asyncio.to_thread(thread.join, _END_SECONDS) for thread in alive)
        await asyncio.gather(*waits)


def _make_engine(
    address: Address,
    threads: SqliteThreads,
    *,
    pool_size: int,
    application_name: str,
    statement_seconds: float | None,
) -> AsyncEngine:
    options: dict[str, Any] = {
        "json_serializer": lambda value: orjson.dumps(value).decode(),
        "json_deserializer": orjson.loads,
        "pool_size": pool_size,
        "max_overflow": pool_size,
    }
    if not address.is_sqlite:
        name = {} if address.names_itself else {"application_name": application_name[:_MOST_NAME]}
        options["pool_pre_ping"] = True
        options["connect_args"] = address.connect_arguments() | {
            "command_timeout": statement_seconds,
            "server_settings": name,
        }
    else:
        options["connect_args"] = {"async_creator_fn": threads.connect}
    engine = create_async_engine(address.engine_url, **options)
    if address.is_sqlite:
        _tune_sqlite(engine.sync_engine)
    return engine


def _tune_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy's BEGIN below, not the driver's lazy one
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout={_BUSY_TIMEOUT_MS}",
            "synchronous=NORMAL",
            "foreign_keys=ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        _use_write_ahead_log(cursor)
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        write = connection.get_execution_options().get(_WRITE, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    @event.listens_for(engine, "handle_error")
    def on_error(context: ExceptionContext) -> None:
        """Roll back what was cancelled, and keep the connection.

        SQLAlchemy would close it; a statement that is still held somewhere, by a traceback perhaps,
        then keeps the transaction and its lock until the garbage collector comes by.
        """
        if isinstance(context.original_exception, asyncio.CancelledError):
            context.is_disconnect = False


def _use_write_ahead_log(cursor: Any) -> None:
    """Switch the file to WAL, where it is not; SQLite does not queue up for this one switch."""
    for attempt in range(_WAL_ATTEMPTS):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if attempt == _WAL_ATTEMPTS - 1:
                raise
            time.sleep(_WAL_PAUSE_SECONDS)
        else:
            return
