"""While a run waits for its charge point, its status says why that was refused."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from storage.engine import Database
from tests.api.callers import Caller
from tests.api.test_knocking import REASON, knock
from tests.support.eventually import eventually

pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("engine"),
]


async def waiting(installer: Caller, charge_point: str) -> dict[str, Any]:
    async def is_so() -> dict[str, Any]:
        status = (await installer.get(f"/commissioning/{charge_point}/status")).json()
        assert status["waiting_for"] == "connection", status
        shown: dict[str, Any] = status["waiting"]
        return shown

    return await eventually(lambda: is_so())  # noqa: PLW0108 - its type is then known


async def test_the_newest_refusal_since_the_run_began(
    installer: Caller, database: Database
) -> None:
    charge_point = await installer.charge_point()
    long_ago = datetime.now(UTC) - timedelta(days=40)
    await knock(database, charge_point, charge_point_id=charge_point, at=long_ago)
    await installer.post(f"/commissioning/{charge_point}/start")
    before = await waiting(installer, charge_point)
    at = datetime.now(UTC) + timedelta(seconds=1)
    await knock(database, charge_point, charge_point_id=charge_point, at=at, reason="Newest.")
    after = await waiting(installer, charge_point)
    assert after == before | {"likely_cause": "Newest."}
    await installer.post(f"/commissioning/{charge_point}/cancel")


async def test_somebody_elses_refusal_is_no_cause(installer: Caller, database: Database) -> None:
    charge_point, other = await installer.charge_point(), await installer.charge_point()
    await installer.post(f"/commissioning/{charge_point}/start")
    await knock(database, other, charge_point_id=other, at=datetime.now(UTC))
    shown = await waiting(installer, charge_point)
    assert shown["likely_cause"] != REASON
    await installer.post(f"/commissioning/{charge_point}/cancel")
