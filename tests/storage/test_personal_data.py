"""What is personal is listed with what becomes of it, and it becomes of it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import JSON, LargeBinary, String, Text, insert, select, update
from sqlmodel import col
from sqlmodel.sql.sqltypes import AutoString

from domain.audit import Actor, AuditAction
from domain.states import ProjectStatus, Role, TransactionBilling
from storage.audit import Audit
from storage.engine import Database
from storage.export import OF_CHARGE_POINT, OF_PROJECT
from storage.models.accounts import Account
from storage.models.base import Document, TableModel
from storage.models.charge_points import ChargePoint
from storage.models.facts import LogEntry
from storage.models.invitations import Invitation
from storage.models.projects import AuditEntry, IdTag, Project
from storage.models.runs import CommissioningRun
from storage.models.transactions import Transaction
from storage.personal import ERASED, PERSONAL, Fate
from storage.retention.rounds import StoredRetention
from storage.retention.step import ROWS
from storage.runs import Runs
from tests.storage.letting_go import AGES
from tests.support.holding import held_record
from tests.support.rows import AT, one_charge_point, run_request

NOW = datetime(2030, 1, 1, tzinfo=UTC)
LONG_AGO = NOW - AGES.personal - timedelta(days=1)
OF_LATE = NOW - AGES.personal + timedelta(days=1)
PAGE = Path(__file__).parents[2] / "docs" / "topics" / "what-is-kept.md"
IMPERSONAL = Path(__file__).with_name("impersonal_columns.txt").read_text().split()
DRIVER, PERSON = "04A2B3C4D5", "alex.field@acme.example"


def columns() -> set[str]:
    """Every column that could hold something of a person."""
    return {
        f"{table.name}.{column.name}"
        for table in TableModel.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, (AutoString, String, Text, JSON, Document, LargeBinary))
    }


def test_every_column_is_personal_or_is_not() -> None:
    """A new column is entered in `storage/personal.py` and the page, or in the list of the rest."""
    assert sorted(columns() - set(PERSONAL) - set(IMPERSONAL)) == []
    assert sorted((set(PERSONAL) | set(IMPERSONAL)) - columns()) == []
    assert set(PERSONAL) & set(IMPERSONAL) == set()


def test_what_is_kept_has_its_reason_and_the_page_tells_all_of_it() -> None:
    before, heading, table = PAGE.read_text().partition("\n## Every column\n")
    assert heading
    rows = [
        f"| `{column}` | {personal.fate.value} | {personal.why} |".replace("|  |", "| |")
        for column, personal in sorted(PERSONAL.items())
    ]
    assert [line for line in table.splitlines() if line.startswith("| `")] == rows
    assert not [column for column in PERSONAL if f"`{column}`" in before]
    for column, personal in PERSONAL.items():
        assert bool(personal.why) == (personal.fate in {Fate.KEPT, Fate.AGED}), column


def test_whatever_is_personal_is_in_an_export() -> None:
    """Of a project, or of an account; but what somebody else wrote to the person by a mail."""
    of_project = {table.name for table in (*OF_PROJECT.values(), *OF_CHARGE_POINT.values())}
    of_account = {
        "project_members",
        "invitations",
        "service_visits",
        "account_sessions",
        "account_events",
        "webhooks",
        "webhook_deliveries",
        "mail_notices",
    }
    exported = of_project | {"accounts", "projects", "transactions"} | of_account
    said_before = {
        "account_letters",  # that a mail was asked for; account_events has what came of it
        "kept_answers",  # of the last day, as they were given
        "request_words",  # what came of them is in invitations, projects and service_visits
        "webhook_attempts",  # what the account's own server answered
        "mail_blocks",  # of those who stopped the account's mail; the address is a hash
    }
    assert {column.partition(".")[0] for column in PERSONAL} - exported == said_before


async def go_on(database: Database, *, now: datetime = NOW) -> int:
    retention = StoredRetention(database, AGES, now=lambda: now)
    return (await retention.go_on(at_most=timedelta(minutes=5), alive=lambda: None)).people


async def _lived_in(database: Database, *, sessions: int = 3) -> None:
    """A project with something of people wherever a test can put it in a line."""
    await one_charge_point(database)
    by = Actor(email=PERSON, role="installer", account_id="usr_1", address="203.0.113.9")
    async with database.write() as connection:
        request = replace(run_request(), started_by=PERSON)
        await Runs(connection).create_starting(request)
        audit = Audit(connection, "prj_1")
        after = {"email": PERSON}
        await audit.write(AuditAction.ID_TAG_PUT, by, target=DRIVER, at=AT, after=after)
        await audit.write(AuditAction.PROJECT_CHANGED, by, target="prj_1", at=AT, before=after)
        await connection.execute(
            update(Project).values(
                name=f"House of {PERSON}", sign_off_notes=PERSON, installer_signature=PERSON
            )
        )
        await connection.execute(
            insert(IdTag).values(
                project_id="prj_1", tag_key=DRIVER, id_tag=DRIVER, label=PERSON, added_at=AT
            )
        )
        await connection.execute(
            insert(Invitation).values(
                id="inv_1",
                project_id="prj_1",
                email=PERSON,
                role="technician",
                message=PERSON,
                token_hash="0" * 64,
                status="declined",
                created_at=AT,
                expires_at=AT,
                told_at=AT,
            )
        )
        await connection.execute(
            insert(LogEntry),
            [
                {
                    "charge_point_id": "cp_1",
                    "at": NOW,
                    "level": "info",
                    "kind": "frame",
                    "text": json.dumps({"idTag": DRIVER}),
                }
                for _ in range(sessions)
            ],
        )
        await connection.execute(
            insert(Transaction),
            [
                {
                    "ocpp_id": str(number),
                    "charge_point_id": "cp_1",
                    "evse_id": 1,
                    "id_tag": DRIVER,
                    "started_at": AT + timedelta(seconds=number),
                    "received_at": OF_LATE,
                    "stop_received_at": OF_LATE,
                }
                for number in range(sessions)
            ],
        )


async def told_of(database: Database, *of_people: str) -> dict[str, str]:
    """Which columns of the project still say something of them."""
    found = {}
    async with database.read() as connection:
        for table in TableModel.metadata.tables.values():
            if table is Account.__table__:
                continue
            for row in (await connection.execute(select(table))).mappings():
                for name, value in row.items():
                    said = json.dumps(value, default=str)
                    if any(one in said for one in of_people):
                        found[f"{table.name}.{name}"] = said
    return found


async def _one(database: Database, table: type[TableModel]) -> Any:
    async with database.read() as connection:
        return (await connection.execute(select(table.__table__))).mappings().first()


async def test_a_project_that_was_put_aside_for_long_says_nothing_of_people(
    database: Database,
) -> None:
    await _lived_in(database, sessions=ROWS + 20)
    assert len(await told_of(database, DRIVER, PERSON)) > 10
    for archived_at, is_over in ((OF_LATE, False), (LONG_AGO, True)):
        async with database.write() as connection:
            await connection.execute(update(Project).values(archived_at=archived_at))
        gone = await go_on(database)
        assert (gone > 2 * ROWS) is is_over
    assert await told_of(database, DRIVER, PERSON, "203.0.113.9") == {}
    row = await _one(database, Project)
    assert (row["name"], row["site_owner_email"]) == (ERASED, ERASED)
    assert row["personal_erased_at"] == NOW
    # What is not of people is there.
    assert (await _one(database, ChargePoint))["serial_number"] == "SN-1"
    assert (await _one(database, CommissioningRun))["id"] == "com_1"
    trail = await _one(database, AuditEntry)
    assert (trail["action"], trail["account_id"]) == ("id_tag.put", "usr_1")
    assert await go_on(database) == 0


@pytest.mark.parametrize("deleted_at", [None, LONG_AGO])
async def test_a_site_that_is_run_keeps_what_it_needs_until_its_owner_is_gone(
    database: Database, deleted_at: datetime | None
) -> None:
    """An installer who puts a site aside that was handed over takes nothing from its owner."""
    await _lived_in(database)
    async with database.write() as connection:
        await connection.execute(
            update(Project).values(
                status=ProjectStatus.HANDED_OVER, archived_at=LONG_AGO, handed_over_at=LONG_AGO
            )
        )
        await connection.execute(
            update(Account)
            .where(col(Account.role) == Role.SITE_OWNER)
            .values(deleted_at=deleted_at)
        )
    await go_on(database)
    assert (await told_of(database, PERSON) == {}) is (deleted_at is not None)


async def _sessions(database: Database, kinds: Mapping[int, Mapping[str, Any]]) -> None:
    async with database.write() as connection:
        for number, kind in kinds.items():
            await connection.execute(
                insert(Transaction).values(
                    id=number,
                    ocpp_id=str(number),
                    charge_point_id="cp_1",
                    evse_id=1,
                    id_tag=DRIVER,
                    started_at=AT,
                    meter_start=number,
                    received_at=LONG_AGO,
                    **kind,
                )
            )


async def _cards(database: Database) -> dict[int, str]:
    async with database.read() as connection:
        rows = await connection.execute(select(col(Transaction.id), col(Transaction.id_tag)))
        return {row.id: row.id_tag for row in rows}


async def test_whose_card_it_was_goes_with_an_old_session_of_a_live_site(
    database: Database,
) -> None:
    await one_charge_point(database)
    kinds: dict[int, dict[str, Any]] = {
        1: {"stop_received_at": LONG_AGO},
        2: {"stop_received_at": LONG_AGO, "billing": TransactionBilling.DUE},
        3: {"stop_received_at": LONG_AGO},  # held
        4: {"stop_received_at": OF_LATE},
    }
    await _sessions(database, kinds)
    await held_record(database, "prj_1", "cp_1", 3)
    for _ in range(2):
        await go_on(database)
    assert await _cards(database) == {1: "erased-1", 2: DRIVER, 3: DRIVER, 4: DRIVER}


async def test_a_session_that_came_during_the_round_keeps_its_card_until_it_is_old(
    database: Database,
) -> None:
    await one_charge_point(database)
    wrong, since = NOW + timedelta(days=9), NOW + timedelta(minutes=1)
    ends = {1: LONG_AGO, 2: wrong, 3: LONG_AGO, 4: since}
    await _sessions(database, {number: {"stop_received_at": at} for number, at in ends.items()})
    await go_on(database)
    assert await _cards(database) == {1: "erased-1", 2: DRIVER, 3: "erased-3", 4: DRIVER}
    await go_on(database, now=since + AGES.personal + timedelta(days=1))
    assert (await _cards(database))[4] == "erased-4"
