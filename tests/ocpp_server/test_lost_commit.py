"""The database dies right after a commit: the batch is written again, and ends in the same rows."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.facts import BootFact
from domain.states import RegistrationStatus
from ocpp_server.events import event_of
from ocpp_server.writer import Writer
from storage.engine import Database
from storage.fact_records import Boot, Connected, Disconnected, Record
from storage.models.connections import ChargePointConnection
from storage.models.facts import Boot as BootRow
from tests.ocpp_server.bed import Bed


class LosesAnswers(Database):
    """A database that goes away after each first of two commits."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._commits = 0

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        async with self._database.write() as connection:
            yield connection
        self._commits += 1
        if self._commits % 2:
            raise OperationalError("COMMIT", {}, Exception("gone"))


class Told:
    """Stores facts, each twice, and keeps what was told as committed."""

    def __init__(self, database: Database) -> None:
        self.facts: list[Record] = []
        self._writer = Writer(LosesAnswers(database), self.facts.extend)

    async def store(self, *facts: Record) -> None:
        storing = [asyncio.create_task(self._writer.store(fact)) for fact in facts]
        running = asyncio.create_task(self._writer.run())
        try:
            await asyncio.gather(*storing)
        finally:
            running.cancel()
            await asyncio.wait({running})


@pytest.fixture
def told(bed: Bed) -> Told:
    return Told(bed.database)


def connected(bed: Bed, *, address: str = "192.0.2.1", gone: int = 0) -> Connected:
    """A connection, before which a generation was found to be gone."""
    return Connected(
        charge_point_id=bed.charge_point_id,
        node_id=bed.node.node_id,
        ocpp_version="1.6",
        remote_address=address,
        at=datetime.now(UTC),
        gone=frozenset({gone}),
    )


def disconnected(link: Connected) -> Disconnected:
    return Disconnected(
        charge_point_id=link.charge_point_id,
        node_id=link.node_id,
        generation=link.generation,
        ocpp_version=link.ocpp_version,
        remote_address=link.remote_address,
        at=datetime.now(UTC),
    )


async def test_a_connection_is_counted_once(bed: Bed, told: Told) -> None:
    first, second = connected(bed), connected(bed, address="192.0.2.2", gone=1)
    await told.store(first, second)
    assert (first.generation, second.generation) == (1, 2)
    (row,) = await bed.rows(ChargePointConnection)
    assert row.generation == 2
    assert len(row.arrivals) == 2
    third = connected(bed, gone=2)
    await told.store(third)
    assert third.generation == 3


async def test_an_end_is_told(bed: Bed, told: Told) -> None:
    link = connected(bed)
    await told.store(link)
    end = disconnected(link)
    await told.store(end)
    assert end.was_current
    assert event_of(end) is not None


async def test_a_late_end_is_still_none(bed: Bed, told: Told) -> None:
    old, new = connected(bed), connected(bed, address="192.0.2.2", gone=1)
    await told.store(old, new)
    end = disconnected(old)
    await told.store(end)
    assert not end.was_current


async def test_a_boot_is_one_row_and_one_event(bed: Bed, told: Told) -> None:
    boot = Boot(
        charge_point_id=bed.charge_point_id,
        fact=BootFact(
            boot_id="boot_1",
            at=datetime.now(UTC),
            vendor="ABB",
            model="Terra AC W22",
            charge_point_serial=None,
            charge_box_serial=None,
            firmware_version=None,
            registration=RegistrationStatus.PENDING,
        ),
        payload={},
    )
    await told.store(boot)
    assert told.facts == [boot]
    assert len(await bed.rows(BootRow)) == 1
