"""SQL and Python agree on whether an id tag is that of a run."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import insert, select
from sqlmodel import col

from domain.id_tag import is_of_run
from storage.engine import Database
from storage.models.charge_points import ChargePoint
from storage.models.runs import CommissioningRun
from storage.run_queries import is_tag_of_the_run
from tests.ocpp_server.bed import seed
from tests.support.rows import run_request

_RUN = "0A1B2C3D4E5F60718293"


@pytest.mark.parametrize(
    ("tag", "is_ours"),
    [
        (_RUN, True),
        (f" {_RUN.lower()} ", True),
        (_RUN[:18] + "FF", True),
        (_RUN[:9], True),
        (_RUN[:8], True),  # what it begins with is no filling
        ("0000" + _RUN[:8], True),
        (_RUN[1:8], False),
        (_RUN[:7], False),
        ("0000" + _RUN[:16], True),
        (_RUN + "00", True),
        ("A1B2C3D5", False),
        ("FREEVEND", False),
        ("0000000000", False),
        ("", False),
    ],
)
async def test_they_agree(database: Database, tag: str, *, is_ours: bool) -> None:
    (charge_point_id,) = await seed(database)
    async with database.write() as connection:
        project_id = await connection.scalar(select(col(ChargePoint.project_id)))
        await connection.execute(
            insert(CommissioningRun).values(
                id="com_1",
                charge_point_id=charge_point_id,
                project_id=project_id,
                status="in_progress",
                request=run_request(charge_point_id),
                started_at=datetime.now(UTC),
                id_tag=_RUN,
            )
        )
        found = await connection.scalar(
            select(col(CommissioningRun.id)).where(is_tag_of_the_run(tag))
        )
    assert (found is not None) is is_ours
    assert is_of_run(tag, open_run_tag=_RUN) is is_ours
