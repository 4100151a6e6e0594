"""Connector n of OCPP 1.6 is connector 1 of EVSE n, and the charge point itself EVSE 0."""

from datetime import UTC, datetime

from sqlalchemy import select

from domain.facts import ConnectorFact
from storage.engine import Database
from storage.fact_records import ConnectorStatus, TransactionStart
from storage.facts import read_snapshot, store
from storage.models.facts import Connector
from storage.models.transactions import Transaction
from tests.support.rows import one_charge_point

NOW = datetime(2026, 5, 1, 9, tzinfo=UTC)


def status(number: int, word: str, error_code: str = "NoError") -> ConnectorStatus:
    return ConnectorStatus(
        charge_point_id="cp_1",
        fact=ConnectorFact(connector_id=number, status=word, error_code=error_code, at=NOW),
        stamped_at=NOW,
    )


async def test_rows_have_both_and_facts_the_number(database: Database) -> None:
    await one_charge_point(database)
    begun = TransactionStart(
        charge_point_id="cp_1",
        connector_id=2,
        id_tag="CARD",
        started_at=NOW,
        meter_start=0,
        received_at=NOW,
    )
    async with database.write() as connection:
        for record in (status(0, "Available"), status(2, "Charging"), begun):
            await store(connection, [record])
        connectors = (await connection.execute(select(Connector.__table__))).all()
        (transaction,) = await connection.execute(select(Transaction.__table__))
        snapshot = await read_snapshot(connection, "cp_1", now=NOW)
    assert {(row.evse_id, row.connector_id) for row in connectors} == {(0, 0), (2, 1)}
    assert (transaction.evse_id, transaction.connector_id) == (2, 1)
    assert [one.connector_id for one in snapshot.connectors] == [0, 2]
    assert [one.connector_id for one in snapshot.transactions] == [2]
