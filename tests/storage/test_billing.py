"""Every ended transaction is billed once by the tariffs of its time, or has a reason not to be."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from domain.audit import Actor
from domain.billing.cdr import Cdr
from domain.billing.messages import BillTransaction
from domain.billing.tariff import Tariff
from domain.errors import ConflictError
from domain.states import Role, RunStatus, TransactionBilling
from storage.billing_activation import BillingActivation
from storage.cdrs import Cdrs
from storage.engine import Database
from storage.fact_records import MeterValues
from storage.meter_values import insert_meter_values
from storage.models.billing import ChargeDetailRecord
from storage.models.charge_points import ChargePoint
from storage.models.projects import Project
from storage.models.runs import CommissioningRun
from storage.models.transactions import Transaction
from storage.runs import Runs
from storage.transactions_to_bill import due, make_due_again
from tests.support.billing import (
    ACTIVE,
    Site,
    at,
    energy_tariff,
    entries,
    stored_tariff,
)
from tests.support.rows import one_charge_point, run_request

OWNER = Actor(email="usr_2@acme.example", role="site_owner", account_id="usr_2")

# From 12:00 on energy is dearer, so that it matters when it flowed.
NOON = (
    stored_tariff(energy_tariff("0.30")),
    stored_tariff(energy_tariff("0.50"), valid_from=at("2026-05-02T12:00")),
)
ELEVEN = "2026-05-02T11:00"


@pytest.fixture
async def site(database: Database) -> Site:
    made = Site(database)
    await made.begin()
    return made


async def test_a_session_becomes_one_record(site: Site) -> None:
    transaction = await site.session()
    assert await site.mark(transaction) == TransactionBilling.DUE
    settled = await site.bill(transaction)
    (cdr,) = await site.cdrs(transaction)
    assert settled.cdr_ids == (cdr.id,)
    assert (cdr.total_cost.excl_vat, cdr.total_cost.incl_vat) == (Decimal("3.00"), Decimal("3.60"))
    assert (cdr.total_energy, cdr.total_time) == (Decimal(10), Decimal(2))
    assert (cdr.session_id, cdr.cdr_token.uid) == (str(transaction), "04A2B3C4")
    assert cdr.cdr_location.charge_point == "SN-1"
    assert await site.mark(transaction) == TransactionBilling.BILLED
    assert (await site.bill(transaction)).reason == "Nothing is due."


@pytest.mark.parametrize("contested", [False, True])
async def test_no_bill_rests_on_the_register_of_a_session_of_a_contest(
    site: Site, *, contested: bool
) -> None:
    """A stranger may have told it: where the start of the next one is missing, it is held."""
    other = await site.start("2026-05-02T07:00", meter=400, id_tag="ANOTHER")
    await site.stop(other, "2026-05-02T08:00", meter=500)
    async with site.database.write() as connection:
        await connection.execute(update(Transaction).values(contested=contested))
    mine = await site.start(meter=None)
    await site.stop(mine)
    await site.bill(mine)
    energies = [float(cdr.total_energy) for cdr in await site.cdrs(mine)]
    assert energies == ([] if contested else [10.5])


@pytest.mark.parametrize("run", [None, "com_1"])
async def test_a_stop_of_the_one_that_was_kept_takes_the_place_of_a_strangers(
    site: Site, run: str | None
) -> None:
    """Numbers of transactions are guessed easily; so nobody's own stop is lost by it."""
    mine = await site.start()
    async with site.database.write() as connection:
        await connection.execute(update(Transaction).values(commissioning_id=run))
    strange = await site.stop(mine, "2026-05-02T09:30", meter=1001, contested=2)
    assert strange.stored is not None
    another = await site.stop(mine, "2026-05-02T09:40", meter=1002, contested=3)
    assert another.stored is None  # neither is any proof
    own = await site.stop(mine)
    assert own.stored is not None
    assert (own.stored.meter_stop, own.stored.stopped_at) == (11_000, at(ELEVEN))
    again = await site.stop(mine)
    assert again.stored is None
    await site.bill(mine)
    assert await site.cdrs(mine) == []


@pytest.mark.parametrize("contested", [False, True])
async def test_nor_on_the_power_that_such_a_session_has_shown(
    site: Site, *, contested: bool
) -> None:
    """Readings of 12 kW would make it a charge point that never gives 42."""
    other = await site.start("2026-05-02T07:00", meter=400, id_tag="ANOTHER")
    await site.values(other, ("2026-05-02T07:10", 1000), ("2026-05-02T07:20", 3000))
    await site.stop(other, "2026-05-02T08:00", meter=3000)
    async with site.database.write() as connection:
        await connection.execute(update(Transaction).values(contested=contested))
        await connection.execute(update(ChargePoint).values(model="None that we know"))
    mine = await site.session(meter=4000)
    async with site.database.write() as connection:
        await connection.execute(
            update(Transaction).where(col(Transaction.id) == mine).values(meter_stop=88_000)
        )
    await site.bill(mine)
    energies = [float(cdr.total_energy) for cdr in await site.cdrs(mine)]
    assert energies == ([84.0] if contested else [])


async def test_many_at_once_bill_it_once(site: Site) -> None:
    transaction = await site.session()
    settled = await asyncio.gather(*(site.bill(transaction) for _ in range(8)))
    assert sum(len(each.cdr_ids) for each in settled) == 1
    assert len(await site.cdrs(transaction)) == 1


async def test_a_stop_that_is_repeated_is_not_billed_again(site: Site) -> None:
    transaction = await site.session()
    await site.bill(transaction)
    again = await site.stop(transaction, "2026-05-02T12:30", meter=99_000)
    assert not again.billing_due
    assert await site.mark(transaction) == TransactionBilling.BILLED
    assert len(await site.cdrs(transaction)) == 1


async def test_late_values_that_change_nothing_leave_the_record(site: Site) -> None:
    transaction = await site.session()
    await site.bill(transaction)
    late = await site.values(transaction, ("2026-05-02T10:00", 6000), late=True)
    assert late.billing_due
    assert (await site.bill(transaction)).reason == "Its record stands."
    assert len(await site.cdrs(transaction)) == 1


async def test_late_values_correct_the_record_and_edit_nothing(database: Database) -> None:
    site = Site(database)
    await site.begin(*NOON)
    transaction = await site.start(ELEVEN)
    await site.stop(transaction, "2026-05-02T13:00")
    await site.bill(transaction)
    (first,) = await site.cdrs(transaction)
    assert first.total_cost.excl_vat == Decimal("4.00")  # 5 x 0.30 + 5 x 0.50

    await site.values(transaction, ("2026-05-02T12:00", 9000), late=True)
    site.now += timedelta(hours=1)
    settled = await site.bill(transaction)
    original, credit, corrected = await site.cdrs(transaction)
    assert settled.cdr_ids == (credit.id, corrected.id)
    assert original == first
    assert credit.credit
    assert credit.credit_reference_id == original.id
    assert credit.total_cost.excl_vat == -original.total_cost.excl_vat
    assert credit.total_energy_cost.incl_vat == -original.total_energy_cost.incl_vat
    assert corrected.total_cost.excl_vat == Decimal("3.40")  # 8 x 0.30 + 2 x 0.50
    assert not corrected.credit

    # And once more: the credit is of the newest.
    await site.values(transaction, ("2026-05-02T11:30", 9000), late=True)
    assert (await site.bill(transaction)).reason == "Its record stands."
    await site.values(transaction, ("2026-05-02T12:00", 11_000), late=True)
    await site.bill(transaction)
    records = await site.cdrs(transaction)
    assert [record.credit for record in records] == [False, True, False, True, False]
    assert records[3].credit_reference_id == corrected.id
    assert sum(record.total_cost.excl_vat for record in records) == Decimal("3.00")


async def test_a_zone_that_is_changed_corrects_nothing(database: Database) -> None:
    """What was billed by the clock of before stays billed by it."""
    site = Site(database)
    component = {"type": "ENERGY", "price": "0.10"}
    night = {
        "price_components": [component],
        "restrictions": {"start_time": "00:00", "end_time": "10:00"},
    }
    day = {"price_components": [{"type": "ENERGY", "price": "0.30"}]}
    tariff = Tariff.model_validate({"currency": "GBP", "elements": [night, day]})
    await site.begin(stored_tariff(tariff), time_zone="UTC")
    transaction = await site.session()  # from 09:00 to 11:00: half of it before 10:00
    await site.bill(transaction)
    async with database.write() as connection:
        await connection.execute(update(Project).values(time_zone="Asia/Tokyo"))
    await site.values(transaction, ("2026-05-02T10:00", 6000), late=True)
    assert (await site.bill(transaction)).reason == "Its record stands."
    (cdr,) = await site.cdrs(transaction)
    assert cdr.total_cost.excl_vat == Decimal("2.00")
    other = await site.session(started="2026-05-02T09:30")
    await site.bill(other)
    (cdr,) = await site.cdrs(other)
    assert (cdr.total_cost.excl_vat, cdr.cdr_location.time_zone) == (Decimal("3.00"), "Asia/Tokyo")


async def test_values_that_come_while_it_is_billed_are_not_overlooked(database: Database) -> None:
    site = Site(database)
    await site.begin(*NOON)
    transaction = await site.start(ELEVEN)
    await site.stop(transaction, "2026-05-02T13:00")
    async with database.write() as connection:
        settling = asyncio.create_task(site.bill(transaction))
        await insert_meter_values(connection, [_late_record(site, transaction)])
        assert await make_due_again(connection, {transaction}) == {transaction: str(transaction)}
    await settling
    await site.bill(transaction)
    records = await site.cdrs(transaction)
    assert records[-1].total_cost.excl_vat == Decimal("3.40")
    assert sum(each.total_cost.excl_vat for each in records) == Decimal("3.40")


def _late_record(site: Site, transaction: int) -> MeterValues:
    return MeterValues(
        charge_point_id=site.charge_point_id,
        connector_id=1,
        received_at=site.now,
        transaction_id=str(transaction),
        number=transaction,
        entries=entries(("2026-05-02T12:00", 9000)),
    )


async def test_what_is_not_billed(site: Site) -> None:
    """Before activation, in a pause; but what began while it was active is billed to its end."""
    before = await site.session(started="2026-05-01T10:14")
    running = await site.start("2026-05-03T09:00")
    async with site.database.write() as connection:
        billing = BillingActivation(connection, site.project_id)
        first = await billing.pause(at=at("2026-05-03T10:00"), by=OWNER)
        assert await billing.pause(at=at("2026-05-03T10:30"), by=OWNER) == first
    paused = await site.start("2026-05-03T10:00")
    async with site.database.write() as connection:
        state = await BillingActivation(connection, site.project_id).resume(
            at=at("2026-05-03T12:00"), by=OWNER
        )
        assert state.paused_at is None
    resumed = await site.start("2026-05-03T12:00")
    for transaction in (running, paused, resumed):
        await site.stop(transaction, "2026-05-03T13:00")
    for transaction in (before, paused):
        assert (await site.bill(transaction)).reason == "Billing was not active when it began."
        assert await site.mark(transaction) == TransactionBilling.EXEMPT
        assert await site.cdrs(transaction) == []
    for transaction in (running, resumed):
        assert len((await site.bill(transaction)).cdr_ids) == 1


async def test_an_offline_session_is_billed_by_its_own_time(site: Site) -> None:
    """Charged on 2 May, told on 9 May after the site went offline."""
    transaction = await site.session(received="2026-05-09T08:00")
    site.now = at("2026-05-09T08:01")
    await site.bill(transaction)
    (cdr,) = await site.cdrs(transaction)
    assert cdr.start_date_time == at("2026-05-02T09:00")


async def test_a_clock_that_was_never_set_does_not_make_it_free(site: Site) -> None:
    transaction = await site.session(started="1970-01-01T00:00", received="2026-05-02T09:00")
    await site.bill(transaction)
    (cdr,) = await site.cdrs(transaction)
    assert cdr.total_cost.excl_vat == Decimal("3.00")
    assert cdr.remark == "The charge point's clock was wrong, so no time was billed."


@pytest.mark.parametrize(
    ("started", "stopped"),
    [
        ("1970-01-01T00:00", "1970-01-01T02:00"),
        ("2026-05-02T09:00", "1970-01-01T02:00"),
        ("2036-02-07T06:28", "2036-02-07T08:28"),
        ("2000-01-01T00:00", "2000-01-01T00:00"),
    ],
    ids=["lost", "lost in mid-session", "ahead", "standing still"],
)
async def test_a_clock_that_is_wrong_at_its_end_is_billed_by_ours(
    site: Site, started: str, stopped: str
) -> None:
    transaction = await site.start(started, received="2026-05-02T09:00")
    await site.stop(transaction, stopped, received="2026-05-02T11:00")
    await site.bill(transaction)
    (cdr,) = await site.cdrs(transaction)
    assert cdr.total_cost.excl_vat == Decimal("3.00")
    assert cdr.end_date_time == at("2026-05-02T11:00")
    assert cdr.remark == "The charge point's clock was wrong, so no time was billed."


@pytest.mark.parametrize("started", ["1970-01-01T00:00", "2036-02-07T06:28"])
async def test_a_clock_that_is_wrong_bills_nothing_of_a_pause(site: Site, started: str) -> None:
    async with site.database.write() as connection:
        await BillingActivation(connection, site.project_id).pause(
            at=at("2026-05-02T08:00"), by=OWNER
        )
    transaction = await site.start(started, received="2026-05-02T09:00")
    await site.stop(transaction, started, received="2026-05-02T11:00")
    assert (await site.bill(transaction)).reason == "Billing was not active when it began."


async def test_an_offline_session_of_before_the_activation_stays_unbilled(site: Site) -> None:
    """It is told months later, which is no reason to doubt its clock."""
    transaction = await site.start("2026-04-29T09:00", received="2026-07-20T08:00")
    await site.stop(transaction, "2026-04-29T11:00", received="2026-07-20T08:00")
    assert (await site.bill(transaction)).reason == "Billing was not active when it began."


async def test_test_transactions_are_never_billed(site: Site) -> None:
    async with site.database.write() as connection:
        runs = Runs(connection)
        await runs.create_starting(run_request())
        await runs.begin("com_1", id_tag="A1B2C3")
    test = await site.start(id_tag="a1b2c3")
    stop = await site.stop(test)
    assert not stop.billing_due  # it never gets as far as billing
    assert await site.mark(test) is None
    async with site.database.write() as connection:
        await connection.execute(update(CommissioningRun).values(status=RunStatus.FAILED))
    orphaned = await site.start("2026-05-02T12:00", id_tag="A1B2C3")  # told after the verdict
    assert (await site.stop(orphaned, "2026-05-02T12:10")).billing_due
    assert (await site.bill(orphaned)).reason == "It is a test transaction."
    for transaction in (test, orphaned):
        assert await site.cdrs(transaction) == []


async def test_a_project_that_does_not_bill(database: Database) -> None:
    site = Site(database)
    await one_charge_point(database)
    transaction = await site.session()
    assert await site.mark(transaction) is None
    late = await site.values(transaction, ("2026-05-02T10:00", 2000), late=True)
    assert not late.billing_due
    assert (await site.bill(transaction)).reason == "Nothing is due."
    with pytest.raises(ConflictError, match="does not bill yet"):
        async with database.write() as connection:
            await BillingActivation(connection, "prj_1").pause(at=ACTIVE, by=OWNER)


async def test_what_is_due_is_found(site: Site) -> None:
    first, second = await site.session(), await site.session(started="2026-05-02T09:30")
    async with site.database.read() as connection:
        early = at("2026-05-02T11:00")
        assert await due(connection, ended_before=early, after=0, limit=9) == []
        late = early + timedelta(seconds=1)
        both = [
            (number, BillTransaction(charge_point_id="cp_1", transaction_id=str(number)))
            for number in (first, second)
        ]
        assert await due(connection, ended_before=late, after=0, limit=9) == both
        assert await due(connection, ended_before=late, after=first, limit=9) == both[1:]
    await site.bill(first)
    async with site.database.read() as connection:
        assert await due(connection, ended_before=late, after=0, limit=9) == both[1:]


async def test_a_record_is_on_the_statement_of_the_month_in_which_it_was_issued(
    site: Site,
) -> None:
    """Midnight in London is 23:00 UTC in May; a statement never changes once its month is over."""
    transactions = []
    for now, started in (("2026-05-31T22:59:59", "09:00"), ("2026-05-31T23:00", "09:30")):
        site.now = at(now)
        transactions.append(await site.session(started=f"2026-05-02T{started}"))
        await site.bill(transactions[-1])
    async with site.database.read() as connection:
        records = Cdrs(connection, site.project_id)
        months = [await records.of_month(month) for month in ("2026-05", "2026-06", "2026-07")]
        assert [[record.session_id for record in month] for month in months] == [
            [str(transactions[0])],
            [str(transactions[1])],
            [],
        ]
        newest, oldest = await records.page(month=None, before=None, limit=9)
        assert await records.page(month=None, before=newest.id, limit=9) == [oldest]
        assert await records.page(month="2026-05", before=None, limit=9) == [oldest]


async def test_a_credit_is_listed_where_it_was_issued(database: Database) -> None:
    """Whoever asks for what is new must see it, however old the record that it takes back."""
    site = Site(database)
    await site.begin(*NOON)
    transaction = await site.start(ELEVEN)
    await site.stop(transaction, "2026-05-02T13:00")
    await site.bill(transaction)
    site.now += timedelta(hours=1)
    await site.bill(await site.session(started="2026-05-02T09:30"))
    site.now += timedelta(hours=1)
    await site.values(transaction, ("2026-05-02T12:00", 9000), late=True)
    await site.bill(transaction)
    wrong, credit, corrected = await site.cdrs(transaction)
    async with database.read() as connection:
        records = Cdrs(connection, site.project_id)
        listed = list(await records.page(month=None, before=None, limit=9))
        assert [listed[0], listed[1], listed[3]] == [corrected, credit, wrong]
        one_by_one: list[Cdr] = []
        before: str | None = None
        while page := await records.page(month=None, before=before, limit=1):
            one_by_one += page
            before = page[0].id
        assert one_by_one == listed


async def test_activation_needs_a_tariff_and_is_done_once(database: Database) -> None:
    site = Site(database)
    await one_charge_point(database)
    async with database.write() as connection:
        assert await BillingActivation(connection, "prj_1").activate(at=ACTIVE) is None
        assert await BillingActivation(connection, "prj_1").state() is None
    await site.price(stored_tariff(energy_tariff()))
    for later in range(2):
        async with database.write() as connection:
            moment = ACTIVE + timedelta(hours=later)
            assert await BillingActivation(connection, "prj_1").activate(at=moment) == ACTIVE


async def test_the_currency_is_fixed_with_the_activation(database: Database) -> None:
    site = Site(database)
    await one_charge_point(database)
    await site.price(stored_tariff(energy_tariff()))
    await site.price(stored_tariff(energy_tariff(currency="EUR")))  # a slip that is put right
    async with database.write() as connection:
        await BillingActivation(connection, "prj_1").activate(at=ACTIVE)
    with pytest.raises(ConflictError, match="bills in EUR"):
        await site.price(stored_tariff(energy_tariff(currency="GBP")))
    transaction = await site.session()
    await site.bill(transaction)
    (cdr,) = await site.cdrs(transaction)
    assert (cdr.currency, [tariff.currency for tariff in cdr.tariffs]) == ("EUR", ["EUR"])


async def test_a_default_gives_way_to_the_owner(database: Database) -> None:
    site = Site(database)
    await one_charge_point(database)
    for price in ("0.20", "0.25"):
        await site.price(stored_tariff(energy_tariff(price), set_as=Role.INSTALLER))
    await site.price(stored_tariff(energy_tariff("0.40")))
    with pytest.raises(ConflictError, match="owner has set a tariff"):
        await site.price(stored_tariff(energy_tariff(), set_as=Role.INSTALLER))


async def test_the_database_takes_no_second_record(site: Site) -> None:
    """Should the lock ever fail, the constraint holds."""
    transaction = await site.session()
    await site.bill(transaction)
    async with site.database.read() as connection:
        row = (await connection.execute(select(ChargeDetailRecord.__table__))).mappings().one()
    with pytest.raises(IntegrityError):
        async with site.database.write() as connection:
            await connection.execute(insert(ChargeDetailRecord).values({**row, "id": "cdr_2"}))
