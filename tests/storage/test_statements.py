"""A month's statement that is over is the same for ever, whatever is changed later."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import update

from documents.statement import statement_pdf
from domain.audit import Actor
from domain.billing.held import Decision
from domain.billing.statement import HeldTotals, Issuer, Statement
from storage.engine import Database
from storage.held import HeldRecords
from storage.models.projects import Project
from storage.projects import Projects
from storage.statements import Issuers, read_statement
from tests.support.billing import Site, at

OWNER = Actor(email="usr_2@acme.example", role="site_owner", account_id="usr_2")
FIRST = Issuer(name="Riverside Ltd", vat_number="GB123456789")
SECOND = Issuer(name="Riverside Holdings")


async def drawn(site: Site, moment: datetime, *, complete: bool) -> Statement:
    async with site.database.read() as connection:
        project = await Projects(connection).owned(site.project_id, site_owner_id="usr_2")
        return await read_statement(connection, project, "2026-05", at=moment, complete=complete)


async def issue(site: Site, issuer: Issuer, moment: str) -> None:
    async with site.database.write() as connection:
        await Issuers(connection, site.project_id).put(issuer, by=OWNER, at=at(moment))


async def test_a_month_that_is_over_is_drawn_as_it_was(database: Database) -> None:
    site = Site(database)
    await site.begin()
    await site.bill(await site.session())
    absurd = await site.start("2026-05-03T09:00")
    await site.stop(absurd, "2026-05-03T11:00", meter=2**61)
    site.now = at("2026-05-03T11:01")
    await site.bill(absurd)
    assert (await drawn(site, site.now, complete=False)).issuer == Issuer(name="A")
    await issue(site, FIRST, "2026-05-20T00:00")
    before = await drawn(site, at("2026-06-01T08:00"), complete=True)
    assert before.issuer == FIRST
    assert before.held == HeldTotals(sessions=1, most_kwh=Decimal(56))
    assert before.at == at("2026-05-31T23:00")  # midnight in London

    await issue(site, SECOND, "2026-06-02T00:00")
    async with database.write() as connection:
        held = await HeldRecords(connection, site.project_id).of_transaction(absurd)
        assert held is not None
        await HeldRecords(connection, site.project_id).release(
            held.id, Decision(energy_kwh=Decimal(5)), by=OWNER, at=at("2026-06-02T00:00")
        )
        await connection.execute(update(Project).values(name="Other", time_zone="Asia/Tokyo"))
    site.now = at("2026-06-02T00:00")
    await site.bill(absurd)
    after = await drawn(site, at("2026-07-01T08:00"), complete=True)
    assert after == before
    assert statement_pdf(after) == statement_pdf(before)
