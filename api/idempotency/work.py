"""The parts of one request with a key: its effect and its answer are stored in one transaction.

The last unit of work that has changed something stays open until the answer is known, and is
committed with it. Should the request use the database or Temporal again before, that unit is
committed first, with the mark that the effect stands; so whatever dies when, a repeat does not have
the effect again.
"""

import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection

from api.deps import now
from api.parts import Parts
from domain.ids import Prefix, id_of
from storage.engine import Database
from storage.kept_answers import KeptAnswers, Keyed, StoredAnswer, key_in_use

_LOST_TO_ANOTHER_SECONDS = 5


class KeyedWork(Database):
    """The database, as the request with the key sees it."""

    def __init__(self, database: Database, keyed: Keyed, first_at: datetime) -> None:
        # Not of ours: the engine is that of the whole process.
        self.is_sqlite = database.is_sqlite
        self._database = database
        self._keyed = keyed
        self._first_at = first_at
        self._made: Counter[Prefix] = Counter()
        self._open: tuple[AsyncConnection, AsyncExitStack] | None = None

    def parts(self, parts: Parts) -> Parts:
        """The parts that the request uses."""
        return replace(
            parts,
            database=self,
            temporal=parts.temporal.after(self.commit_open),
            throttle=parts.throttle.after(self.commit_open),
            new_id=self._same_id,
        )

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Read what is committed, the request's own changes with it."""
        await self.commit_open()
        async with self._database.read() as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Write; what was changed is committed with the answer, or before the next unit."""
        await self.commit_open()
        async with AsyncExitStack() as stack:
            connection = await stack.enter_async_context(self._database.write())
            has_changed = _listen_for_changes(connection)
            yield connection
            if has_changed():
                self._open = (connection, stack.pop_all())

    async def close(self) -> None:
        """Leave the engine open: it belongs to the process."""

    async def commit_open(self) -> None:
        """Commit what is open, with the mark that the effect stands."""
        await self._end(ended=False)

    async def answered(self, answer: StoredAnswer | None, reference: str | None) -> None:
        """Store the answer with the effect.

        Raises:
            KeyInUseError: The time was up and another try has the key; what was open is undone.

        """
        if self._open is None:
            self._open = await self._begin()
        await self._end(answer=answer, reference=reference, ended=True)

    async def failed(self, *, refused: bool) -> None:
        """Commit what the request has left, and give the key back."""
        connection, stack = self._open or await self._begin()
        self._open = None
        async with stack:
            answers = KeptAnswers(connection)
            await (answers.forget if refused else answers.release)(self._keyed)

    async def abandon(self) -> None:
        """Undo what is open: the request ends without an answer."""
        if self._open is not None:
            (connection, stack), self._open = self._open, None
            await connection.rollback()
            await stack.aclose()

    async def _begin(self) -> tuple[AsyncConnection, AsyncExitStack]:
        stack = AsyncExitStack()
        return await stack.enter_async_context(self._database.write()), stack

    async def _end(self, **what: Any) -> None:
        if self._open is None:
            return
        (connection, stack), self._open = self._open, None
        async with stack:
            if not await KeptAnswers(connection).done(self._keyed, at=now(), **what):
                raise key_in_use(_LOST_TO_ANOTHER_SECONDS)  # and so all of it is rolled back

    def _same_id(self, prefix: Prefix) -> str:
        """Make the same ids in each try, so that Temporal and tables know a repeat."""
        self._made[prefix] += 1
        seed = f"{self._keyed.key}:{self._first_at.isoformat()}:{prefix}:{self._made[prefix]}"
        randomness = int.from_bytes(hashlib.sha256(seed.encode()).digest())
        return id_of(prefix, int(self._first_at.timestamp() * 1000), randomness)


def _listen_for_changes(connection: AsyncConnection) -> Callable[[], bool]:
    changed = False

    def after(
        _connection: Any, _cursor: Any, _statement: Any, _parameters: Any, context: Any, _many: Any
    ) -> None:
        nonlocal changed
        if context.isinsert or context.isupdate or context.isdelete:
            changed = True

    event.listen(connection.sync_connection, "after_cursor_execute", after)
    return lambda: changed
