"""What is old goes, a few hundred rows at a time, but nothing that is quoted or billed by."""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from sqlalchemy import insert, select
from sqlmodel import col

from domain.billing.cdr import Cdr
from domain.billing.held import HeldDocument
from domain.commissioning import RunRequest
from domain.operations import OperationName
from domain.retention import LetGo
from domain.rules.excerpt import excerpt
from domain.states import ParameterState, RunStatus, TransactionBilling
from storage.boots import newest_boot
from storage.engine import Database
from storage.models.base import TableModel
from storage.models.billing import ChargeDetailRecord, HeldRecord
from storage.models.configuration import Parameter, SentCommand
from storage.models.facts import Boot, LogEntry
from storage.models.runs import CommissioningRun
from storage.models.transactions import MeterValue
from storage.models.transactions import Transaction as TransactionRow
from storage.retention.rounds import StoredRetention
from storage.retention.step import ROWS
from storage.run_log import count_frames, proving_frames
from tests.storage import letting_go
from tests.storage.letting_go import AGES
from tests.support.rows import one_charge_point, run_request

NOW: Final = datetime(2028, 6, 1, tzinfo=UTC)
OLD: Final = NOW - timedelta(days=500)
_NOTHING: dict[str, Any] = {}
ENERGY: Final = "Energy.Active.Import.Register"
SIGNED: Final = {"value": "OCMF|{}", "format": "SignedData", "context": "Transaction.End"}


async def let_go(database: Database, **ages: Any) -> LetGo:
    retention = StoredRetention(database, replace(AGES, **ages), now=lambda: NOW)
    return await retention.go_on(at_most=timedelta(minutes=5), alive=lambda: None)


async def add(database: Database, table: type[TableModel], *rows: dict[str, Any]) -> None:
    async with database.write() as connection:
        await connection.execute(insert(table), list(rows))


async def ids(database: Database, table: type[TableModel]) -> Sequence[Any]:
    async with database.read() as connection:
        return (
            await connection.scalars(select(table.__table__.c.id).order_by(table.__table__.c.id))
        ).all()


def entry(kind: str, at: datetime, text: str = "-", **more: Any) -> dict[str, Any]:
    return {
        "charge_point_id": "cp_1",
        "commissioning_id": None,
        "at": at,
        "level": "debug",
        "kind": kind,
        "direction": None,
        "action": None,
        "text": text,
    } | more


def frame(number: int, at: datetime, action: str, payload: str = "{}") -> dict[str, Any]:
    text = f'[2,"{number}","{action}",{payload}]'
    return entry("frame", at, text, commissioning_id="com_1", direction="in", action=action)


async def a_run(
    database: Database, *, started_at: datetime = OLD, ended: bool = True, name: str = "com_1"
) -> None:
    request: RunRequest = run_request(commissioning_id=name)
    await add(
        database,
        CommissioningRun,
        {
            "id": name,
            "charge_point_id": "cp_1",
            "project_id": "prj_1",
            "status": RunStatus.COMPLETED if ended else RunStatus.IN_PROGRESS,
            "request": request,
            "started_at": started_at,
            "completed_at": started_at + timedelta(hours=1) if ended else None,
        },
    )


async def of_certificate(database: Database, *runs: str) -> tuple[Any, int]:
    async with database.read() as connection:
        frames = await proving_frames(connection, runs)
        logged = await count_frames(connection, runs)
    shown = excerpt([frame for run in runs for _, frame in frames[run]])
    return shown, sum(logged.values())


def of_a_run() -> list[dict[str, Any]]:
    """Frames of one hour, most of them of those that repeat."""
    actions = ("BootNotification", "Heartbeat", "StatusNotification", "MeterValues", "DataTransfer")
    return [
        frame(number, OLD + timedelta(seconds=number), actions[number % 5], '{"connectorId":1}')
        for number in range(1500)
    ]


async def test_frames_go_and_what_a_certificate_shows_of_them_stays(database: Database) -> None:
    await one_charge_point(database)
    await a_run(database)
    await add(
        database,
        LogEntry,
        *of_a_run(),
        frame(2000, OLD + timedelta(hours=2), "Heartbeat"),  # behind the verdict
        frame(2001, NOW - timedelta(days=89), "Heartbeat"),
    )
    before = await of_certificate(database, "com_1")
    gone = await let_go(database)
    assert await of_certificate(database, "com_1") == before
    assert before[1] == 1500
    assert gone.is_done
    left = await ids(database, LogEntry)
    assert len(left) == len(before[0]) + 1
    assert left[-1] == 1502
    assert gone.frames == 1502 - len(left)
    assert (await let_go(database)).frames == 0


async def test_two_runs_are_quoted_together_where_one_keeps_the_evidence_of_the_other(
    database: Database,
) -> None:
    await one_charge_point(database)
    await a_run(database)
    await a_run(database, started_at=OLD + timedelta(hours=3), name="com_2")
    later = [
        row | {"commissioning_id": "com_2", "at": row["at"] + timedelta(hours=3)}
        for row in of_a_run()[:777]
    ]
    await add(database, LogEntry, *of_a_run(), *later)
    before = await of_certificate(database, "com_1", "com_2")
    assert (await let_go(database)).frames > 2000
    assert await of_certificate(database, "com_1", "com_2") == before


async def test_an_open_run_keeps_what_its_certificate_will_show(database: Database) -> None:
    await one_charge_point(database)
    await a_run(database, ended=False)
    last = frame(3000, NOW - timedelta(days=1), "MeterValues", '{"connectorId":1}')
    await add(database, LogEntry, *of_a_run(), last)
    before = await of_certificate(database, "com_1")
    assert (await let_go(database)).frames > 1400
    assert await of_certificate(database, "com_1") == before


async def test_a_run_log_stays_a_year_and_reports_stay_by_their_number(database: Database) -> None:
    await one_charge_point(database)
    await add(
        database,
        LogEntry,
        entry("step", NOW - timedelta(days=366)),
        entry("verdict", NOW - timedelta(days=366)),
        entry("report", NOW - timedelta(days=3660), "Firmware: Installed"),
        entry("step", NOW - timedelta(days=364)),
        entry("report", NOW - timedelta(days=364)),
    )
    gone = await let_go(database)
    assert (gone.entries, gone.reports) == (2, 0)
    assert await ids(database, LogEntry) == [3, 4, 5]
    assert (await let_go(database, reports=1)).reports == 1
    assert await ids(database, LogEntry) == [4, 5]


async def test_an_entry_of_the_future_holds_up_none_behind_it(database: Database) -> None:
    await one_charge_point(database)
    await add(database, LogEntry, entry("step", NOW + timedelta(days=9)), entry("step", OLD))
    assert (await let_go(database)).entries == 1
    assert await ids(database, LogEntry) == [1]


async def test_entries_whose_ids_are_given_again_go_too(database: Database) -> None:
    """SQLite gives the highest id that is there, and one more."""
    await one_charge_point(database)
    for _ in range(2):
        await add(database, LogEntry, entry("step", OLD), entry("step", OLD))
        assert (await let_go(database)).entries == 2


def boot(number: int, *, contested_link: int | None = None) -> dict[str, Any]:
    """One each minute."""
    return {
        "id": f"boot_{number:04}",
        "charge_point_id": "cp_1",
        "at": OLD + timedelta(minutes=number),
        "vendor": "V",
        "model": "M",
        "registration": "Accepted",
        "warnings": [],
        "payload": {},
        "contested_link": contested_link,
    }


async def test_the_newest_boots_stay(database: Database) -> None:
    await one_charge_point(database)
    await add(database, Boot, *map(boot, range(1300)))
    assert (await let_go(database)).boots == 300
    assert (await ids(database, Boot))[0] == "boot_0300"
    assert (await let_go(database, boots=10)).boots == 990
    assert len(await ids(database, Boot)) == 10


async def test_boots_of_strangers_take_no_place_of_those_that_count(database: Database) -> None:
    await one_charge_point(database)
    strangers = [boot(number, contested_link=2) for number in range(10, 40)]
    await add(database, Boot, *map(boot, range(10)), *strangers)
    assert (await let_go(database, boots=5)).boots == 5 + 25
    kept = [*range(5, 10), *range(35, 40)]
    assert await ids(database, Boot) == [f"boot_{number:04}" for number in kept]
    async with database.read() as connection:
        newest = await newest_boot(connection, "cp_1")
    assert newest is not None
    assert newest.boot_id == "boot_0009"


def reading(
    number: int, *, transaction: int | None = None, measurand: str = ENERGY, **more: Any
) -> dict[str, Any]:
    """One each minute."""
    at = OLD + timedelta(minutes=number)
    return {
        "charge_point_id": "cp_1",
        "evse_id": 1,
        "transaction_id": transaction,
        "at": at,
        "received_at": at,
        "samples": [{"value": str(number), "measurand": measurand}],
        "inferred": False,
        "digest": number,
    } | more


async def a_session(database: Database, **more: Any) -> None:
    """An hour's, with a value a minute."""
    await one_charge_point(database)
    await add(
        database,
        TransactionRow,
        {
            "id": 1,
            "ocpp_id": "1",
            "charge_point_id": "cp_1",
            "evse_id": 1,
            "id_tag": "TAG",
            "started_at": OLD,
            "meter_start": 0,
            "received_at": OLD,
            "stopped_at": OLD + timedelta(hours=1),
            "meter_stop": 59,
            "stop_received_at": OLD + timedelta(hours=1),
        }
        | more,
    )
    await add(database, MeterValue, *(reading(n, transaction=1) for n in range(60)))


async def minutes(database: Database) -> list[int]:
    async with database.read() as connection:
        rows = await connection.scalars(select(col(MeterValue.at)).order_by(col(MeterValue.at)))
        return [(at - OLD) // timedelta(minutes=1) for at in rows]


async def test_old_meter_values_are_thinned_to_five_minutes(database: Database) -> None:
    await a_session(database)
    gone = await let_go(database)
    assert gone.meter_values == 60 - 12 - 1
    assert await minutes(database) == [*range(0, 60, 5), 59]  # the last stays, too
    assert (await let_go(database)).meter_values == 0


async def test_of_each_kind_of_reading_one_stays(database: Database) -> None:
    await one_charge_point(database)
    await add(
        database,
        MeterValue,
        reading(0),
        reading(1, measurand="Power.Active.Import"),
        reading(2),
        reading(3, measurand="Power.Active.Import"),
        reading(4, evse_id=2),
        reading(4, charge_point_id="cp_2"),
    )
    assert (await let_go(database)).meter_values == 2
    assert await minutes(database) == [0, 1, 4, 4]


async def test_young_meter_values_stay(database: Database) -> None:
    await one_charge_point(database)
    young = NOW - timedelta(days=395)
    await add(
        database,
        MeterValue,
        *(reading(n, received_at=young, at=young + timedelta(seconds=n)) for n in range(9)),
    )
    assert (await let_go(database)).meter_values == 0


@pytest.mark.parametrize(
    "session",
    [
        {"commissioning_id": "com_1"},
        {"billing": TransactionBilling.DUE},
        {"billing": TransactionBilling.BILLED},
        {"billing": TransactionBilling.HELD},
        {"stopped_at": None},
    ],
    ids=["test charge", "due", "billed", "held", "running"],
)
async def test_a_session_on_which_something_rests_is_kept_whole(
    database: Database, session: dict[str, Any]
) -> None:
    await a_session(database, **session)
    assert (await let_go(database)).meter_values == 0


async def test_the_session_of_a_signed_value_is_kept_whole(database: Database) -> None:
    await a_session(database)
    await add(database, MeterValue, reading(60, transaction=1, samples=[SIGNED]))
    assert (await let_go(database)).meter_values == 0


@pytest.mark.parametrize(
    "table", [ChargeDetailRecord, HeldRecord], ids=lambda model: str(model.__tablename__)
)
async def test_a_session_with_a_record_of_its_bill_is_kept_whole(
    database: Database, table: type[TableModel]
) -> None:
    await a_session(database)
    row: dict[str, Any] = {"id": "r", "project_id": "prj_1", "charge_point_id": "cp_1"}
    row["transaction_id"] = 1
    if table is ChargeDetailRecord:
        row |= {"document": Cdr.model_construct(**_NOTHING), "revision": 1, "credit": False}
        row |= {"issued_at": OLD, "month": "2027-01"}
    else:
        row |= {"document": HeldDocument.model_construct(**_NOTHING), "held_at": OLD}
        row |= {"cause": "energy", "state": "held", "stop_received_at": OLD}
    await add(database, table, row)
    assert (await let_go(database)).meter_values == 0


async def test_a_signed_value_outside_of_a_session_stays(database: Database) -> None:
    await one_charge_point(database)
    signed = [reading(n, samples=[SIGNED]) for n in (2, 3)]
    await add(database, MeterValue, reading(0), reading(1), *signed, reading(4))
    assert (await let_go(database)).meter_values == 2
    assert await minutes(database) == [0, 2, 3]


async def test_what_a_run_has_heard_outside_of_a_session_stays(database: Database) -> None:
    await one_charge_point(database)
    await a_run(database, started_at=OLD + timedelta(minutes=2))
    await add(database, MeterValue, *(reading(n) for n in range(65)))
    assert (await let_go(database)).meter_values == 1 + 2  # before the run, and behind it


async def test_a_round_is_short_transactions_and_goes_on_after_a_kill(database_url: str) -> None:
    database = Database(database_url)
    await one_charge_point(database)
    began = datetime.now(UTC) - timedelta(days=800)
    rows = [
        reading(0, at=(at := began + timedelta(seconds=10 * n)), received_at=at, digest=n)
        for n in range(6 * ROWS)
    ]
    await add(database, MeterValue, *rows)
    killed = await asyncio.create_subprocess_exec(
        sys.executable, "-m", letting_go.__name__, database_url, stdout=asyncio.subprocess.PIPE
    )
    assert killed.stdout is not None
    for _ in range(5):  # frames, entries, and three times meter values
        assert await killed.stdout.readline() == b"alive\n"
    killed.kill()
    await killed.wait()
    in_the_middle = len(await ids(database, MeterValue))
    spans = 6 * ROWS * 10 // 300 + 1
    assert spans < in_the_middle < 6 * ROWS
    retention = StoredRetention(database, AGES, now=lambda: datetime.now(UTC))
    gone = await retention.go_on(at_most=timedelta(minutes=5), alive=lambda: None)
    left = len(await ids(database, MeterValue))
    await database.close()
    assert gone.is_done
    assert gone.meter_values == in_the_middle - left  # none is looked at, and counted, twice
    assert spans - 1 <= left <= spans


@pytest.mark.parametrize(
    ("ended", "state", "left"),
    [
        (True, None, ["com_1:young"]),
        (False, None, ["com_1:old", "com_1:young"]),
        (True, ParameterState.APPLIED, ["com_1:young"]),
        (True, ParameterState.PENDING_REBOOT, ["com_1:old", "com_1:young"]),
    ],
)
async def test_commands_go_but_for_those_that_a_step_may_ask_for_again(
    database: Database, *, ended: bool, state: ParameterState | None, left: list[str]
) -> None:
    await one_charge_point(database)
    await a_run(database, ended=ended)
    sent = {"charge_point_id": "cp_1", "operation": OperationName.RESET}
    await add(
        database,
        SentCommand,
        {**sent, "intent": "com_1:old", "sent_at": OLD},
        {**sent, "intent": "com_1:young", "sent_at": NOW - timedelta(days=364)},
    )
    if state is not None:
        value = {"charge_point_id": "cp_1", "variable": "HeartbeatInterval", "desired": "60"}
        chosen = {"state": state, "chosen_at": OLD, "updated_at": OLD}
        await add(database, Parameter, {**value, **chosen})
    gone = await let_go(database)
    async with database.read() as connection:
        intents = await connection.scalars(
            select(col(SentCommand.intent)).order_by(col(SentCommand.intent))
        )
        assert intents.all() == left
    assert gone.commands == 2 - len(left)
    assert gone.is_done


async def test_one_that_has_no_time_left_goes_on_at_the_next_call(database: Database) -> None:
    await a_session(database)
    retention = StoredRetention(database, AGES, now=lambda: NOW)
    assert await retention.go_on(at_most=timedelta(0), alive=lambda: None) == LetGo()
    assert (await let_go(database)).meter_values == 47
