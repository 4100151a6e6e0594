"""The database itself keeps the audit trail and the charge detail records as they were written."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import (
    Delete,
    Table,
    Update,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import DBAPIError

from domain.audit import ENGINE, AuditAction
from domain.billing.cdr import Cdr
from storage.audit import Audit
from storage.charge_points import ChargePoints
from storage.engine import Database
from storage.models.billing import ChargeDetailRecord
from storage.models.projects import AuditEntry
from tests.support.rows import AT, one_charge_point

_NOTHING: dict[str, Any] = {}
CHANGES: tuple[Callable[[Table], Update | Delete], ...] = (
    lambda table: update(table).values(project_id="prj_2"),
    delete,
)


@pytest.mark.parametrize("change", CHANGES, ids=["update", "delete"])
@pytest.mark.parametrize(
    "table", [AuditEntry.__table__, ChargeDetailRecord.__table__], ids=["audit_entries", "cdrs"]
)
async def test_a_row_stays_as_it_was_written(
    database: Database, table: Table, change: Callable[[Table], Update | Delete]
) -> None:
    await one_charge_point(database)
    await _write_one_of_each(database)
    with pytest.raises(DBAPIError, match=f"{table.name} is append-only"):
        async with database.write() as connection:
            await connection.execute(change(table))
    async with database.read() as connection:
        kept = await connection.scalars(select(table.c.project_id))
        assert kept.all() == ["prj_1"]


async def test_a_charge_point_can_still_be_removed(database: Database) -> None:
    await one_charge_point(database)
    await _write_one_of_each(database)
    async with database.write() as connection:
        await ChargePoints(connection).delete("cp_1")
    async with database.read() as connection:
        for table in (AuditEntry, ChargeDetailRecord):
            assert await connection.scalar(select(func.count()).select_from(table)) == 1


async def _write_one_of_each(database: Database) -> None:
    async with database.write() as connection:
        await Audit(connection, "prj_1").write(
            AuditAction.CHARGE_POINT_CHANGED, ENGINE, target="cp_1", at=AT, after={"model": "M"}
        )
        await connection.execute(
            insert(ChargeDetailRecord).values(
                id="cdr_1",
                project_id="prj_1",
                charge_point_id="cp_1",
                transaction_id=1,
                revision=1,
                credit=False,
                issued_at=AT,
                month="2026-05",
                document=Cdr.model_construct(**_NOTHING),
            )
        )
