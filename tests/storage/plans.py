"""How databases would carry statements out: whether any looks at more than it should.

SQLite tells its plan alone, so a scan is refused, of whatever grows with traffic or time.
PostgreSQL carries them out, and its rows are counted.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from storage.engine import Database
from storage.models.base import TableModel

LOOKED_AT: Final = 400
"""Rows, at most, of one table in one statement: twenty for each charge point of the batch."""
_OF_THE_FLEET: Final = frozenset(
    {
        "accounts",
        "awaited_tags",
        "billing_accounts",
        "charge_point_features",
        "charge_points",
        "connections",
        "connectors",
        "declarations",
        "id_tags",
        "local_lists",
        "nodes",
        "parameters",
        "project_members",
        "projects",
        "reported_keys",
        "webhooks",
    }
)
"""As many rows as there are sites, charge points and people, however long they are there."""
GROWING: Final = frozenset(TableModel.metadata.tables) - _OF_THE_FLEET
_OF_WHAT_IS_PAST: Final = frozenset(
    {
        "ix_boots_contested",
        "ix_commissioning_runs_completed",
        "ix_log_entries_reports",
        "ix_transactions_of_runs",
        "uq_meter_values_outside_transactions",
    }
)
_OF_WHAT_IS_OPEN: Final = {
    str(index.name)
    for table in TableModel.metadata.tables.values()
    for index in table.indexes
    if index.dialect_options["sqlite"]["where"] is not None
} - _OF_WHAT_IS_PAST
"""Indexes of the rows that wait for something: few, however many are past."""
_STEP: Final = re.compile(r"(SCAN|SEARCH) (\w+)(?: USING .*?INDEX (\w+))?")


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)


def _of_what_grows(step: str, statement: str) -> bool:
    """Tell whether a step of SQLite's is at rows that grow in number, the past ones, too."""
    found = _STEP.match(step)
    if found is None or found.group(3) in _OF_WHAT_IS_OPEN:
        return False
    named = re.search(rf"(\w+) AS {found.group(2)}\b", statement)
    return (named.group(1) if named else found.group(2)) in GROWING


def _is_a_scan(step: str, statement: str) -> bool:
    """Tell whether it looks at a whole table, or at all values that are in no session."""
    of_none = "transaction_id IS NULL" in statement
    return step.startswith("SCAN") or (
        of_none and step.removesuffix(" LEFT-JOIN").endswith("(transaction_id=?)")
    )


def _walks(step: str) -> bool:
    """Tell whether it looks at all rows behind a key, as a reconcile step's first page has none."""
    return step.endswith(("(rowid>?)", "(id>?)", "(rowid<?)", "(id<?)"))


async def too_much(
    database: Database, statement: str, values: Any, *, most: int = LOOKED_AT, pages: bool = True
) -> list[str]:
    """Say what of growing tables the statement looks at that it should not.

    ``pages``: it may go on behind a key, as it takes whatever comes there.
    """
    async with database._engine.connect() as connection, connection.begin() as unit:
        if database.is_sqlite:
            rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
            steps = [str(row.detail) for row in rows]
            return [
                step
                for step in steps
                if _of_what_grows(step, statement)
                and (_is_a_scan(step, statement) or (not pages and _walks(step)))
            ]
        rows = await connection.exec_driver_sql(
            f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", values
        )
        (plan,) = (row[0][0]["Plan"] for row in rows)
        await unit.rollback()
        found = []
        for node in _nodes(plan):
            removed = sum(node.get(f"Rows Removed by {by}", 0) for by in ("Filter", "Join Filter"))
            looked_at = (node["Actual Rows"] + removed) * node["Actual Loops"]
            if looked_at > most:
                found.append(f"{node['Node Type']} {node.get('Relation Name')}: {looked_at} rows")
        return found


async def assert_all_look_at_few(
    database: Database, statements: Mapping[str, Any], *, most: int = LOOKED_AT, pages: bool = True
) -> None:
    """Fail with each statement that looks at too much, and at what."""
    wrong = [
        f"{', '.join(found)}: {' '.join(statement.split())}"
        for statement, values in statements.items()
        if statement.split()[0] in {"SELECT", "UPDATE", "DELETE", "WITH"}
        and (found := await too_much(database, statement, values, most=most, pages=pages))
    ]
    assert not wrong, "\n".join(wrong)
