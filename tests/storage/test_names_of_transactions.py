"""A transaction is known by the engine's number, and by the id that its charge point knows."""

import contextlib
from datetime import timedelta

from sqlalchemy import insert, select
from sqlmodel import col

from domain.commissioning import NamedTransaction
from storage.engine import Database
from storage.fact_records import MeterEntry, MeterValues, TransactionStart, TransactionStop
from storage.models.charge_points import ChargePoint
from storage.models.transactions import MeterValue, Transaction
from storage.store_facts import store_facts
from storage.transactions import readings_of
from tests.support.billing import at
from tests.support.rows import one_charge_point

BEGUN = at("2026-05-02T09:00")
OWN = "5b2c1f7e-0d5a-4b43-9a57-7a2f1d3c9e10"


def start(
    charge_point_id: str = "cp_1", *, minute: int = 0, given_id: str | None = None
) -> TransactionStart:
    return TransactionStart(
        charge_point_id=charge_point_id,
        connector_id=1,
        id_tag="CARD",
        started_at=BEGUN + timedelta(minutes=minute),
        meter_start=0,
        received_at=BEGUN + timedelta(minutes=minute),
        given_id=given_id,
    )


async def stored(database: Database, record: TransactionStart) -> TransactionStart:
    async with database.write() as connection:
        await store_facts(connection, [record])
    return record


async def test_without_an_id_of_the_charge_point_it_is_the_number(database: Database) -> None:
    await one_charge_point(database)
    first, second = await stored(database, start()), await stored(database, start(minute=1))
    assert [one.transaction_id for one in (first, second)] == [
        str(first.number),
        str(second.number),
    ]
    assert first.number < second.number
    again = await stored(database, start())
    assert (again.repeated, again.transaction_id) == (True, first.transaction_id)
    assert second.stored is not None
    assert (second.stored.transaction_id, second.stored.number) == (
        second.transaction_id,
        second.number,
    )


async def test_two_charge_points_may_give_the_same_id(database: Database) -> None:
    await one_charge_point(database)
    async with database.write() as connection:
        (beside,) = (await connection.execute(select(ChargePoint.__table__))).mappings()
        other = {"id": "cp_2", "serial_number": "S2", "serial_key": "s2"}
        await connection.execute(insert(ChargePoint).values({**beside, **other}))
    here = await stored(database, start(given_id=OWN))
    there = await stored(database, start("cp_2", given_id=OWN))
    assert here.transaction_id == there.transaction_id == OWN
    assert here.number != there.number
    stop = TransactionStop(
        charge_point_id="cp_2",
        transaction_id=OWN,
        stopped_at=BEGUN,
        meter_stop=0,
        reason=None,
        received_at=BEGUN,
        entries=[],
        seq_no=2,
    )
    values = MeterValues(
        charge_point_id="cp_1",
        connector_id=1,
        received_at=BEGUN,
        entries=[MeterEntry(at=BEGUN, samples=[{"value": "1"}])],
        inferred=True,
        lookup=OWN,
    )
    async with database.write() as connection:
        await store_facts(connection, [stop])
        await store_facts(connection, [values])
        assert await connection.scalar(select(col(MeterValue.transaction_id))) == here.number
        names = [
            NamedTransaction(charge_point_id=of, transaction_id=OWN) for of in ("cp_1", "cp_2")
        ]
        read = await readings_of(connection, names)
    assert stop.number == there.number
    assert [len(read[name].readings) for name in names] == [1, 0]
    ends = [one.transaction and one.transaction.stopped_at for one in read.values()]
    assert ends == [None, BEGUN]


async def test_its_own_id_told_twice_is_one_transaction(database: Database) -> None:
    await one_charge_point(database)
    first = await stored(database, start(given_id=OWN))
    again = await stored(database, start(minute=1, given_id=OWN))
    assert (again.repeated, again.number) == (True, first.number)


async def test_a_start_whose_commit_was_lost_has_the_id_of_the_row_that_is_there(
    database: Database,
) -> None:
    """The number of the first try may be another one's by then, or nobody's."""
    await one_charge_point(database)
    record = start()
    with contextlib.suppress(ConnectionError):
        async with database.write() as connection:
            await store_facts(connection, [record])
            raise ConnectionError
    await stored(database, start(minute=1))
    await stored(database, record)
    async with database.read() as connection:
        rows = await connection.execute(select(col(Transaction.id), col(Transaction.ocpp_id)))
        names = {row.id: row.ocpp_id for row in rows}
    assert list(names.values()) == [str(number) for number in names]
    assert names[record.number] == record.transaction_id
