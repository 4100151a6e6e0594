"""The threads of SQLite's connections, which outlive a connection whose caller was cancelled."""

import asyncio
from threading import Thread
from typing import Any, Final
from weakref import WeakSet

import aiosqlite

_END_SECONDS: Final = 2.0


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
