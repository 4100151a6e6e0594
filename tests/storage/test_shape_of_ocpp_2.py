"""The tables have the shape of OCPP 2.x: what OCPP 1.6 tells has its place there."""

from datetime import UTC, datetime

from sqlalchemy import insert, select

from domain.facts import ConnectorFact
from domain.states import ParameterState
from storage.engine import Database
from storage.fact_records import ConnectorStatus, TransactionStart
from storage.models.configuration import Parameter
from storage.models.facts import Connector
from storage.models.transactions import Transaction
from storage.parameters import Parameters
from storage.snapshots import read_snapshot
from storage.store_facts import store_facts
from tests.support.rows import one_charge_point

NOW = datetime(2026, 5, 1, 9, tzinfo=UTC)


def status(number: int, word: str, error_code: str = "NoError") -> ConnectorStatus:
    return ConnectorStatus(
        charge_point_id="cp_1",
        fact=ConnectorFact(connector_id=number, status=word, error_code=error_code, at=NOW),
        stamped_at=NOW,
    )


async def test_connector_n_is_connector_1_of_evse_n_and_facts_name_it_by_the_number(
    database: Database,
) -> None:
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
            await store_facts(connection, [record])
        connectors = (await connection.execute(select(Connector.__table__))).all()
        (transaction,) = await connection.execute(select(Transaction.__table__))
        snapshot = await read_snapshot(connection, "cp_1", now=NOW)
    assert {(row.evse_id, row.connector_id) for row in connectors} == {(0, 0), (2, 1)}
    assert (transaction.evse_id, transaction.connector_id) == (2, 1)
    assert [one.connector_id for one in snapshot.connectors] == [0, 2]
    assert [one.connector_id for one in snapshot.transactions] == [2]


async def test_a_word_that_no_version_has_stands_beside_ours(database: Database) -> None:
    await one_charge_point(database)
    async with database.write() as connection:
        for record in (status(1, "Available"), status(2, "Parked", "OutOfCoffee")):
            await store_facts(connection, [record])
        rows = (await connection.execute(select(Connector.__table__))).all()
        snapshot = await read_snapshot(connection, "cp_1", now=NOW)
    assert {(row.status, row.raw_status) for row in rows} == {
        ("Available", "Available"),
        (None, "Parked"),
    }
    assert {(row.error_code, row.raw_error_code) for row in rows} == {
        ("NoError", "NoError"),
        (None, "OutOfCoffee"),
    }
    assert [(one.status, one.error_code) for one in snapshot.connectors] == [
        ("Available", "NoError"),
        ("Parked", "OutOfCoffee"),
    ]


async def test_a_key_is_a_variable_without_a_component(database: Database) -> None:
    await one_charge_point(database)
    of_another = {
        "charge_point_id": "cp_1",
        "component": "OCPPCommCtrlr",
        "variable": "HeartbeatInterval",
        "desired": "30",
        "state": ParameterState.QUEUED,
        "chosen_at": NOW,
        "updated_at": NOW,
    }
    async with database.write() as connection:
        await connection.execute(insert(Parameter).values(of_another))
        await Parameters(connection).queue("cp_1", {"HeartbeatInterval": "60"}, at=NOW)
        rows = (await connection.execute(select(Parameter.__table__))).all()
        assert {(row.component, row.desired) for row in rows} == {
            ("OCPPCommCtrlr", "30"),
            ("", "60"),
        }
        await Parameters(connection).take_back("cp_1", ["HeartbeatInterval"])
        (left,) = await connection.execute(select(Parameter.__table__))
    assert left.component == "OCPPCommCtrlr"
