"""What a charge point has left in the database after years, written by the database itself."""

from datetime import datetime, timedelta
from typing import Final

from pydantic import TypeAdapter
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.checks import CheckRecord, RunView
from domain.commissioning import RunRequest
from domain.states import CheckName, RunStatus
from tests.support.rows import run_request

_NUMBERS: Final = {
    "sqlite": "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < :sessions)"
    " SELECT n FROM n",
    "postgresql": "SELECT generate_series(1, :sessions) AS n",
}
_JSON: Final = {"sqlite": ":{}", "postgresql": "CAST(:{} AS json)"}
_MOMENT: Final = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f000', :began, {} || ' minutes')",
    "postgresql": "CAST(:began AS timestamptz) + {} * interval '1 minute'",
}


async def live_for_years(
    connection: AsyncConnection, identity: str, *, sessions: int, until: datetime
) -> None:
    """Sessions of half an hour, each hour, a meter value in each and one behind it, a boot too.

    After every tenth it has been commissioned. The last session still runs.
    """
    began = until - timedelta(hours=sessions)
    dialect = connection.dialect.name
    numbers = f"({_NUMBERS[dialect]}) AS numbers"

    def at(minutes: str) -> str:
        return _MOMENT[dialect].format(f"(n * 60 + {minutes})")

    def json(name: str) -> str:
        return _JSON[dialect].format(name)

    view = RunView(
        commissioning_id=f"com_{identity}{sessions}",
        charge_point_id=identity,
        status=RunStatus.COMPLETED,
        checks=tuple(CheckRecord(name=name) for name in CheckName),
        started_at=began,
    )
    values = {
        "of": identity,
        "sessions": sessions,
        "view": TypeAdapter(RunView).dump_json(view).decode(),
        "request": TypeAdapter(RunRequest).dump_json(run_request(identity)).decode(),
        "began": began if dialect == "postgresql" else began.strftime("%Y-%m-%d %H:%M:%S"),
    }
    for statement in (
        f"""
        INSERT INTO transactions (ocpp_id, charge_point_id, evse_id, id_tag, started_at,
            meter_start, received_at, stopped_at, meter_stop, stop_received_at, superseded)
        SELECT n, :of, 1, 'TAG', {at("0")}, n, {at("0")}, {at("30")}, n + 1, {at("30")}, false
        FROM {numbers}""",  # noqa: S608 - constants
        """
        INSERT INTO meter_values (charge_point_id, evse_id, transaction_id, at, received_at,
            samples, inferred, digest)
        SELECT charge_point_id, 1, id, started_at, started_at, '[]', true, id FROM transactions
        WHERE charge_point_id = :of""",
        f"""
        INSERT INTO meter_values (charge_point_id, evse_id, at, received_at, samples,
            inferred, digest)
        SELECT :of, 1, {at("45")}, {at("45")}, '[]', true, n FROM {numbers}""",  # noqa: S608 - constants
        f"""
        INSERT INTO boots (id, charge_point_id, at, vendor, model, registration, warnings, payload)
        SELECT :of || n, :of, {at("50")}, 'V', 'M', 'Accepted', '[]', '{{}}' FROM {numbers}""",  # noqa: S608 - constants
        f"""
        INSERT INTO log_entries (charge_point_id, at, level, kind, text)
        SELECT :of, {at("50")}, 'info', 'frame', '[]' FROM {numbers}""",  # noqa: S608 - constants
        f"""
        INSERT INTO commissioning_runs (id, charge_point_id, project_id, status, request,
            started_at, completed_at, view)
        SELECT 'com_' || :of || n, :of, project_id, 'completed', {json("request")},
            {at("50")}, {at("55")}, {json("view")}
        FROM {numbers}, charge_points WHERE id = :of AND n % 10 = 0""",  # noqa: S608 - constants
        """
        UPDATE transactions SET stopped_at = NULL WHERE id =
            (SELECT max(id) FROM transactions WHERE charge_point_id = :of)""",
    ):
        used = {name: value for name, value in values.items() if f":{name}" in statement}
        await connection.execute(text(statement), used)
