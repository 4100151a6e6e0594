"""A month that was over once never gets another record: whatever becomes of clocks and zones."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import update

from storage.cdrs import Cdrs, Issued
from storage.engine import Database
from storage.models.projects import Project
from storage.statements import Months
from tests.support.billing import Site, at


async def months(site: Site) -> list[str]:
    """Months that have a record, one for each of them."""
    async with site.database.read() as connection:
        records = Cdrs(connection, site.project_id)
        return [
            month
            for month in ("2026-04", "2026-05", "2026-06")
            for _ in await records.of_month(month)
        ]


async def billed(site: Site, now: str, started: str) -> None:
    site.now = at(now)
    await site.bill(await site.session(started=started))


async def opened(site: Site, moment: str) -> tuple[str, bool]:
    async with site.database.read() as connection:
        return await Months(connection, site.project_id).open_at(at(moment))


async def test_a_zone_that_is_changed_opens_no_month_again(database: Database) -> None:
    """When it is June in Auckland it is still May in London."""
    site = Site(database)
    await site.begin(time_zone="Pacific/Auckland")
    await billed(site, "2026-05-31T11:59", "2026-05-31T09:00")
    async with database.write() as connection:
        await Months(connection, site.project_id).close(at("2026-05-31T14:00"))
        await connection.execute(update(Project).values(time_zone="Europe/London"))
    await billed(site, "2026-05-31T15:00", "2026-05-31T10:00")
    assert await months(site) == ["2026-05", "2026-06"]
    assert await opened(site, "2026-05-31T16:00") == ("2026-06", True)
    assert await opened(site, "2026-07-01T00:00") == ("2026-07", False)


async def test_a_clock_that_is_behind_issues_into_no_closed_month(database: Database) -> None:
    site = Site(database)
    await site.begin(time_zone="UTC")
    async with database.write() as connection:
        await Months(connection, site.project_id).close(at("2026-06-01T00:00:00.1"))
    await billed(site, "2026-05-31T23:59:59.9", "2026-05-31T10:00")
    assert await months(site) == ["2026-06"]


async def test_a_month_is_closed_after_what_is_being_issued_into_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has been told that it is complete has seen the last of its records."""
    site = Site(database)
    await site.begin(time_zone="UTC")
    closings: list[asyncio.Task[list[str]]] = []
    issue = Cdrs.issue

    async def close() -> list[str]:
        async with database.write() as connection:
            await Months(connection, site.project_id).close(at("2026-06-01T00:00"))
        return await months(site)

    async def issue_at_midnight(self: Cdrs, issued: Issued, **where: Any) -> None:
        closings.append(asyncio.create_task(close()))
        await asyncio.wait(closings, timeout=0.2)  # as long as one that need not wait would take
        await issue(self, issued, **where)

    monkeypatch.setattr(Cdrs, "issue", issue_at_midnight)
    await billed(site, "2026-05-31T23:59:59.9", "2026-05-31T10:00")
    assert await closings[0] == ["2026-05"]
