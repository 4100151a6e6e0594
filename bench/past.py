"""A database with a past: finished runs as the engine writes them, and what the API makes of it."""

import time
from collections.abc import Sequence
from statistics import quantiles
from typing import Final

from sqlalchemy import text

from bench.plant import Plant
from domain.commissioning import Registered

RUNS_EACH: Final = 10
LOG_ROWS_EACH: Final = 10
_NUMBERS: Final = "WITH RECURSIVE n(i) AS (SELECT :first UNION ALL SELECT i+1 FROM n WHERE i<:last)"
# Copies of what the engine itself wrote for one run; only ids and the moment differ.
_CHARGE_POINTS: Final = f"""
INSERT INTO charge_points (id, project_id, serial_number, serial_key, model, vendor, ocpp_version,
                           status, created_at)
{_NUMBERS} SELECT printf('cp_%026d', i), project_id, printf('PAST-%d', i), printf('past-%d', i),
                  model, vendor, ocpp_version, status, created_at
FROM n, charge_points WHERE id = :charge_point"""  # noqa: S608 - made of constants
_RUNS: Final = f"""
INSERT INTO commissioning_runs (id, charge_point_id, project_id, status, request, started_at,
                                completed_at, id_tag, view, failed_check, notified)
{_NUMBERS} SELECT printf('com_%026d', i), printf('cp_%026d', i / :each), project_id, status,
                  request, datetime(started_at, printf('-%d seconds', 10 * i)),
                  datetime(completed_at, printf('-%d seconds', 10 * i)),
                  id_tag, view, failed_check, notified
FROM n, commissioning_runs r WHERE r.id = :run"""  # noqa: S608 - made of constants
_LOGS: Final = f"""
INSERT INTO log_entries (charge_point_id, commissioning_id, at, level, kind, direction, action,
                         message_id, text, entry_key)
{_NUMBERS} SELECT printf('cp_%026d', i / :each), printf('com_%026d', i),
                  datetime(at, printf('-%d seconds', 10 * i)), level, kind, direction, action,
                  message_id, text, CASE WHEN entry_key IS NULL THEN NULL
                                    ELSE printf('com_%026d:%d', i, log_id) END
FROM n, (SELECT id AS log_id, * FROM log_entries WHERE commissioning_id = :run LIMIT :logs)
"""  # noqa: S608 - made of constants


async def fill(it: Plant, like: Registered, *, first: int, last: int) -> None:
    """Copy the newest run of a charge point into the past, so many times."""
    async with it.database.write() as connection:
        run = await connection.scalar(
            text("SELECT max(id) FROM commissioning_runs WHERE charge_point_id = :charge_point"),
            {"charge_point": like.charge_point_id},
        )
        given = {
            "charge_point": like.charge_point_id,
            "run": run,
            "each": RUNS_EACH,
            "logs": LOG_ROWS_EACH,
        }
        await connection.execute(
            text(_CHARGE_POINTS), given | {"first": first // RUNS_EACH, "last": last // RUNS_EACH}
        )
        for statement in (_RUNS, _LOGS):
            await connection.execute(text(statement), given | {"first": first, "last": last})


async def api_p95(it: Plant, seen: Sequence[Registered], rounds: int) -> float:
    """95th percentile of the seconds that the API takes to show projects, points, runs, logs."""
    took: list[float] = []
    for _ in range(rounds):
        for one in seen:
            commissioning = f"/commissioning/{one.charge_point_id}"
            for path in (
                f"/projects/{one.project_id}",
                f"/charge-points?project_id={one.project_id}",
                f"/charge-points/{one.charge_point_id}",
                f"{commissioning}/status",
                f"{commissioning}/runs",
                f"{commissioning}/logs",
            ):
                begun = time.perf_counter()
                answer = await it.api.get(path)
                took.append(time.perf_counter() - begun)
                answer.raise_for_status()
    return quantiles(took, n=20)[-1]
