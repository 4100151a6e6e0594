"""However many rows there are, each is looked at, and a bad one holds up no other."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.engine import Database
from temporal.reconciler import step
from temporal.reconciler.step import ReconcileStep

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
_ROWS = range(1, 8)


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step, "_PAGE", 3)


async def _read(connection: AsyncConnection, *, after: int, limit: int) -> Sequence[int]:
    assert not connection.closed
    return [row for row in _ROWS if row > after][:limit]


def _step(reconcile: Callable[[int], Awaitable[None]]) -> ReconcileStep[int]:
    return ReconcileStep("rows", _read, reconcile, first=0)


async def test_every_page_is_looked_at_each_time(database: Database) -> None:
    seen: list[int] = []

    async def reconcile(row: int) -> None:
        seen.append(row)

    rows = _step(reconcile)
    for _ in range(2):
        assert await rows.go(database)
        assert sorted(seen) == list(_ROWS)
        seen.clear()


async def test_a_bad_row_holds_up_no_other(database: Database) -> None:
    seen: list[int] = []

    async def reconcile(row: int) -> None:
        if row == 1:
            raise OSError("out of reach")
        seen.append(row)

    rows = _step(reconcile)
    assert not await rows.go(database)
    assert sorted(seen) == list(_ROWS)[1:]


async def test_one_that_is_cut_off_goes_on_after_its_page(database: Database) -> None:
    seen: list[int] = []
    hangs = asyncio.Event()

    async def reconcile(row: int) -> None:
        if row == 2 and not hangs.is_set():
            hangs.set()
            await asyncio.Event().wait()
        seen.append(row)

    rows = _step(reconcile)
    first = asyncio.create_task(rows.go(database))
    await hangs.wait()
    first.cancel()
    with suppress(asyncio.CancelledError):
        await first
    seen.clear()
    await rows.go(database)
    assert sorted(seen) == list(_ROWS)[3:]
    await rows.go(database)
    assert sorted(seen) == sorted([*_ROWS, *list(_ROWS)[3:]])
