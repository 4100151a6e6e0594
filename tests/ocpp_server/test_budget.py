"""A charge point that sends far more than its day allows: less is kept, and nothing that counts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from domain.budget import WrittenToday
from domain.facts import BootFact, ConnectorFact, Snapshot
from domain.states import LogLevel, RegistrationStatus
from ocpp_server import budget
from ocpp_server.budget import STARTS, Budget, Budgets
from ocpp_server.throttle import LATEST
from storage.engine import Database
from storage.fact_records import (
    Boot,
    ConnectorStatus,
    LogEntry,
    MeterEntry,
    MeterValues,
    TransactionStart,
)
from storage.models.connections import ChargePointConnection
from storage.models.facts import Boot as BootRow
from storage.models.facts import LogEntry as LogEntryRow
from storage.models.transactions import MeterValue
from storage.models.transactions import Transaction as TransactionRow
from storage.snapshots import read_snapshot
from tests.ocpp_server.bed import Bed, RecordingSink, Wire, make_node, seed
from tests.support.eventually import eventually
from tests.support.figures import Figure

SOME: Final = 100_000
"""Bytes of a day: some four hundred readings."""
MANY: Final = 700
NOON: Final = datetime(2026, 11, 1, 12, tzinfo=UTC)


@asynccontextmanager
async def bed_of(database: Database, rate: float | None = None) -> AsyncIterator[Bed]:
    (identity,) = await seed(database)
    sink = RecordingSink()
    node = make_node(database, sink, daily_bytes=SOME, rate=rate)
    port = await node.start("127.0.0.1", 0)
    try:
        yield Bed(database, node, sink, port, identity)
    finally:
        await node.stop()


async def meter(wire: Wire, number: int, transaction: int | None, **more: str) -> None:
    sample = {"value": str(number), "unit": "Wh"} | more
    stamp = (datetime.now(UTC) + timedelta(milliseconds=number)).isoformat()
    payload: dict[str, Any] = {
        "connectorId": 1,
        "meterValue": [{"timestamp": stamp, "sampledValue": [sample]}],
    }
    if transaction is not None:
        payload["transactionId"] = transaction
    assert (await wire.call("MeterValues", payload))[0] == 3


async def snapshot(bed: Bed) -> Snapshot:
    async with bed.database.read() as connection:
        return await read_snapshot(connection, bed.charge_point_id, now=datetime.now(UTC))


async def test_a_flood_of_readings_is_thinned_and_the_session_is_whole(
    database: Database, figure: Figure
) -> None:
    async with bed_of(database) as bed:
        async with bed.wire() as wire:
            await wire.boot()
            stamp = datetime.now(UTC).isoformat()
            start = {"connectorId": 1, "idTag": "T", "meterStart": 5, "timestamp": stamp}
            transaction = (await wire.call("StartTransaction", start))[2]["transactionId"]
            for number in range(MANY):
                await meter(wire, number, transaction)
            await meter(wire, 9_999, transaction, context="Transaction.End", format="SignedData")
            later = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
            stop = {"transactionId": transaction, "meterStop": 9_999, "timestamp": later}
            assert (await wire.call("StopTransaction", stop))[0] == 3
        (row,) = await bed.rows(TransactionRow)
        assert (row.meter_stop, row.stopped_at is not None) == (9_999, True)
        kept = sorted(await bed.rows(MeterValue), key=lambda one: one.id)
        figure(f"{MANY + 1} readings where a day has {SOME:,} bytes: {len(kept)} kept")
        assert 100 < len(kept) < MANY / 2 + 200
        assert kept[-1].samples == [
            {"value": "9999", "unit": "Wh", "context": "Transaction.End", "format": "SignedData"}
        ]

        async def told() -> None:
            over = (await snapshot(bed)).over_budget
            assert over is not None
            assert over.left_out == MANY + 1 - len(kept)
            assert str(over.left_out) in over.cause

        await eventually(told)
        (warning,) = [one for one in await bed.rows(LogEntryRow) if one.kind == "budget"]
        assert warning.level == LogLevel.WARNING
        assert "0.1 MB" in warning.text
        # A new connection brings no new budget, and no new alarm.
        async with bed.wire() as wire:
            for number in range(20):
                await meter(wire, 20_000 + number, None)
        assert len(await bed.rows(MeterValue)) == len(kept) + 1
        assert len([one for one in await bed.rows(LogEntryRow) if one.kind == "budget"]) == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_who_connects_again_and_again_has_one_budget(
    database: Database, figure: Figure
) -> None:
    async with bed_of(database) as bed:
        for begin in range(0, MANY, 50):
            async with bed.wire() as wire:
                for number in range(begin, begin + 50):
                    await meter(wire, number, None)
        kept = len(await bed.rows(MeterValue))
        (row,) = await bed.rows(ChargePointConnection)
        figure(
            f"{MANY} readings over {MANY // 50} connections where a day has {SOME:,} bytes: "
            f"{kept} kept, {row.budget_bytes:,} bytes"
        )
        assert kept < MANY / 2 + 200
        assert row.budget_bytes >= SOME
        # Another node goes on from there.
        other = make_node(database, RecordingSink(), daily_bytes=SOME, rate=None)
        port = await other.start("127.0.0.1", 0)
        elsewhere = Bed(database, other, RecordingSink(), port, bed.charge_point_id)
        try:
            async with elsewhere.wire() as wire:
                for number in range(20):
                    await meter(wire, MANY + number, None)
        finally:
            await other.stop()
        assert len(await bed.rows(MeterValue)) == kept + 1


async def test_a_run_is_judged_by_all_that_comes(database: Database) -> None:
    async with bed_of(database) as bed:
        async with bed.wire() as wire:
            for number in range(MANY):
                await meter(wire, number, None)
            before = len(await bed.rows(MeterValue))
            assert before < MANY
        await bed.watch(run="com_1")
        async with bed.wire() as wire:
            for number in range(50):
                await meter(wire, 10_000 + number, None)
        assert len(await bed.rows(MeterValue)) == before + 50

        async def logged() -> None:
            frames = [one for one in await bed.rows(LogEntryRow) if one.kind == "frame"]
            assert sum(one.times for one in frames) == 100

        await eventually(logged)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_frames_beyond_the_budget_of_a_run_are_left_out_and_it_is_told(
    database: Database,
) -> None:
    async with bed_of(database) as bed:
        await bed.watch(run="com_1")
        async with bed.wire() as wire:
            await wire.sync()
            written = bed.node.registry.require(bed.charge_point_id).peer.budget.written
            for number in range(20):
                written.bytes = SOME if number == 0 else 2 * SOME
                said = {"vendorId": "V", "data": f"says {number}"}
                assert (await wire.call("DataTransfer", said))[0] == 3
        assert written.left_out == 19
        await bed.node.stop()
        entries = await bed.rows(LogEntryRow)
        said_of = [one for one in entries if one.action == "DataTransfer"]
        (asked,) = [one for one in said_of if one.direction == "in"]
        assert "says 0" in asked.text
        # What is a count goes on.
        assert sum(one.times for one in said_of if one.direction == "out") == 20
        (told,) = [one for one in entries if one.kind == "budget"]
        assert (told.level, told.commissioning_id) == (LogLevel.WARNING, "com_1")


async def test_what_it_says_of_itself_is_the_newest_whatever_it_says(database: Database) -> None:
    async with bed_of(database) as bed:
        async with bed.wire() as wire:
            for number in range(300):
                payload = {"chargePointVendor": "V", "chargePointModel": f"M{number}"}
                assert (await wire.call("BootNotification", payload))[2]["status"] == "Accepted"
            for number in range(300):
                event = {"type": f"Odd{number}", "timestamp": datetime.now(UTC).isoformat()}
                assert (await wire.call("SecurityEventNotification", event))[0] == 3
        found = (await snapshot(bed)).boot
        assert found is not None
        assert found.model == "M299"
        assert len(await bed.rows(BootRow)) < 200
        assert len(await bed.rows(LogEntryRow)) < 10


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_boots_that_differ_in_what_is_odd_about_them_are_paid_for(
    database: Database, figure: Figure
) -> None:
    async with bed_of(database) as bed:
        async with bed.wire() as wire:
            for number in range(300):
                payload = {"chargePointVendor": "V", "chargePointModel": "M", f"x{number}": 1}
                assert (await wire.call("BootNotification", payload))[2]["status"] == "Accepted"
        rows = len(await bed.rows(BootRow))
        figure(f"300 boots with odd fields where a day has {SOME:,} bytes: {rows} rows")
        assert rows < 200


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_day_is_kept_in_its_row(database: Database) -> None:
    async with bed_of(database) as bed:
        async with bed.wire() as wire:
            await wire.boot()
            await meter(wire, 1, None)
        await bed.node.stop()
        (row,) = await bed.rows(ChargePointConnection)
        assert row.budget_day == datetime.now(UTC).date()
        assert row.budget_bytes > 500
        assert (row.budget_left_out, row.budget_over_at) == (0, None)


class TestBudget:
    def entry(self, at: datetime, *, context: str = "Sample.Periodic") -> MeterEntry:
        return MeterEntry(at=at, samples=[{"value": "1", "context": context}])

    def values(self, *entries: MeterEntry, connector: int = 1) -> MeterValues:
        return MeterValues(
            charge_point_id="cp",
            connector_id=connector,
            received_at=NOON,
            entries=list(entries),
            transaction_id="7",
        )

    def used_up(self) -> Budget:
        return Budget(WrittenToday(day=NOON.date(), bytes=SOME), limit=SOME)

    def test_a_reading_a_minute_of_each_connector_and_ten_in_all(self) -> None:
        budget = self.used_up()
        seconds = [self.entry(NOON + timedelta(seconds=number)) for number in range(121)]
        values = self.values(*seconds)
        assert budget.thin(values, NOON, in_run=False)
        assert [one.at.minute for one in values.entries] == [0, 1, 2]
        others = [
            budget.thin(self.values(self.entry(NOON), connector=number), NOON, in_run=False)
            for number in range(2, 12)
        ]
        assert others == [True] * 7 + [False] * 3
        assert budget.written.left_out == 118 + 3

    def test_what_a_message_tells_of_one_moment_stays_together(self) -> None:
        """Power first, then energy: a bill rests on the second."""
        budget = self.used_up()
        for minute in range(3):
            at = NOON + timedelta(minutes=minute)
            told = [
                MeterEntry(at=at + timedelta(milliseconds=place), samples=[{"measurand": name}])
                for place, name in enumerate(("Power.Active.Import", "Energy", "Current", "SoC"))
            ]
            for _ in range(2):  # it is told again, as it got no answer
                values = self.values(*told, self.entry(at + timedelta(seconds=1)))
                assert budget.thin(values, at, in_run=False)
                assert values.entries == told
        assert not budget.thin(self.values(self.entry(at)), at, in_run=False)

    @pytest.mark.parametrize("drift", [0, 1, -1])
    def test_of_a_clock_that_stands_still_a_reading_a_minute_is_kept(self, drift: int) -> None:
        """Or goes too slowly, or backwards."""
        budget = self.used_up()
        kept = []
        for second in range(0, 600, 10):
            at = NOON + timedelta(milliseconds=drift * second)
            entry = MeterEntry(at=at, samples=[{"value": str(second)}])
            if budget.thin(self.values(entry), NOON + timedelta(seconds=second), in_run=False):
                kept.append(second)
        assert kept == list(range(0, 600, 60))

    def test_of_the_ends_of_a_session_a_few_are_always_kept(self) -> None:
        budget = self.used_up()
        moments = [NOON + timedelta(milliseconds=number) for number in range(40)]
        ends = [self.entry(at, context="Transaction.End") for at in moments]
        values = self.values(self.entry(NOON), *ends)
        budget.thin(values, NOON, in_run=False)
        assert len(values.entries) == 1 + 4
        # On another day of a session that goes on, too.
        tomorrow = NOON + timedelta(days=1)
        budget.begin(tomorrow)
        budget.written.bytes = SOME
        values = self.values(*ends)
        budget.thin(values, tomorrow, in_run=False)
        assert len(values.entries) == 4 + 1  # one for its minute

    def test_what_is_signed_in_between_does_not_use_up_the_ends(self) -> None:
        budget = self.used_up()
        moments = [NOON + timedelta(seconds=10 * number) for number in range(30)]
        between = [
            MeterEntry(at=at, samples=[{"value": "1", "format": "SignedData"}]) for at in moments
        ]
        budget.thin(self.values(*between), NOON, in_run=False)
        end = self.entry(moments[-1], context="Transaction.End")
        for _ in range(20):  # what could not be stored is repeated
            values = self.values(end)
            assert budget.thin(values, NOON, in_run=False)

    def test_however_long_they_are_the_needed_ones_have_an_end(self, figure: Figure) -> None:
        budget = Budget(WrittenToday(day=NOON.date(), bytes=SOME), limit=SOME)
        for number in range(9):
            entry = MeterEntry(at=NOON, samples=[{"value": "x" * SOME}])
            budget.thin(self.values(entry, connector=number), NOON, in_run=False)
        assert budget.written.bytes < 5 * SOME
        for number in range(99):
            at = NOON + timedelta(seconds=number)
            entry = MeterEntry(at=at, samples=[{"value": "x" * SOME, "format": "SignedData"}])
            budget.thin(self.values(entry, connector=number), NOON, in_run=False)
        figure(f"needed readings of {SOME:,} bytes: {budget.written.bytes:,} bytes written")
        assert budget.written.bytes < 11 * SOME

    def test_another_day_begins_anew_and_tells_anew(self) -> None:
        budget = self.used_up()
        entry = LogEntry(
            charge_point_id="cp",
            commissioning_id=None,
            at=NOON,
            level=LogLevel.INFO,
            kind="report",
            text="x",
        )
        assert not budget.allows(entry, in_run=False)
        assert budget.take_alarm() is not None
        assert budget.take_alarm() is None
        entry.at = NOON + timedelta(days=1)
        assert budget.allows(entry, in_run=False)
        assert budget.written == WrittenToday(day=entry.at.date(), bytes=351)

    def test_a_suspension_within_a_minute_of_the_one_before_is_that_one(self) -> None:
        budget = self.used_up()

        def status(word: str, seconds: int) -> bool:
            at = NOON + timedelta(seconds=seconds)
            fact = ConnectorStatus(
                charge_point_id="cp",
                fact=ConnectorFact(connector_id=1, status=word, error_code="NoError", at=at),
                stamped_at=at,
            )
            assert budget.thin(fact, at, in_run=False)
            return fact.goes_on

        words = ("SuspendedEVSE", "SuspendedEVSE", "Charging", "SuspendedEVSE", "Charging")
        assert [status(word, 5 * number) for number, word in enumerate(words)] == [
            False,
            False,
            False,
            True,
            False,
        ]
        start = TransactionStart(
            charge_point_id="cp",
            connector_id=1,
            id_tag="T",
            started_at=NOON,
            meter_start=0,
            received_at=NOON,
        )
        assert budget.thin(start, NOON, in_run=False)
        assert not status("SuspendedEVSE", 30)  # it is of another session
        assert not status("Charging", 31)
        assert not status("SuspendedEVSE", 90)
        assert budget.written.left_out == 1

    def boot(self, *, contested: int | None = None, warnings: tuple[str, ...] = ()) -> Boot:
        return Boot(
            charge_point_id="cp",
            fact=BootFact(
                boot_id="boot_1",
                at=NOON,
                vendor="V",
                model="M",
                charge_point_serial=None,
                charge_box_serial=None,
                firmware_version=None,
                warnings=warnings,
                registration=RegistrationStatus.PENDING,
            ),
            payload={},
            contested=contested,
        )

    def test_each_boot_that_is_a_row_is_paid_for_by_its_size(self) -> None:
        """So are those of strangers who come again and again: each of their links has its own."""
        budget = Budget(WrittenToday(day=NOON.date()), limit=SOME)
        for link in (None, 1, 2, 2, None):
            assert budget.thin(self.boot(contested=link), NOON, in_run=False)
        assert budget.written.bytes == 3 * 530
        assert budget.thin(self.boot(warnings=("x" * 1_000,)), NOON, in_run=False)
        assert budget.written.bytes >= 4 * 530 + 1_000
        budget.written.bytes = SOME
        boots = [self.boot(contested=link) for link in (2, 3)]
        assert all(budget.thin(boot, NOON, in_run=False) for boot in boots)
        assert [boot.over_budget for boot in boots] == [False, True]

    def test_what_is_a_count_costs_nothing(self) -> None:
        budget = Budget(WrittenToday(day=NOON.date()), limit=SOME)
        entry = LogEntry(
            charge_point_id="cp",
            commissioning_id=None,
            at=NOON,
            level=LogLevel.INFO,
            kind="report",
            text="x",
            same="x",
        )
        assert all(budget.allows(entry, in_run=False) for _ in range(9_999))
        assert budget.written.bytes == 351


class TestBudgets:
    def test_all_links_of_a_charge_point_have_the_same(self) -> None:
        budgets = Budgets(limit=SOME)
        assert budgets.written("cp") is None
        budget = budgets.take("cp", WrittenToday(day=NOON.date(), bytes=7))
        assert budgets.take("cp", None) is budget
        assert budgets.written("cp") is budget.written
        assert budgets.take("other", None) is not budget

    def test_what_another_node_has_counted_beyond_it_counts(self) -> None:
        budgets = Budgets(limit=SOME)
        budget = budgets.take("cp", WrittenToday(day=NOON.date(), bytes=SOME, left_out=3))
        budgets.take("cp", WrittenToday(day=NOON.date(), bytes=7))
        assert budget.written.bytes == SOME
        over = WrittenToday(day=NOON.date(), bytes=SOME + 1, left_out=2, over_at=NOON)
        budgets.take("cp", over)
        assert budget.written == WrittenToday(
            day=NOON.date(), bytes=SOME + 1, left_out=3, over_at=NOON
        )
        assert budget.take_alarm() is None  # the other node has told it
        tomorrow = WrittenToday(day=NOON.date() + timedelta(days=1), bytes=7)
        budgets.take("cp", tomorrow)
        assert budget.written == tomorrow

    def test_what_it_has_not_told_yet_is_told_though_it_connects_anew(self) -> None:
        budgets = Budgets(limit=SOME)
        budget = budgets.take("cp", WrittenToday(day=NOON.date(), bytes=SOME))
        budget.written.over_at = NOON
        budgets.take("cp", budgets.written("cp"))
        assert budget.take_alarm() is not None

    def test_those_of_days_before_go_unless_the_charge_point_is_here(self) -> None:
        budgets = Budgets(limit=SOME)
        for identity in ("here", "gone"):
            budgets.take(identity, WrittenToday(day=NOON.date()))
        budgets.forget_idle(NOON.date(), links=lambda _identity: [])
        budgets.forget_idle(
            NOON.date() + timedelta(days=1),
            links=lambda identity: [identity] * (identity == "here"),
        )
        assert budgets.written("here") is not None
        assert budgets.written("gone") is None


def test_of_a_day_so_many_sessions_begin_at_once_and_the_others_slowly() -> None:
    kept = Budget()
    assert {kept.pause_of_a_start(NOON) for _ in range(STARTS)} == {0.0}
    assert [kept.pause_of_a_start(NOON) for _ in range(2)] == [LATEST, LATEST]
    assert kept.pause_of_a_start(NOON + timedelta(days=1)) == 0.0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_start_beyond_is_stored_and_answered_late_on_every_link(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "STARTS", 3)
    monkeypatch.setattr(budget, "LATEST", 0.3)
    async with bed_of(database, rate=20.0) as bed:
        await bed.open_site()
        took = []
        for _ in range(2):
            async with bed.wire() as wire:
                for number in range(2):
                    began = asyncio.get_running_loop().time()
                    start = {
                        "connectorId": number + 1,
                        "idTag": "T",
                        "meterStart": 0,
                        "timestamp": datetime.now(UTC).isoformat(),
                    }
                    answer = await wire.call("StartTransaction", start)
                    assert answer[2]["idTagInfo"]["status"] == "Accepted"
                    took.append(asyncio.get_running_loop().time() - began)
        assert took[3] >= 0.3
        assert len(await bed.rows(TransactionRow)) == 4
