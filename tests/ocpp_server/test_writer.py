"""The database goes away, comes back, or refuses one fact of many."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection
from structlog.testing import capture_logs

from domain.facts import ConnectorFact
from ocpp_server import writer as module
from ocpp_server.charge_point_log import LINES
from ocpp_server.peer import Peer
from ocpp_server.writer import NotStoredError, Writer
from storage.engine import Database
from storage.fact_records import (
    ConnectorStatus,
    MeterEntry,
    MeterValues,
    Record,
    Touched,
    TransactionStart,
)
from storage.models.connections import ChargePointConnection
from storage.models.facts import Connector
from storage.models.transactions import MeterValue
from tests.ocpp_server.bed import WITHIN, Bed

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Outage(Database):
    """A database whose writes fail while it is away."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.away = True
        self.tried = asyncio.Event()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        if self.away:
            self.tried.set()
            raise OperationalError("BEGIN", {}, Exception("gone"))
        async with self._database.write() as connection:
            yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        if self.away:
            raise OperationalError("BEGIN", {}, Exception("gone"))
        async with self._database.read() as connection:
            yield connection


class ReadsOnly(Outage):
    """A database that can be read while it cannot be written."""

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        async with self._database.read() as connection:
            yield connection


def status(charge_point_id: str) -> ConnectorStatus:
    return ConnectorStatus(
        charge_point_id=charge_point_id,
        fact=ConnectorFact(
            connector_id=1, status="Available", error_code="NoError", at=datetime.now(UTC)
        ),
        stamped_at=datetime.now(UTC),
    )


def values(charge_point_id: str) -> MeterValues:
    now = datetime.now(UTC)
    return MeterValues(
        charge_point_id=charge_point_id,
        connector_id=1,
        received_at=now,
        entries=[MeterEntry(at=now, samples=[{"value": str(number)}]) for number in range(3)],
    )


async def test_facts_wait_for_a_database_that_is_away(bed: Bed) -> None:
    database, told = Outage(bed.database), list[Record]()
    writer = Writer(database, told.extend)
    running = asyncio.create_task(writer.run())
    fact = status(bed.charge_point_id)
    storing = asyncio.create_task(writer.store(fact))
    await database.tried.wait()
    database.away = False
    await storing
    assert told == [fact]
    assert len(await bed.rows(Connector)) == 1
    writer.close()
    await running


class Told:
    """A sender that keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[NotStoredError | None] = []

    def stored(self, error: NotStoredError | None) -> None:
        self.heard.append(error)


async def written(bed: Bed, *facts: Record) -> list[NotStoredError | None]:
    """Have the facts of one message written, and return what its sender heard."""
    writer, sender = Writer(bed.database, lambda _records: None), Told()
    writer.put(facts, sender)
    writer.close()
    await writer.run()
    return sender.heard


async def test_facts_of_one_message_are_stored_together(bed: Bed) -> None:
    """Kind by kind: what was read is filed under the transaction that begins with it."""
    now = datetime.now(UTC)
    read = values(bed.charge_point_id)
    read.inferred = True
    start = TransactionStart(
        charge_point_id=bed.charge_point_id,
        connector_id=1,
        id_tag="CARD",
        started_at=read.entries[0].at,
        meter_start=0,
        received_at=now,
    )
    assert await written(bed, read, start) == [None]
    assert {row.transaction_id for row in await bed.rows(MeterValue)} == {start.transaction_id}


async def test_none_of_them_is_stored_where_one_is_refused(bed: Bed) -> None:
    (error,) = await written(bed, status(bed.charge_point_id), status("cp_of_nobody"))
    assert isinstance(error, NotStoredError)
    assert await bed.rows(Connector) == []


async def test_touches_are_stored_by_themselves(bed: Bed) -> None:
    """Else two nodes would wait for each other: see :mod:`storage.row_locks`."""
    told: list[list[type[Record]]] = []
    writer = Writer(bed.database, lambda records: told.append([type(one) for one in records]))
    now = datetime.now(UTC)
    peer = Peer(
        charge_point_id=bed.charge_point_id,
        node_id="nod_1",
        ocpp_version="1.6",
        remote_address=None,
        connected_at=now,
    )
    writer.note(status(bed.charge_point_id))
    writer.touch(peer, now, heartbeat=True)
    writer.close()
    await writer.run()
    assert told == [[ConnectorStatus], [Touched]]


async def test_who_waits_too_long_is_told_and_what_is_not_repeated_is_kept(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.01)
    database, told = Outage(bed.database), list[Record]()
    writer = Writer(database, told.extend)
    running = asyncio.create_task(writer.run())
    repeated, once = values(bed.charge_point_id), status(bed.charge_point_id)
    outcomes = await asyncio.gather(
        writer.store(repeated), writer.store(once), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [NotStoredError, NotStoredError]
    database.away = False
    writer.close()
    await running
    assert told == [once]


async def test_one_bad_fact_does_not_harm_the_others(bed: Bed) -> None:
    told = list[Record]()
    writer = Writer(bed.database, told.extend)
    stranger, own = status("cp_of_nobody"), status(bed.charge_point_id)
    storing = [asyncio.create_task(writer.store(fact)) for fact in (stranger, own)]
    running = asyncio.create_task(writer.run())
    with pytest.raises(NotStoredError):
        await storing[0]
    await storing[1]
    assert told == [own]
    writer.close()
    await running


async def test_facts_of_one_charge_point_that_go_wrong_are_told_within_its_budget(bed: Bed) -> None:
    class Broken:
        def stored(self, error: NotStoredError | None) -> None:
            raise RuntimeError(error)

    writer = Writer(bed.database, lambda _records: None)
    for _ in range(LINES):
        writer.put([status("cp_of_nobody")], Broken())
    writer.close()
    with capture_logs() as lines:
        await writer.run()
    assert {line["event"] for line in lines} == {"fact_not_stored", "sender_failed"}
    assert len(lines) == LINES


async def test_an_outage_among_facts_that_are_written_singly_costs_none(bed: Bed) -> None:
    class GoneAtTheThird(Outage):
        writes = 0

        @asynccontextmanager
        async def write(self) -> AsyncIterator[AsyncConnection]:
            self.writes += 1
            self.away = self.writes == 3  # after the batch, and the stranger alone
            async with super().write() as connection:
                yield connection

    told = list[Record]()
    writer = Writer(GoneAtTheThird(bed.database), told.extend)
    stranger, own = status("cp_of_nobody"), status(bed.charge_point_id)
    storing = [asyncio.create_task(writer.store(fact)) for fact in (stranger, own)]
    running = asyncio.create_task(writer.run())
    with pytest.raises(NotStoredError):
        await storing[0]
    await storing[1]
    assert told == [own]
    writer.close()
    await running


async def test_a_database_that_can_be_read_and_not_written_costs_no_fact(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(ReadsOnly):
        tries = 0

        @asynccontextmanager
        async def write(self) -> AsyncIterator[AsyncConnection]:
            self.tries += 1
            self.away = self.tries < 6
            async with super().write() as connection:
                yield connection

    monkeypatch.setattr(module, "_FIRST_PAUSE", 0.0)
    writer = Writer(Full(bed.database), lambda _records: None)
    running = asyncio.create_task(writer.run())
    await writer.store(status(bed.charge_point_id))
    assert len(await bed.rows(Connector)) == 1
    writer.close()
    await running


async def test_a_handshake_that_was_put_off_leaves_no_connection_behind(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.01)
    database = ReadsOnly(bed.database)
    monkeypatch.setattr(bed.node.writer, "database", database)
    async with bed.wire() as wire, asyncio.timeout(WITHIN):
        await wire.socket.wait_closed()
        assert wire.socket.close_code == 1013
    database.away = False
    await bed.node.writer.store(status(bed.charge_point_id))  # whatever waited is written before
    assert await bed.rows(ChargePointConnection) == []


async def test_a_large_batch_of_meter_values(bed: Bed) -> None:
    writer = Writer(bed.database, lambda _records: None)
    storing = [asyncio.create_task(writer.store(values(bed.charge_point_id))) for _ in range(400)]
    running = asyncio.create_task(writer.run())
    await asyncio.gather(*storing)
    rows = await bed.rows(MeterValue)
    assert len(rows) == 1200
    assert rows[-1].samples == [{"value": "2"}]
    assert rows[-1].at.tzinfo is not None
    writer.close()
    await running
