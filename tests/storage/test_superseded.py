"""Transactions whose end was never told are found, ended, and billed or held by their readings."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import update
from sqlmodel import col

from domain.billing.held import HoldCause
from domain.power.facts import SiteQuestion
from domain.states import ConnectorStatus, TransactionBilling
from storage.catalogue import load_catalogue
from storage.engine import Database
from storage.held import HeldRecords
from storage.lost_transactions import (
    FREE_FOR,
    OVERTAKEN_FOR,
    Superseded,
    left,
    overtaken,
    supersede,
)
from storage.models.transactions import Transaction
from storage.power_sharing import StoredPowerSharing
from tests.support.billing import Site, at


@pytest.fixture
async def site(database: Database) -> Site:
    made = Site(database)
    await made.begin()
    return made


async def found(site: Site, now: datetime) -> list[Superseded]:
    async with site.database.read() as connection:
        return [
            *await overtaken(connection, now=now, after=0, limit=9),
            *await left(connection, now=now, after=0, limit=9),
        ]


async def end(site: Site, now: datetime) -> None:
    (which,) = await found(site, now)
    async with site.database.write() as connection:
        assert await supersede(connection, which, at=now)
        assert not await supersede(connection, which, at=now)
    assert await found(site, now) == []


async def minutes(site: Site, transaction: int, *which: int, rise: int = 100) -> None:
    """Readings at these minutes after nine, 6 kW."""
    points = [(f"2026-05-02T09:{minute:02}", 1000 + rise * minute) for minute in which]
    site.now = at(points[-1][0])
    await site.values(transaction, *points)


async def test_a_later_transaction_overtakes_it(site: Site) -> None:
    """Its last reading, and where the register stood when the next one began, tell its energy."""
    lost = await site.start()
    await minutes(site, lost, *range(1, 31))
    later = await site.start("2026-05-02T12:00", meter=4050, id_tag="ANOTHER")
    begun = at("2026-05-02T12:00")
    assert await found(site, begun + OVERTAKEN_FOR) == []  # its stop may be on its way
    now = begun + OVERTAKEN_FOR + timedelta(seconds=1)
    await end(site, now)
    assert await site.mark(lost) == TransactionBilling.DUE
    await site.bill(lost)
    (cdr,) = await site.cdrs(lost)
    assert float(cdr.total_energy) == 3.05
    assert cdr.remark is not None
    assert "up to what the meter showed at the start of the session after" in cdr.remark
    assert "never told its end" in cdr.remark
    assert await site.mark(later) is None


async def test_a_later_one_overtakes_it_though_a_clock_was_set_back_between(site: Site) -> None:
    """Or another node, whose clock is behind, has heard of it."""
    lost = await site.start(received="2026-05-02T09:03")
    await site.start("2026-05-02T09:02", meter=1100, id_tag="ANOTHER", received="2026-05-02T09:02")
    begun = at("2026-05-02T09:02")
    (which,) = await found(site, begun + OVERTAKEN_FOR + timedelta(seconds=1))
    assert (which.number, which.ended_at) == (lost, begun)


async def test_none_that_was_told_while_several_links_spoke_overtakes_it(site: Site) -> None:
    """A stranger would end what goes on, and its power would be another's."""
    running = await site.start()
    strange = await site.start("2026-05-02T09:10", id_tag="ANOTHER")
    async with site.database.write() as connection:
        row = update(Transaction).where(col(Transaction.id) == strange)
        await connection.execute(row.values(contested=True))
    now = at("2026-05-02T09:30")
    assert await found(site, now) == []
    await site.start("2026-05-02T09:20", id_tag="ANOTHER")
    over = {one.number: one.ended_at for one in await found(site, now)}
    assert over == dict.fromkeys((running, strange), at("2026-05-02T09:20"))


async def test_a_connector_that_is_available_since_has_none(site: Site) -> None:
    lost = await site.start()
    await minutes(site, lost, *range(1, 31))
    site.now = at("2026-05-02T09:31")
    await site.status(ConnectorStatus.AVAILABLE, "2026-05-02T09:31")
    assert await found(site, site.now + FREE_FOR) == []
    await end(site, site.now + FREE_FOR + timedelta(seconds=1))
    await site.bill(lost)
    (cdr,) = await site.cdrs(lost)
    assert float(cdr.total_energy) == 3
    assert cdr.end_date_time == at("2026-05-02T09:31")


async def test_what_was_hardly_seen_is_held(site: Site) -> None:
    lost = await site.start()
    await minutes(site, lost, 1, 2, 3)
    site.now = at("2026-05-02T12:00")
    await site.status(ConnectorStatus.AVAILABLE, "2026-05-02T12:00")
    await end(site, site.now + FREE_FOR + timedelta(seconds=1))
    await site.bill(lost)
    assert await site.cdrs(lost) == []
    async with site.database.read() as connection:
        held = await HeldRecords(connection, site.project_id).of_transaction(lost)
    assert held is not None
    assert held.cause is HoldCause.END_UNKNOWN
    assert held.document.superseded


async def test_one_that_goes_on_is_none(site: Site) -> None:
    """A status that was sent before it began, or values that came after it."""
    await site.status(ConnectorStatus.AVAILABLE, "2026-05-02T08:00")
    later = site.now + timedelta(hours=1)
    running = await site.start(f"{later:%Y-%m-%dT%H:%M}")
    assert await found(site, later + timedelta(hours=1)) == []
    site.now = later + timedelta(minutes=1)
    await site.status(ConnectorStatus.AVAILABLE, "2026-05-02T08:00")
    site.now += timedelta(minutes=1)
    await site.values(running, (f"{site.now:%Y-%m-%dT%H:%M}", 1100))
    assert await found(site, later + timedelta(hours=1)) == []


async def test_a_test_charge_is_its_runs_own_matter(site: Site) -> None:
    lost = await site.start()
    async with site.database.write() as connection:
        await connection.execute(update(Transaction).values(commissioning_id="com_1"))
    await site.start("2026-05-02T12:00", id_tag="ANOTHER")
    assert await found(site, at("2026-05-03T00:00")) == []
    assert await site.mark(lost) is None


async def test_a_stop_that_comes_after_all_is_believed(site: Site) -> None:
    lost = await site.start()
    await minutes(site, lost, *range(1, 31))
    await site.start("2026-05-02T12:00", meter=4050, id_tag="ANOTHER")
    await end(site, at("2026-05-02T12:05"))
    await site.bill(lost)
    stop = await site.stop(lost, "2026-05-02T09:31", meter=4040, received="2026-05-03T08:00")
    assert stop.stored is not None
    assert stop.billing_due == {str(lost)}
    await site.bill(lost)
    first, credit, real = await site.cdrs(lost)
    assert credit.credit_reference_id == first.id
    assert float(real.total_energy) == 3.04
    assert real.remark is None
    again = await site.stop(lost, "2026-05-02T09:40", meter=5000, received="2026-05-03T09:00")
    assert again.stored is None


async def test_it_is_no_transaction_of_the_site_any_more(site: Site) -> None:
    """So it never gets a charging profile again, whenever the site is read."""
    await site.start()
    later = await site.start("2026-05-02T12:00", id_tag="ANOTHER")
    await end(site, at("2026-05-02T12:05"))
    records = StoredPowerSharing(site.database, load_catalogue(), now=lambda: site.now)
    (station,) = (await records.read_site(SiteQuestion(project_id=site.project_id))).stations
    assert [one.number for one in station.transactions] == [later]
