"""What a project, or a session, holds of people goes when its time is over.

A project's time runs from when it was put aside or removed, or its owner's account was deleted; a
session's from its end. :mod:`storage.personal` says what becomes of which column.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    String,
    Table,
    and_,
    case,
    cast,
    delete,
    func,
    literal,
    null,
    or_,
    select,
    type_coerce,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.billing.held import HoldState
from domain.states import ProjectStatus, TransactionBilling
from storage.dialects import among
from storage.models.accounts import Account
from storage.models.base import TableModel
from storage.models.billing import HeldRecord
from storage.models.charge_points import ChargePoint
from storage.models.projects import AuditEntry, Project, RequestWords
from storage.models.runs import CommissioningRun
from storage.models.transactions import Transaction
from storage.personal import ERASED, PERSONAL, Fate
from storage.retention.step import ROWS, Step, old_ones, remove, step_behind
from storage.rows import Rows

_RUNS: Final = 50
"""Of their records in one transaction: each is some tens of kilobytes."""
_WORDS_OF_PEOPLE: Final = frozenset(
    {
        "address",
        "cancel_reason",
        "cancelled_by",
        "decided_by",
        "email",
        "id_tag",
        "idTag",
        "started_by",
    }
)
_OF_TAGS: Final = "id_tag."
_PSEUDONYM: Final = literal(f"{ERASED}-").concat(cast(col(Transaction.id), String))


async def erase_projects(
    connection: AsyncConnection, position: str, *, before: datetime, now: datetime
) -> Step:
    """Erase some rows of the next project whose time is over."""
    project_id = await connection.scalar(
        select(col(Project.id))
        .outerjoin(Account, col(Account.id) == col(Project.site_owner_id))
        .where(col(Project.id) > position, col(Project.personal_erased_at).is_(None))
        .where(
            and_(
                col(Project.status) != ProjectStatus.HANDED_OVER, col(Project.archived_at) < before
            )
            | (col(Account.deleted_at) < before)
        )
        .order_by(col(Project.id))
        .limit(1)
    )
    if project_id is None:
        return Step(position="", is_last=True)
    gone = await _erase_some(connection, project_id)
    if gone >= ROWS:
        return Step(position=position, gone=gone)  # and more of it the next time
    erased = _values(Project.__table__)
    await Rows(connection).at(Project, project_id).set(**erased, personal_erased_at=now)
    return Step(position=project_id, gone=gone + 1)


async def erase_tags(
    connection: AsyncConnection, position: str, *, before: datetime, now: datetime
) -> Step:
    """Let nobody tell any more whose card an old session was of; live sites too.

    One that is about to be billed, or held for a word of the owner's, keeps it.
    """
    since = func.coalesce(col(Transaction.stop_received_at), col(Transaction.received_at))
    rows = await Rows(connection).all(
        select(
            col(Transaction.id),
            since.label("since"),
            col(Transaction.billing),
            col(HeldRecord.state),
        )
        .outerjoin(HeldRecord, col(HeldRecord.transaction_id) == col(Transaction.id))
        .where(col(Transaction.id) > int(position or 0))
        .order_by(col(Transaction.id))
        .limit(ROWS)
    )
    old = old_ones(rows, lambda row: row.since, before=before, now=now)
    done = [
        row.id
        for row in old
        if row.since < before
        and row.billing != TransactionBilling.DUE
        and row.state != HoldState.HELD
    ]
    those = Rows(connection).those(Transaction, among(connection, col(Transaction.id), done))
    await those.set(id_tag=_PSEUDONYM)
    return await step_behind(connection, col(Transaction.id), position, rows, old, len(done))


async def let_words_go(connection: AsyncConnection, position: str, *, before: datetime) -> Step:
    """Let go of what old updates of workflows said; what came of them is kept where it belongs."""
    words = RequestWords.__table__.c
    query = select(words.id).where(words.at < before).order_by(words.at).limit(ROWS)
    found = await Rows(connection).values(query)
    gone = await remove(connection, RequestWords.__table__, found)
    return Step(position=position, gone=gone, is_last=gone < ROWS)


async def _erase_some(connection: AsyncConnection, project_id: str) -> int:
    """Erase what there is of a project but its own row, until enough is done for once."""
    gone = await _erase_runs(connection, project_id)
    for table in TableModel.metadata.tables.values():
        if gone >= ROWS:
            return gone
        mine = _of_project(table, project_id)
        if mine is None or table in (Project.__table__, CommissioningRun.__table__):
            continue
        if any(_fate(column) is Fate.ROW for column in table.c):
            gone += await _some(connection, table, mine, None, ROWS - gone)
            continue
        values = _values(table)
        if table is Transaction.__table__:
            values = {"id_tag": _PSEUDONYM}
            left: ColumnElement[bool] | None = ~col(Transaction.id_tag).startswith(f"{ERASED}-")
        else:
            left = or_(*(_is_left(table.c[name]) for name in values)) if values else None
        if values and left is not None:
            gone += await _some(connection, table, and_(mine, left), values, ROWS - gone)
    return gone


async def _some(
    connection: AsyncConnection,
    table: Table,
    which: ColumnElement[bool],
    values: Mapping[str, Any] | None,
    most: int,
) -> int:
    """Change, or delete, at most so many of a table that has ids; of another, its few, all."""
    if "id" in table.c:
        found = list(await connection.scalars(select(table.c.id).where(which).limit(most)))
        if not found:
            return 0
        which = among(connection, table.c.id, found)
    change = delete(table) if values is None else update(table).values(values)
    return (await connection.execute(change.where(which))).rowcount


async def _erase_runs(connection: AsyncConnection, project_id: str) -> int:
    """Take people out of the records of some runs."""
    runs = CommissioningRun.__table__
    request, view = type_coerce(runs.c.request, JSON), type_coerce(runs.c.view, JSON)
    rows = await Rows(connection).all(
        select(runs.c.id, request.label("request"), view.label("view"))
        .where(runs.c.project_id == project_id, request["started_by"].as_string() != ERASED)
        .limit(_RUNS)
    )
    for row in rows:
        await (
            Rows(connection)
            .at(CommissioningRun, row.id)
            .set(
                request=type_coerce({**_without_people(row.request), "started_by": ERASED}, JSON),
                view=None if row.view is None else type_coerce(_without_people(row.view), JSON),
                id_tag=None,
            )
        )
    return ROWS if len(rows) == _RUNS else len(rows)


def _without_people(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: ERASED
            if name in _WORDS_OF_PEOPLE and isinstance(inner, str) and inner
            else _without_people(inner)
            for name, inner in value.items()
        }
    return [_without_people(one) for one in value] if isinstance(value, list) else value


def _of_project(table: Table, project_id: str) -> ColumnElement[bool] | None:
    """Which rows of a table are the project's; None: no table of projects."""
    if table is Project.__table__:
        return col(Project.id) == project_id
    its = select(col(ChargePoint.id)).where(col(ChargePoint.project_id) == project_id)
    by_project = table.c.project_id == project_id if "project_id" in table.c else None
    by_charge_point = table.c.charge_point_id.in_(its) if "charge_point_id" in table.c else None
    if by_project is None or by_charge_point is None:
        return by_charge_point if by_project is None else by_project
    return by_project | by_charge_point


def _fate(column: Column[Any]) -> Fate | None:
    personal = PERSONAL.get(f"{column.table.name}.{column.name}")
    return None if personal is None else personal.fate


def _values(table: Table) -> dict[str, Any]:
    """What an erased row says."""
    values: dict[str, Any] = {
        column.name: null() if _fate(column) is Fate.EMPTIED else ERASED
        for column in table.c
        if _fate(column) in {Fate.EMPTIED, Fate.REPLACED}
    }
    if table is AuditEntry.__table__:
        is_tag = col(AuditEntry.action).startswith(_OF_TAGS)
        values["target"] = case((is_tag, ERASED), else_=col(AuditEntry.target))
    return values


def _is_left(column: Column[Any]) -> ColumnElement[bool]:
    if _fate(column) is Fate.EMPTIED:
        return column.is_not(None)
    if column.table is AuditEntry.__table__:
        return col(AuditEntry.action).startswith(_OF_TAGS) & (column != ERASED)
    return column != ERASED
