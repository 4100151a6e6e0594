"""While a run waits for its charge point, its status says why that was refused."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from storage.connection_attempts import store_attempts
from storage.connections import store_connected
from storage.engine import Database
from storage.fact_records import Connected, RefusedConnection
from tests.api.callers import Caller
from tests.api.test_connection_attempts import REASON, refuse
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
    lately = datetime.now(UTC) - timedelta(minutes=10)
    await refuse(database, charge_point, charge_point_id=charge_point, at=lately)
    await installer.post(f"/commissioning/{charge_point}/start")
    before = await waiting(installer, charge_point)
    assert before["likely_cause"] == REASON
    at = datetime.now(UTC) + timedelta(seconds=1)
    await refuse(database, charge_point, charge_point_id=charge_point, at=at, reason="Newest.")
    after = await waiting(installer, charge_point)
    assert after == before | {"likely_cause": "Newest."}
    await installer.post(f"/commissioning/{charge_point}/cancel")


async def test_a_refusal_of_long_ago_is_no_cause(installer: Caller, database: Database) -> None:
    charge_point = await installer.charge_point()
    long_ago = datetime.now(UTC) - timedelta(hours=2)
    await refuse(database, charge_point, charge_point_id=charge_point, at=long_ago)
    await installer.post(f"/commissioning/{charge_point}/start")
    assert (await waiting(installer, charge_point))["likely_cause"] is None
    await installer.post(f"/commissioning/{charge_point}/cancel")


async def test_somebody_elses_refusal_is_no_cause(installer: Caller, database: Database) -> None:
    charge_point, other = await installer.charge_point(), await installer.charge_point()
    await installer.post(f"/commissioning/{charge_point}/start")
    await refuse(database, other, charge_point_id=other, at=datetime.now(UTC))
    shown = await waiting(installer, charge_point)
    assert shown["likely_cause"] != REASON
    await installer.post(f"/commissioning/{charge_point}/cancel")


async def test_what_came_without_a_name_from_where_its_neighbours_are(
    installer: Caller, database: Database
) -> None:
    project = await installer.project()
    charge_point = await installer.charge_point(project)
    await installer.post(f"/commissioning/{charge_point}/start")
    attempt = RefusedConnection(
        identity="",
        charge_point_id=None,
        at=datetime.now(UTC),
        code="tls_on_plain_port",
        reason=REASON,
        remote_address="203.0.113.7",
        project_id=project,
    )
    async with database.write() as connection:
        await store_attempts(connection, [attempt])
    assert (await waiting(installer, charge_point))["likely_cause"] == (
        "This may be the one that was refused, from 203.0.113.7, where others of the project come "
        f"from: {REASON}"
    )
    await installer.post(f"/commissioning/{charge_point}/cancel")


async def test_a_charge_point_that_connects_all_the_time(
    installer: Caller, database: Database
) -> None:
    charge_point = await installer.charge_point()
    now = datetime.now(UTC)
    for back in reversed(range(9)):
        link = Connected(
            charge_point_id=charge_point,
            node_id="node_gone",
            ocpp_version="1.6",
            remote_address=f"203.0.113.{back % 2}",
            at=now - timedelta(seconds=back),
        )
        async with database.write() as connection:
            await store_connected(connection, [link])
    shown = (await installer.get(f"/charge-points/{charge_point}")).json()["connection"]
    cause = (
        "It has connected 9 times within 10 minutes, from 203.0.113.0 and 203.0.113.1. Two charge "
        "points seem to use its OCPP endpoint and push each other out: give each its own."
    )
    assert shown["flapping"]["likely_cause"] == cause
    assert shown["flapping"]["connections"] == 9
    assert shown["flapping"]["remote_addresses"] == ["203.0.113.0", "203.0.113.1"]
    await installer.post(f"/commissioning/{charge_point}/start")
    assert (await waiting(installer, charge_point))["likely_cause"] == cause
    await installer.post(f"/commissioning/{charge_point}/cancel")
