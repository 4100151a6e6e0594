"""A stop that is told while several links speak is kept with its link, whoever told one before."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Row, select, update
from sqlmodel import col

from domain.contests import Contest, Link
from domain.states import TransactionBilling
from ocpp_server.v16.fields import transaction_id
from storage.contested_stops import MOST_KEPT
from storage.contests import disconnect, keep, look, read_contests, values_of
from storage.engine import Database
from storage.fact_records import Connected, MeterEntry, TransactionStop
from storage.held import HeldRecords
from storage.models.connections import ChargePointConnection
from storage.models.transactions import Transaction
from storage.store_facts import store_facts
from tests.api.node import contest, hold
from tests.support.billing import Site, at

HONEST, STRANGER = 1, 2
ELEVEN = at("2026-05-02T11:00")


@dataclass
class Contested:
    """A site whose charge point two links speak as, and a session that began before."""

    site: Site
    transaction: int

    async def stop(self, link: int | None, meter: int | None, **more: Any) -> TransactionStop:
        """Tell a stop on a link."""
        record = TransactionStop(
            **{
                "charge_point_id": self.site.charge_point_id,
                "transaction_id": str(self.transaction),
                "stopped_at": ELEVEN,
                "meter_stop": meter,
                "reason": f"of {link}",
                "received_at": datetime.now(UTC),
                "entries": [],
                "contested": link,
                **more,
            }
        )
        async with self.site.database.write() as connection:
            await store_facts(connection, [record])
        return record

    async def keep(self, link: int) -> None:
        """Decide as a person does."""
        async with self.site.database.write() as connection:
            await keep(connection, self.site.charge_point_id, link, at=datetime.now(UTC))

    async def row(self) -> Row[Any]:
        async with self.site.database.read() as connection:
            query = select(Transaction.__table__).where(col(Transaction.id) == self.transaction)
            return (await connection.execute(query)).one()

    async def kept(self) -> list[tuple[int | None, int | None]]:
        """What is kept of it: links and registers."""
        stops = (await self.row()).contested_stops or []
        return [(stop["link"], stop["meter_stop"]) for stop in stops]

    async def billed_by(self) -> tuple[str | None, float | None]:
        """Where billing stands after it was looked at, and the register of the held record."""
        await self.site.bill(self.transaction)
        assert await self.site.cdrs(self.transaction) == []
        async with self.site.database.read() as connection:
            held = await HeldRecords(connection, self.site.project_id).of_transaction(
                self.transaction
            )
        shown = None if held is None else held.document.meter_stop_kwh
        return await self.site.mark(self.transaction), None if shown is None else float(shown)


@pytest.fixture
async def site(database: Database) -> Site:
    made = Site(database)
    await made.begin()
    return made


@pytest.fixture
async def both(site: Site) -> Contested:
    transaction = await site.start()
    await hold(site.database, site.charge_point_id, "node_there")
    await contest(site.database, site.charge_point_id)
    return Contested(site, transaction)


@pytest.mark.parametrize("billed_before", [False, True])
async def test_the_stop_of_the_link_that_is_kept_is_the_end(
    both: Contested, *, billed_before: bool
) -> None:
    await both.stop(STRANGER, 1001, stopped_at=at("2026-05-02T09:30"))
    own = await both.stop(HONEST, 11_000)
    assert own.ended is not None
    assert await both.kept() == [(STRANGER, 1001), (HONEST, 11_000)]
    if billed_before:
        assert await both.billed_by() == (TransactionBilling.HELD, 1.001)
    await both.keep(HONEST)
    row = await both.row()
    assert (row.meter_stop, row.stopped_at, row.stop_reason) == (11_000, ELEVEN, "of 1")
    assert (row.contested, row.stop_received_at) == (True, own.received_at)
    assert await both.billed_by() == (TransactionBilling.HELD, 11.0)
    assert await both.kept() == [(STRANGER, 1001), (HONEST, 11_000)]


async def test_while_nobody_decides_both_are_kept_and_nothing_is_billed(both: Contested) -> None:
    await both.stop(STRANGER, 1001)
    await both.stop(HONEST, 11_000)
    assert (await both.billed_by())[0] == TransactionBilling.HELD
    async with both.site.database.write() as connection:
        await disconnect(connection, both.site.charge_point_id, at=datetime.now(UTC))
    assert (await both.billed_by())[0] == TransactionBilling.HELD
    assert await both.kept() == [(STRANGER, 1001), (HONEST, 11_000)]


async def test_of_each_link_the_newest_is_kept(both: Contested) -> None:
    for meter in (1001, 1002, 1003):
        await both.stop(STRANGER, meter)
    for meter in (11_000, 11_500):
        await both.stop(HONEST, meter)
    assert await both.kept() == [(STRANGER, 1003), (HONEST, 11_500)]
    await both.keep(HONEST)
    assert (await both.row()).meter_stop == 11_500


async def test_what_the_other_told_before_them_stays_too(both: Contested) -> None:
    """It was alone then, and may be the stranger."""
    await both.stop(None, 900)
    await both.stop(STRANGER, 11_000)
    await both.keep(STRANGER)
    assert (await both.row()).meter_stop == 11_000
    assert await both.kept() == [(STRANGER, 11_000), (None, 900)]


async def test_a_stop_without_a_register_takes_the_place_of_a_strangers_alone(
    both: Contested,
) -> None:
    await both.stop(None, 900)
    await both.stop(HONEST, None)
    await both.keep(HONEST)
    assert (await both.row()).meter_stop == 900


async def test_nor_does_a_stranger_end_it_by_a_register_that_the_kept_one_has_not(
    both: Contested,
) -> None:
    await both.stop(STRANGER, 900)
    await both.stop(HONEST, None)
    await both.keep(HONEST)
    assert (await both.row()).meter_stop is None
    assert (await both.row()).stop_reason == "of 1"


@pytest.mark.parametrize("meter", [None, 11_000])
async def test_what_the_kept_one_tells_later_is_kept_whatever_it_says(
    both: Contested, meter: int | None
) -> None:
    await both.stop(STRANGER, 1001)
    await both.keep(HONEST)
    for _ in range(2):
        await both.stop(None, meter, stopped_at=at("2026-05-02T11:30"))
    if meter is None:
        assert await both.kept() == [(STRANGER, 1001), (None, None)]
    else:
        assert await both.kept() == [(STRANGER, 1001)]
        assert (await both.row()).meter_stop == meter


async def test_what_is_billed_stays(both: Contested) -> None:
    await both.stop(STRANGER, 1001)
    await both.stop(HONEST, 11_000)
    async with both.site.database.write() as connection:
        await connection.execute(update(Transaction).values(billing=TransactionBilling.BILLED))
    await both.keep(HONEST)
    assert (await both.row()).meter_stop == 1001


async def test_the_readings_of_each_are_stored(both: Contested) -> None:
    for link, wh in ((STRANGER, 1001), (HONEST, 11_000)):
        await both.stop(link, wh, entries=[MeterEntry(at=ELEVEN, samples=[{"value": str(wh)}])])
    assert await both.site.rows_of_values() == 2


@pytest.mark.parametrize("lost", [None, 0, -1])
async def test_a_stop_whose_id_was_lost_is_kept_though_a_stranger_has_told_one(
    both: Contested, lost: int | None
) -> None:
    await both.stop(STRANGER, 1001)
    for _ in range(2):
        own = await both.stop(HONEST, 11_000, transaction_id=transaction_id(lost))
        assert own.ended is not None
        assert await both.kept() == [(STRANGER, 1001), (HONEST, 11_000)]
    await both.keep(HONEST)
    assert (await both.row()).meter_stop == 11_000


async def test_however_many_links_tell_one_those_that_are_there_have_a_place(
    both: Contested,
) -> None:
    """Who comes again and again is another link each time."""
    await both.stop(STRANGER, 1001)
    await both.stop(HONEST, 11_000)
    for generation in range(3, 3 + 2 * MOST_KEPT):
        async with both.site.database.write() as connection:
            before = (await read_contests(connection))[both.site.charge_point_id]
            await connection.execute(
                update(ChargePointConnection).values(**values_of(_came_again(before, generation)))
            )
        await both.stop(generation, generation)
    kept = await both.kept()
    assert len(kept) <= MOST_KEPT
    assert (HONEST, 11_000) in kept
    await both.keep(HONEST)
    assert (await both.row()).meter_stop == 11_000


def _came_again(contest: Contest, generation: int) -> Contest:
    """Another address takes the place of the stranger's, which has left."""
    honest, stranger = contest.links
    newcomer = Link(
        generation=generation,
        node_id=stranger.node_id,
        remote_address=f"198.51.100.{generation}",
        connected_at=stranger.connected_at + timedelta(seconds=1),
        answered=True,
    )
    return Contest(since=contest.since, links=(honest, newcomer), confirmed_at=contest.confirmed_at)


async def test_what_an_address_tells_on_one_link_after_another_is_of_one(both: Contested) -> None:
    await both.stop(STRANGER, 1001)
    again = Connected(
        charge_point_id=both.site.charge_point_id,
        node_id="node_there",
        ocpp_version="1.6",
        remote_address="203.0.113.7",
        at=datetime.now(UTC),
        alive=frozenset({STRANGER}),
    )
    await both.stop(HONEST, 11_000)
    async with both.site.database.write() as connection:
        await store_facts(connection, [again])
    assert again.contest is not None
    await both.keep(again.generation)
    assert (await both.row()).meter_stop == 11_000


@pytest.mark.parametrize("by_a_look", [True, False])
async def test_of_links_that_are_still_asked_it_is_that_of_the_one_that_is_left(
    site: Site, *, by_a_look: bool
) -> None:
    both = Contested(site, await site.start())
    await hold(site.database, site.charge_point_id, "node_there")

    def link(**found: Any) -> Connected:
        return Connected(
            charge_point_id=site.charge_point_id,
            node_id="node_elsewhere",
            ocpp_version="1.6",
            remote_address="198.51.100.9",
            at=datetime.now(UTC),
            **found,
        )

    async with site.database.write() as connection:
        await store_facts(connection, [newcomer := link()])
    await both.stop(1, 1001)
    await both.stop(newcomer.generation, 11_000)
    async with site.database.write() as connection:
        if by_a_look:
            await look(connection, site.charge_point_id, gone={1}, at=datetime.now(UTC))
        else:
            await store_facts(connection, [link(gone=frozenset({1}))])
    row = await both.row()
    assert (row.meter_stop, row.contested) == (11_000, False)
    await site.bill(both.transaction)
    (cdr,) = await site.cdrs(both.transaction)
    assert float(cdr.total_energy) == 10.0
