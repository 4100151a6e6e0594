"""Records that are held, and what becomes of them: by their owner, or by the charger's own word."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlmodel import col

from domain.audit import Actor, AuditAction
from domain.billing.bound import RatingSource
from domain.billing.cdr import LinkSecurity, SignedNature
from domain.billing.held import Decision, HoldCause, HoldState, Wanted
from domain.billing.tariff import Tariff
from domain.errors import ConflictError, InvalidError, NotFoundError
from domain.states import TransactionBilling, WebhookStatus
from domain.webhooks import WebhookEvent
from storage.contests import look
from storage.engine import Database
from storage.fact_records import Connected, MeterEntry, MeterValues, TransactionStop
from storage.held import HeldRecords
from storage.models.billing import HeldRecord
from storage.models.charge_points import ChargePoint
from storage.models.projects import AuditEntry
from storage.models.transactions import Transaction as TransactionRow
from storage.models.webhooks import Webhook, WebhookDelivery
from storage.store_facts import store_facts
from tests.api.node import hold
from tests.support.billing import Site, at, stored_tariff
from tests.support.rows import AT

OWNER = Actor(email="usr_2@acme.example", role="site_owner", account_id="usr_2")
ABSURD = 2**61
BY_TIME = Tariff.model_validate(
    {
        "currency": "GBP",
        "elements": [
            {
                "price_components": [
                    {"type": "ENERGY", "price": "0.30", "vat": "20"},
                    {"type": "TIME", "price": "1.20", "vat": "20"},
                ]
            }
        ],
    }
)


@pytest.fixture
async def site(database: Database) -> Site:
    made = Site(database)
    await made.begin()
    return made


async def held_of(site: Site, transaction: int) -> HeldRecord:
    async with site.database.read() as connection:
        held = await HeldRecords(connection, site.project_id).of_transaction(transaction)
    assert held is not None
    return held


async def absurd(site: Site) -> int:
    """A session whose stop is no reading of any meter, and of which nothing else is known."""
    transaction = await site.start()
    await site.stop(transaction, meter=ABSURD)
    await site.bill(transaction)
    return transaction


async def release(site: Site, held: HeldRecord, **said: Any) -> HeldRecord:
    async with site.database.write() as connection:
        return await HeldRecords(connection, site.project_id).release(
            held.id, Decision(**said), by=OWNER, at=site.now
        )


async def drop(site: Site, held: HeldRecord, **said: Any) -> HeldRecord:
    async with site.database.write() as connection:
        return await HeldRecords(connection, site.project_id).drop(
            held.id, Decision(**said), by=OWNER, at=site.now
        )


async def test_what_no_meter_shows_is_held_and_not_billed(site: Site) -> None:
    transaction = await absurd(site)
    assert await site.cdrs(transaction) == []
    assert await site.mark(transaction) == TransactionBilling.HELD
    held = await held_of(site, transaction)
    assert (held.cause, held.state) == (HoldCause.ABOVE_BOUND, HoldState.HELD)
    assert held.document.meter_start_kwh == 1
    assert held.document.bound.energy_kwh == 56  # two hours at 22 kW, a quarter more, and a kWh
    assert held.document.wanted == (Wanted.ENERGY,)
    assert "no more than 56.000 kWh can have been" in held.document.reason
    assert held.document.link is LinkSecurity.UNAUTHENTICATED
    assert (await site.bill(transaction)).reason == "Nothing is due."


async def test_a_declared_cable_is_the_bound(site: Site) -> None:
    async with site.database.write() as connection:
        await connection.execute(update(ChargePoint).values(max_amps=16, phases="L1"))
    held = await held_of(site, await absurd(site))
    assert held.document.bound.energy_kwh == Decimal("10.2")  # two hours at 3.68 kW, and a margin
    assert held.document.bound.power_source is RatingSource.DECLARED


async def test_the_owner_releases_it_with_a_value(site: Site) -> None:
    transaction = await absurd(site)
    held = await held_of(site, transaction)
    for said in ({}, {"energy_kwh": Decimal("56.001")}, {"energy_kwh": Decimal(-1)}):
        with pytest.raises(InvalidError, match="from 0 to 56 kWh"):
            await release(site, held, **said)
    with pytest.raises(InvalidError, match="not in doubt"):
        await release(site, held, energy_kwh=Decimal(1), minutes=Decimal(1))
    released = await release(site, held, energy_kwh=Decimal("12.5"), note="As the driver says.")
    assert (released.state, released.decided_by) == (HoldState.RELEASED, OWNER.email)
    await site.bill(transaction)
    (cdr,) = await site.cdrs(transaction)
    assert (cdr.total_energy, cdr.total_cost.excl_vat) == (Decimal("12.5"), Decimal("3.75"))
    assert cdr.remark == "Released by the site owner: As the driver says."
    assert await site.mark(transaction) == TransactionBilling.BILLED
    for again in (release(site, held, energy_kwh=Decimal(1)), drop(site, held)):
        with pytest.raises(ConflictError, match="it was released"):
            await again
    async with site.database.read() as connection:
        entry = (
            await connection.execute(
                select(AuditEntry.__table__).where(
                    col(AuditEntry.action) == AuditAction.RECORD_RELEASED
                )
            )
        ).one()
    assert (entry.target, entry.email) == (held.id, OWNER.email)
    assert entry.after == {"energy_kwh": "12.5", "note": "As the driver says."}


async def test_values_that_come_later_leave_the_owners_word(site: Site) -> None:
    transaction = await absurd(site)
    await release(site, await held_of(site, transaction), energy_kwh=Decimal(5))
    await site.bill(transaction)
    await site.values(transaction, ("2026-05-02T10:00", 6000), late=True)
    assert (await site.bill(transaction)).reason == "Its record stands."
    (cdr,) = await site.cdrs(transaction)
    assert cdr.total_energy == 5


async def test_the_owner_drops_it(site: Site) -> None:
    transaction = await absurd(site)
    dropped = await drop(site, await held_of(site, transaction), note="A test of ours.")
    assert dropped.state is HoldState.DROPPED
    assert await site.mark(transaction) == TransactionBilling.DROPPED
    await site.values(transaction, ("2026-05-02T10:00", 6000), late=True)
    assert (await site.bill(transaction)).reason == "The site owner has dropped it."
    assert await site.cdrs(transaction) == []
    assert await site.mark(transaction) == TransactionBilling.DROPPED


async def test_it_is_never_released_by_itself(site: Site) -> None:
    """Values that come later would leave no doubt; it is the owner's matter all the same."""
    transaction = await absurd(site)
    points = [
        (f"2026-05-02T{9 + minute // 60:02}:{minute % 60:02}", 1000 + 80 * minute)
        for minute in range(1, 120)
    ]
    await site.values(transaction, *points, late=True)
    assert (await site.bill(transaction)).reason == "It waits for the site owner."
    assert await site.cdrs(transaction) == []
    assert (await held_of(site, transaction)).state is HoldState.HELD
    assert await site.mark(transaction) == TransactionBilling.HELD


async def test_a_wrong_clock_holds_the_time_alone(database: Database) -> None:
    site = Site(database)
    await site.begin(stored_tariff(BY_TIME))
    transaction = await site.start("1970-01-01T00:00", received="2026-05-02T09:00")
    await site.stop(transaction, "1970-01-01T02:00", received="2026-05-02T11:00")
    await site.bill(transaction)
    (energy,) = await site.cdrs(transaction)
    assert energy.total_cost.excl_vat == Decimal("3.00")
    assert energy.remark == "The charge point's clock was wrong, so no time was billed."
    held = await held_of(site, transaction)
    assert (held.cause, held.document.wanted) == (HoldCause.CLOCK_WRONG, (Wanted.TIME,))
    assert held.document.bound.minutes == 120
    await release(site, held, minutes=Decimal(90))
    await site.bill(transaction)
    first, credit, whole = await site.cdrs(transaction)
    assert (first, credit.credit_reference_id) == (energy, energy.id)
    assert whole.total_cost.excl_vat == Decimal("4.80")
    assert whole.total_time == Decimal("1.5")


async def test_a_session_of_a_contest_is_held_whatever_is_told_of_it(site: Site) -> None:
    transaction = await site.start()
    async with site.database.write() as connection:
        await connection.execute(update(TransactionRow).values(contested=True))
    await site.stop(transaction, meter=9000)
    await site.bill(transaction)
    held = await held_of(site, transaction)
    assert (held.cause, held.state) == (HoldCause.CONTESTED, HoldState.HELD)
    assert "several links spoke as the charge point" in held.document.reason
    assert held.document.suggestion.energy_kwh is None
    await site.stop(transaction, meter=9500)
    await site.bill(transaction)
    held = await held_of(site, transaction)
    assert held.state is HoldState.HELD
    await release(site, held, energy_kwh=Decimal("3.5"))
    await site.bill(transaction)
    (cdr,) = await site.cdrs(transaction)
    assert cdr.total_energy == Decimal("3.5")


async def test_nothing_is_settled_while_a_link_is_asked(site: Site) -> None:
    transaction = await site.start()
    await hold(site.database, site.charge_point_id, "node_there")
    link = Connected(
        charge_point_id=site.charge_point_id,
        node_id="node_elsewhere",
        ocpp_version="1.6",
        remote_address="198.51.100.9",
        at=datetime.now(UTC),
    )
    async with site.database.write() as connection:
        await store_facts(connection, [link])
    assert link.contest is not None
    await site.stop(transaction, meter=9000)
    assert "another link" in str((await site.bill(transaction)).reason)
    assert await site.mark(transaction) == TransactionBilling.DUE
    async with site.database.write() as connection:
        await look(connection, site.charge_point_id, gone={1}, at=site.now)
    await site.bill(transaction)
    assert await site.mark(transaction) == TransactionBilling.BILLED


async def test_webhooks_of_the_owner_are_told_once(site: Site) -> None:
    async with site.database.write() as connection:
        for account in ("usr_1", "usr_2"):
            await connection.execute(
                insert(Webhook).values(
                    id=f"whk_{account}",
                    account_id=account,
                    url="https://owner.example",
                    events=[WebhookEvent.RECORD_HELD],
                    status=WebhookStatus.ENABLED,
                    secret_version=1,
                    created_at=AT,
                )
            )
    transaction = await absurd(site)
    await site.values(transaction, ("2026-05-02T10:00", 6000), late=True)
    await site.bill(transaction)
    async with site.database.read() as connection:
        (delivery,) = (await connection.execute(select(WebhookDelivery.__table__))).all()
    assert delivery.webhook_id == "whk_usr_2"
    told = json.loads(delivery.body)
    assert told["type"] == "record.held"
    assert told["data"]["held_record_id"] == (await held_of(site, transaction)).id
    assert told["data"]["bound"] == {"energy_kwh": "56", "minutes": "120"}


async def test_another_stop_settles_what_was_held_for_the_first(site: Site) -> None:
    """The same one again does not, nor one without a register; what is billed stays billed."""
    transaction = await absurd(site)
    for meter in (ABSURD, -1, None):
        again = await site.stop(transaction, meter=meter, received="2026-05-02T12:00")
        assert again.stored is None
    real = await site.stop(transaction, meter=9000, received="2026-05-02T12:30")
    assert real.billing_due == {str(transaction)}
    await site.bill(transaction)
    (cdr,) = await site.cdrs(transaction)
    assert cdr.total_energy == 8
    assert (await held_of(site, transaction)).state is HoldState.SETTLED
    late = await site.stop(transaction, meter=99_000, received="2026-05-02T13:00")
    assert late.stored is None


async def test_a_stop_that_comes_after_all_settles_what_was_superseded(site: Site) -> None:
    """Its readings leave most of it open; the charge point's own word does not."""
    transaction = await site.start()
    await supersede(site, transaction, "2026-05-02T11:00")
    await site.values(
        transaction, *((f"2026-05-02T09:{minute:02}", 1000 + 50 * minute) for minute in range(20))
    )
    await site.bill(transaction)
    held = await held_of(site, transaction)
    assert held.cause is HoldCause.END_UNKNOWN
    assert held.document.superseded
    stop = await site.stop(transaction, "2026-05-02T10:30", received="2026-05-03T08:00")
    assert stop.stored is not None
    await site.bill(transaction)
    (cdr,) = await site.cdrs(transaction)
    assert cdr.total_energy == 10
    assert (await held_of(site, transaction)).state is HoldState.SETTLED


async def test_a_stop_that_comes_after_the_owners_word_credits_it(site: Site) -> None:
    transaction = await site.start()
    await supersede(site, transaction, "2026-05-02T11:00")
    await site.bill(transaction)
    await release(site, await held_of(site, transaction), energy_kwh=Decimal(4))
    await site.bill(transaction)
    await site.stop(transaction, received="2026-05-03T08:00")
    await site.bill(transaction)
    first, credit, real = await site.cdrs(transaction)
    assert [first.total_energy, real.total_energy] == [4, 10]
    assert credit.credit
    assert await site.mark(transaction) == TransactionBilling.BILLED


async def supersede(site: Site, transaction: int, moment: str) -> None:
    async with site.database.write() as connection:
        await connection.execute(
            update(TransactionRow)
            .where(col(TransactionRow.id) == transaction)
            .values(
                stopped_at=at(moment),
                stop_received_at=at(moment),
                superseded=True,
                billing=TransactionBilling.DUE,
            )
        )


async def test_a_stop_that_is_absurd_after_all_takes_back_what_was_billed(site: Site) -> None:
    """Superseded and billed; then a stop whose register no meter has: a credit, and held."""
    transaction = await site.start()
    points = [(f"2026-05-02T09:{minute:02}", 1000 + 50 * minute) for minute in range(60)]
    await site.values(transaction, *points)
    await supersede(site, transaction, "2026-05-02T10:00")
    await site.bill(transaction)
    (billed,) = await site.cdrs(transaction)
    assert billed.remark is not None
    assert "never told its end" in billed.remark
    stop = TransactionStop(
        charge_point_id=site.charge_point_id,
        transaction_id=str(transaction),
        stopped_at=at("2026-05-02T12:00"),
        meter_stop=ABSURD,
        reason=None,
        received_at=at("2026-05-02T12:00"),
        entries=[],
    )
    async with site.database.write() as connection:
        await store_facts(connection, [stop])
    await site.bill(transaction)
    _, credit = await site.cdrs(transaction)
    assert credit.credit_reference_id == billed.id
    held = await held_of(site, transaction)
    await release(site, held, energy_kwh=Decimal(3))
    await site.bill(transaction)
    assert [record.total_energy for record in await site.cdrs(transaction)][2:] == [3]


async def test_another_project_has_nothing_of_it(site: Site) -> None:
    held = await held_of(site, await absurd(site))
    async with site.database.write() as connection:
        others = HeldRecords(connection, "prj_2")
        with pytest.raises(NotFoundError):
            await others.release(held.id, Decision(energy_kwh=Decimal(1)), by=OWNER, at=AT)
        assert await others.page(state=None, cause=None, before=None, limit=9) == []


async def test_signed_readings_are_kept_as_they_were_sent(site: Site) -> None:
    ocmf = 'OCMF|{"FV":"1.0","RD":[{"RV":1.000,"RU":"kWh"}]}|{"SD":"3045"}'
    transaction = await site.start()
    entries = [
        MeterEntry(
            at=at(moment),
            samples=[
                {"value": str(wh), "context": context},
                {"value": f"{ocmf}{context}", "format": "SignedData", "context": context},
            ],
        )
        for moment, wh, context in (
            ("2026-05-02T09:00", 1000, "Transaction.Begin"),
            ("2026-05-02T10:00", 6000, "Sample.Periodic"),
            ("2026-05-02T11:00", 11_000, "Transaction.End"),
        )
    ]
    record = MeterValues(
        charge_point_id=site.charge_point_id,
        connector_id=1,
        received_at=site.now,
        transaction_id=str(transaction),
        number=transaction,
        entries=entries,
    )
    async with site.database.write() as connection:
        await store_facts(connection, [record])
    await site.stop(transaction)
    site.now += timedelta(minutes=1)
    await site.bill(transaction)
    (cdr,) = await site.cdrs(transaction)
    assert [(one.nature, one.signed_data) for one in cdr.signed_readings] == [
        (SignedNature.START, f"{ocmf}Transaction.Begin"),
        (SignedNature.END, f"{ocmf}Transaction.End"),
    ]
    assert cdr.link is LinkSecurity.UNAUTHENTICATED
