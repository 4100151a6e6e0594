"""All rows of a site, for its owner: read in pages, each in a unit of work of its own."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from sqlalchemy import (
    JSON,
    ColumnElement,
    LargeBinary,
    Select,
    SQLColumnExpression,
    Table,
    select,
    tuple_,
    type_coerce,
)
from sqlmodel import col

from domain.places import number_of
from storage.dialects import among
from storage.engine import Database
from storage.models.base import Document
from storage.models.billing import (
    BillingIssuer,
    BillingPause,
    ChargeDetailRecord,
    HeldRecord,
    Tariff,
)
from storage.models.charge_points import AwaitedTag, ChargePoint, ChargePointFeature
from storage.models.connections import ChargePointConnection, ConnectionAttempt
from storage.models.documents import Certificate, ChecklistAnswer, Declaration, Photo
from storage.models.facts import Boot, Connector, Irregularity, LogEntry
from storage.models.invitations import ServiceVisit, ServiceVisitChargePoint
from storage.models.projects import AuditEntry, IdTag, Project
from storage.models.runs import Batch, CommissioningRun
from storage.models.transactions import MeterValue, Transaction
from storage.rows import Rows

Line = tuple[str, Mapping[str, Any]]
"""The name of a kind, and one row of it."""

OF_PROJECT: Final[Mapping[str, Table]] = {
    "id_tag": IdTag.__table__,
    "tariff": Tariff.__table__,
    "billing_issuer": BillingIssuer.__table__,
    "billing_pause": BillingPause.__table__,
    "charge_point": ChargePoint.__table__,
    "commissioning_run": CommissioningRun.__table__,
    "certificate": Certificate.__table__,
    "cdr": ChargeDetailRecord.__table__,
    "held_record": HeldRecord.__table__,
    "service_visit": ServiceVisit.__table__,
    "batch": Batch.__table__,
    "audit_entry": AuditEntry.__table__,
}
OF_CHARGE_POINT: Final[Mapping[str, Table]] = {
    "connector": Connector.__table__,
    "connection": ChargePointConnection.__table__,
    "connection_attempt": ConnectionAttempt.__table__,
    "awaited_tag": AwaitedTag.__table__,
    "irregularity": Irregularity.__table__,
    "log_entry": LogEntry.__table__,
    "feature": ChargePointFeature.__table__,
    "boot": Boot.__table__,
    "declaration": Declaration.__table__,
    "checklist_answer": ChecklistAnswer.__table__,
    "photo": Photo.__table__,
    "service_visit_charge_point": ServiceVisitChargePoint.__table__,
}
_OF_SESSIONS: Final = ("cdr", "held_record")
_PAGE: Final = 500
_LARGE: Final = {"boot": 50, "log_entry": 50, "meter_value": 50}
"""Rows of a page where each may have 60 KB; a page is kept until it is read."""
_TRANSACTIONS: Final = 50  # whose meter values are read at once
# Secrets, and what the engine needs for itself.
_LEFT_OUT: Final = frozenset(
    {
        "credential_hash",
        "token",
        "serial_key",
        "near_key",
        "tag_key",
        "watched_by",
        "node_id",
        "identity_key",
        "entry_key",
        "digest",
        "content_hash",
    }
)


async def lines_of_project(database: Database, project_id: str) -> AsyncIterator[Line]:
    """Give the project and all of it, the oldest first within each kind."""
    async for line in _rows(database, "project", Project.__table__, col(Project.id), project_id):
        yield line
    for kind, table in OF_PROJECT.items():
        async for _, row in _rows(database, kind, table, table.c.project_id, project_id):
            yield kind, _named(row) if kind in _OF_SESSIONS else row
    async with database.read() as connection:
        identities = await Rows(connection).values(
            select(col(ChargePoint.id))
            .where(col(ChargePoint.project_id) == project_id)
            .order_by(col(ChargePoint.id))
        )
    for identity in identities:
        for kind, table in OF_CHARGE_POINT.items():
            async for line in _rows(database, kind, table, table.c.charge_point_id, identity):
                yield line
        async for line in _sessions(database, identity):
            yield line


async def _sessions(database: Database, charge_point_id: str) -> AsyncIterator[Line]:
    """Its transactions, each page followed by its meter values, and those of none."""
    page: dict[int, str] = {}
    of_it = col(Transaction.charge_point_id)
    async for kind, row in _rows(
        database, "transaction", Transaction.__table__, of_it, charge_point_id
    ):
        told = dict(row)
        name = page[row["id"]] = told.pop("ocpp_id")
        yield kind, told | {"id": name}
        if len(page) == _TRANSACTIONS:
            async for line in _readings(database, page):
                yield line
            page = {}
    async for line in _readings(database, page):
        yield line
    of_none = select(*_shown(MeterValue.__table__)).where(
        col(MeterValue.charge_point_id) == charge_point_id, col(MeterValue.transaction_id).is_(None)
    )
    async for line in _pages(database, "meter_value", MeterValue.__table__, of_none):
        yield line


async def _readings(database: Database, names: Mapping[int, str]) -> AsyncIterator[Line]:
    if not names:
        return
    async with database.read() as connection:
        of_them = among(connection, col(MeterValue.transaction_id), names.keys())
    query = select(*_shown(MeterValue.__table__)).where(of_them)
    async for kind, row in _pages(database, "meter_value", MeterValue.__table__, query):
        yield kind, {**row, "transaction_id": names[row["transaction_id"]]}


def _named(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Name the transaction of a record by the id that its charge point knows."""
    return {**row, "transaction_id": row["document"]["session_id"]}


async def _rows(
    database: Database, kind: str, table: Table, column: SQLColumnExpression[Any], wanted: str
) -> AsyncIterator[Line]:
    query = select(*_shown(table)).where(column == wanted)
    async for line in _pages(database, kind, table, query):
        yield line


async def _pages(
    database: Database, kind: str, table: Table, query: Select[Any]
) -> AsyncIterator[Line]:
    key = list(table.primary_key.columns)
    query = query.add_columns(*(column.label(f"key_{n}") for n, column in enumerate(key)))
    most = min(_PAGE, _LARGE.get(kind, _PAGE))
    query = query.order_by(*key).limit(most)
    last: tuple[Any, ...] | None = None
    while True:
        after = query if last is None else query.where(tuple_(*key) > tuple_(*last))
        async with database.read() as connection:
            rows = (await connection.execute(after)).mappings().all()
        for row in rows:
            shown = {str(name): row[name] for name in row if not name.startswith("key_")}
            if "evse_id" in shown:
                shown["connector_id"] = number_of(shown["evse_id"])
            for word in ("status", "error_code"):
                if f"raw_{word}" in shown:
                    shown[word] = shown[word] or shown[f"raw_{word}"]
            yield kind, shown
        if len(rows) < most:
            return
        last = tuple(rows[-1][f"key_{n}"] for n in range(len(key)))


def _shown(table: Table) -> list[ColumnElement[Any]]:
    """Select columns; documents as they are kept."""
    return [
        type_coerce(column, JSON).label(column.name)
        if isinstance(column.type, Document)
        else column
        for column in table.columns
        if column.name not in _LEFT_OUT and not isinstance(column.type, LargeBinary)
    ]
