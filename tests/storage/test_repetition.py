"""What a charge point repeats is a count, not a row: the first and the newest are known."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from sqlalchemy import select

from domain.facts import BootFact, ConnectorFact
from domain.rules.oddities import MORE
from domain.states import LogLevel, RegistrationStatus
from storage import connection_attempts as module
from storage.boots import newest_boot
from storage.connection_attempts import page_of_attempts, store_attempts
from storage.engine import Database
from storage.fact_records import (
    Boot,
    ConnectorStatus,
    LogEntry,
    Oddity,
    Record,
    RefusedConnection,
    StatusReport,
)
from storage.irregularities import store_oddities
from storage.log import Log, LogFilter
from storage.models.base import TableModel
from storage.models.charge_points import ChargePoint
from storage.models.connections import ConnectionAttempt
from storage.models.facts import Boot as BootRow
from storage.models.facts import Irregularity, Suspension
from storage.models.facts import LogEntry as LogEntryRow
from storage.store_facts import store_facts
from tests.ocpp_server.bed import seed
from tests.support.statements import counted

DAWN: Final = datetime(2026, 11, 1, tzinfo=UTC)
RETRIES: Final = 8_640
"""Of a day: a charge point that waits in Pending boots every ten seconds."""


async def rows(database: Database, table: type[TableModel]) -> Sequence[Any]:
    async with database.read() as connection:
        return (await connection.execute(select(table.__table__))).all()


async def store(database: Database, records: Sequence[Record]) -> None:
    """Store them as a node does: a charge point has one message in a batch."""
    async with database.write() as connection:
        for record in records:
            await store_facts(connection, [record])


def boot(of: str, number: int = 0, *, at: datetime | None = None, firmware: str = "1.8") -> Boot:
    return Boot(
        charge_point_id=of,
        fact=BootFact(
            boot_id=f"evt_{number:06}",
            at=at or DAWN + timedelta(seconds=10 * number),
            vendor="ABB",
            model="Terra",
            charge_point_serial=None,
            charge_box_serial=None,
            firmware_version=firmware,
            warnings=("what",),
            registration=RegistrationStatus.PENDING,
        ),
        payload={"firmwareVersion": firmware},
    )


def entry(of: str, number: int, **fields: Any) -> LogEntry:
    values: dict[str, Any] = {
        "charge_point_id": of,
        "commissioning_id": "com_1",
        "at": DAWN + timedelta(seconds=number),
        "level": LogLevel.DEBUG,
        "kind": "frame",
        "direction": "in",
        "action": "Heartbeat",
        "message_id": str(number),
        "text": f'[2,"{number}","Heartbeat",{{}}]',
        "same": '[2,,"Heartbeat",{}]',
    }
    return LogEntry(**(values | fields))


class TestBoots:
    async def test_a_day_of_waiting_is_one_row(self, database: Database) -> None:
        (of,) = await seed(database, 1)
        async with database.write() as connection:
            for start in range(0, RETRIES, 500):
                batch = [boot(of, number) for number in range(start, min(start + 500, RETRIES))]
                await store_facts(connection, batch)
        (row,) = await rows(database, BootRow)
        newest = DAWN + timedelta(seconds=10 * (RETRIES - 1))
        assert (row.times, row.first_at, row.at) == (RETRIES, DAWN, newest)
        async with database.read() as connection:
            fact = await newest_boot(connection, of)
        assert fact is not None
        assert (fact.boot_id, fact.at) == (f"evt_{RETRIES - 1:06}", newest)

    async def test_what_says_something_new_is_a_row(self, database: Database) -> None:
        of, other = await seed(database, 2)
        async with database.write() as connection:
            await connection.execute(ChargePoint.__table__.update().values(provisioned_at=None))
        tomorrow = DAWN + timedelta(days=1)
        await store(
            database,
            [
                boot(of, 1),
                boot(of, 2, firmware="1.9"),
                boot(of, 3),
                boot(of, 4, firmware="1.9"),
                boot(of, 5, at=tomorrow),
                boot(other, 6),
            ],
        )
        async with database.write() as connection:
            await connection.execute(ChargePoint.__table__.update().values(provisioned_at=DAWN))
        again = boot(of, 7, at=tomorrow + timedelta(hours=1))
        await store(database, [again])
        assert again.fact.registration is RegistrationStatus.ACCEPTED
        found = sorted(
            (row.id, row.firmware_version, row.registration, row.times)
            for row in await rows(database, BootRow)
        )
        assert found == [
            ("evt_000003", "1.8", "Pending", 2),
            ("evt_000004", "1.9", "Pending", 2),
            ("evt_000005", "1.8", "Pending", 1),
            ("evt_000006", "1.8", "Pending", 1),
            ("evt_000007", "1.8", "Accepted", 1),
        ]

    async def test_one_whose_commit_was_lost_is_counted_once(self, database: Database) -> None:
        (of,) = await seed(database, 1)
        await store(database, [boot(of, 1), boot(of, 2), boot(of, 2)])
        (row,) = await rows(database, BootRow)
        assert (row.times, row.id) == (2, "evt_000002")

    async def test_over_budget_a_day_has_one_more_row_whatever_is_said(
        self, database: Database
    ) -> None:
        (of,) = await seed(database, 1)
        over = [boot(of, number, firmware=f"{number}") for number in range(9)]
        for one in over:
            one.over_budget = True
        await store(database, over)
        (row,) = await rows(database, BootRow)
        assert (row.times, row.firmware_version, row.payload) == (9, "8", {"firmwareVersion": "8"})

    async def test_over_budget_links_of_a_contest_have_one_more_row_and_not_each_its_own(
        self, database: Database
    ) -> None:
        (of,) = await seed(database, 1)
        over = [boot(of, number, firmware=f"{number}") for number in range(9)]
        for one in over:
            one.over_budget = True
            one.contested = int(one.fact.boot_id.removeprefix("evt_")) or None
        await store(database, over)
        found = {(row.times, row.contested_link) for row in await rows(database, BootRow)}
        assert found == {(1, None), (8, 8)}


class TestLog:
    async def test_the_first_of_a_day_stands_and_the_others_are_counted(
        self, database: Database
    ) -> None:
        (of,) = await seed(database, 1)
        async with database.write() as connection:
            await store_facts(connection, [entry(of, 1), entry(of, 2), entry(of, 3)])
            await store_facts(connection, [entry(of, 4, same=None)])
            await store_facts(connection, [entry(of, 5)])
            await store_facts(connection, [entry(of, 90_000), entry(of, 6, action="Boot")])
            page = await Log(connection).page(of, LogFilter(), after=None, limit=10)
        assert [(one.message_id, one.times) for one in page] == [
            ("1", 1),
            ("4", 1),
            ("5", 3),
            ("6", 1),
            ("90000", 1),
        ]
        counted = page[2]
        assert counted.first_at == DAWN + timedelta(seconds=2)
        assert counted.at == DAWN + timedelta(seconds=5)
        assert counted.text == '[2,"5","Heartbeat",{}]'

    async def test_each_run_and_each_charge_point_has_its_own(self, database: Database) -> None:
        of, other = await seed(database, 2)
        await store(
            database,
            [entry(of, 1), entry(other, 1), entry(of, 1, commissioning_id=None)],
        )
        assert [row.times for row in await rows(database, LogEntryRow)] == [1, 1, 1]

    async def test_a_status_that_is_told_for_ever_is_two_entries(self, database: Database) -> None:
        (of,) = await seed(database, 1)
        reports = [
            StatusReport(
                charge_point_id=of,
                at=DAWN + timedelta(minutes=number),
                kind=None,
                status="DownloadFailed",
                text="Firmware: DownloadFailed",
                level=LogLevel.WARNING,
                commissioning_id=None,
            )
            for number in range(50)
        ]
        await store(database, reports)
        found = await rows(database, LogEntryRow)
        assert sorted(row.times for row in found) == [1, 49]
        assert {(row.kind, row.level) for row in found} == {("report", "warning")}


class TestRefusals:
    def attempts(self, identity: str, count: int, **fields: Any) -> list[RefusedConnection]:
        values: dict[str, Any] = {
            "identity": identity,
            "charge_point_id": None,
            "code": "unknown_identity",
            "reason": "Nobody has this name.",
            "remote_address": "203.0.113.7",
        }
        return [
            RefusedConnection(at=DAWN + timedelta(seconds=number), **(values | fields))
            for number in range(count)
        ]

    async def test_strangers_from_many_addresses_cost_a_few_statements(
        self, database: Database
    ) -> None:
        """Each is a row; a statement for each would have all others wait for their commit."""
        of = await seed(database, 2)
        some = [
            replace(one, remote_address=f"203.0.113.{number % 40}")
            for identity in of
            for number, one in enumerate(self.attempts(identity, 80))
        ]
        for part in (some, some):  # new, and again
            with counted(database) as statements:
                async with database.write() as connection:
                    await store_attempts(connection, part)
            assert len([one for one in statements if "connection_attempts" in one]) <= 5
        kept = await rows(database, ConnectionAttempt)
        assert [len([row for row in kept if row.identity == one]) for one in of] == [20, 20]
        assert {row.times for row in kept} == {4}

    async def test_the_same_again_is_one_more(self, database: Database) -> None:
        (of,) = await seed(database, 1)
        some = self.attempts(of, 40, charge_point_id=of, code="bad_credential")
        async with database.write() as connection:
            for one in some[::-1]:  # the writer of another node may be late
                await store_attempts(connection, [one])
            await store_attempts(connection, self.attempts(of, 1, charge_point_id=of, code="other"))
            page = await page_of_attempts(connection, of, after=None, limit=10)
        assert [(one.attempt.code, one.times) for one in page] == [
            ("bad_credential", 40),
            ("other", 1),
        ]
        assert (page[0].first_at, page[0].attempt.at) == (DAWN, DAWN + timedelta(seconds=39))

    async def test_of_strangers_those_that_tried_last_are_kept(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "STRANGERS_KEPT", 2)
        (of,) = await seed(database, 1)
        async with database.write() as connection:
            await store_attempts(connection, self.attempts(of, 1, charge_point_id=of))
            for identity, count in (("busy", 1), ("quiet", 2), ("busy", 9), ("new", 5)):
                await store_attempts(connection, self.attempts(identity, count)[-1:])
        found = {row.identity for row in await rows(database, ConnectionAttempt)}
        assert found == {of, "busy", "new"}


async def test_no_more_than_a_hundred_kinds_of_odd_messages_are_told_apart(
    database: Database,
) -> None:
    (of,) = await seed(database, 1)

    def oddity(number: int) -> Oddity:
        return Oddity(
            charge_point_id=of,
            commissioning_id=None,
            at=DAWN,
            action="DataTransfer",
            what=f"it is odd in the way {number}",
            refused=True,
            excerpt="{}",
        )

    async with database.write() as connection:
        await store_oddities(connection, [oddity(number) for number in range(60)])
        await store_oddities(connection, [oddity(number) for number in range(40, 150)])
        await store_oddities(connection, [oddity(0), oddity(149)])
    found = {row.what: row.times for row in await rows(database, Irregularity)}
    assert len(found) == 101
    assert found[MORE] == 51
    assert found["it is odd in the way 0"] == 2


async def test_a_suspension_beyond_the_budget_is_the_one_before_that_goes_on(
    database: Database,
) -> None:
    (of,) = await seed(database, 1)

    def status(word: str, minute: int, *, goes_on: bool = False) -> ConnectorStatus:
        at = DAWN + timedelta(minutes=minute)
        return ConnectorStatus(
            charge_point_id=of,
            fact=ConnectorFact(connector_id=1, status=word, error_code="NoError", at=at),
            stamped_at=at,
            goes_on=goes_on,
        )

    await store(database, [status("SuspendedEVSE", 1, goes_on=True), status("Charging", 2)])
    await store(database, [status("SuspendedEVSE", 3, goes_on=True)])
    (row,) = await rows(database, Suspension)
    assert (row.since, row.until) == (DAWN + timedelta(minutes=1), None)
    await store(database, [status("SuspendedEVSE", 4, goes_on=True), status("Charging", 5)])
    (row,) = await rows(database, Suspension)
    assert row.until == DAWN + timedelta(minutes=5)
    await store(database, [status("SuspendedEVSE", 6)])
    assert len(await rows(database, Suspension)) == 2
