import asyncio
import re
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import insert, text, update
from structlog.testing import capture_logs

import api.app
from runtime.settings import Settings
from storage.engine import Database
from storage.models.connections import Node
from storage.nodes import beat
from storage.outages import DatabaseWatch
from tests.api.callers import Caller
from tests.support.eventually import eventually


async def node(database: Database) -> None:
    now = datetime.now(UTC)
    async with database.write() as connection:
        await connection.execute(insert(Node).values(id="node_1", started_at=now, seen_at=now))


async def parts(anonymous: Caller, page: str = "ready") -> tuple[int, dict[str, str]]:
    answer = await anonymous.call("GET", f"/health/{page}")
    assert answer.json()["ready"] is (answer.status_code == 200)
    return answer.status_code, answer.json()["parts"]


async def test_alive(anonymous: Caller) -> None:
    answer = await anonymous.call("GET", "/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


@pytest.mark.usefixtures("engine")
async def test_well_when_all_parts_are_there(anonymous: Caller, database: Database) -> None:
    await node(database)

    async def is_well() -> None:
        status, seen = await parts(anonymous, "system")
        assert set(seen.values()) == {"ok"}, seen
        assert status == 200

    await eventually(is_well)


async def test_without_a_worker_and_a_node_the_api_still_serves(anonymous: Caller) -> None:
    status, seen = await parts(anonymous, "system")
    assert status == 503
    assert seen["database"] == seen["temporal"] == "ok"
    assert seen["worker"] != "ok"
    assert seen["ocpp_server"] != "ok"
    # No balancer is to take every API out for it.
    assert await parts(anonymous) == (200, {"database": "ok", "clock": "ok", "temporal": "ok"})


async def test_a_node_that_beats_no_more_is_not_there(
    anonymous: Caller, database: Database
) -> None:
    await node(database)
    assert (await parts(anonymous, "system"))[1]["ocpp_server"] == "ok"
    async with database.write() as connection:
        long_ago = datetime.now(UTC) - timedelta(minutes=1)
        await connection.execute(update(Node).values(seen_at=long_ago))
    assert (await parts(anonymous, "system"))[1]["ocpp_server"] != "ok"


async def test_a_database_of_another_release(anonymous: Caller, database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    status, seen = await parts(anonymous)
    assert status == 503
    assert "migrate" in seen["database"]


@pytest.mark.parametrize(
    ("seconds", "status", "said"),
    [
        (-40, 503, "the clock is 40.0 s behind the database's; let NTP set both"),
        (11, 503, "the clock is 11.0 s ahead of the database's; let NTP set both"),
        (5, 200, "ok"),
    ],
)
async def test_a_clock_that_is_far_off_is_not_ready(
    anonymous: Caller, monkeypatch: pytest.MonkeyPatch, seconds: int, status: int, said: str
) -> None:
    shift = timedelta(seconds=seconds)
    monkeypatch.setattr("api.health.now", lambda: datetime.now(UTC) + shift)
    seen = await parts(anonymous)
    assert seen[0] == status
    # The way to the database and back is not counted, and takes some milliseconds.
    assert (
        re.sub(
            r"(39|40|10|11)\.\d s", lambda at: f"{round(float(at[0][:-2])):.1f} s", seen[1]["clock"]
        )
        == said
    )


async def test_a_node_whose_clock_is_behind_is_alive(
    anonymous: Caller, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does the API's own clock make it look dead."""
    async with database.write() as connection:
        await beat(connection, "node_1")
    shift = timedelta(minutes=5)
    monkeypatch.setattr("api.health.now", lambda: datetime.now(UTC) + shift)
    assert (await parts(anonymous, "system"))[1]["ocpp_server"] == "ok"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_an_api_with_a_wrong_clock(
    settings: Settings, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = partial(DatabaseWatch, now=lambda: datetime.now(UTC) + timedelta(seconds=40))
    monkeypatch.setattr(api.app, "DatabaseWatch", ahead)
    serves = settings.model_copy(update={"database_url": database_url, "api_port": 0})
    with capture_logs() as lines:
        serving = asyncio.create_task(api.app.run_api(serves))

        def told() -> None:
            assert [line["event"] for line in lines if line["log_level"] == "warning"] == [
                "clock_differs"
            ]

        await eventually(told)
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
