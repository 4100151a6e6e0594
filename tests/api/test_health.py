from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, text, update

from storage.engine import Database
from storage.tables import nodes
from tests.api.callers import Caller
from tests.support.eventually import eventually


async def node(database: Database) -> None:
    now = datetime.now(UTC)
    async with database.write() as connection:
        await connection.execute(insert(nodes).values(id="node_1", started_at=now, seen_at=now))


async def parts(anonymous: Caller) -> tuple[int, dict[str, str]]:
    answer = await anonymous.call("GET", "/health/ready")
    assert answer.json()["ready"] is (answer.status_code == 200)
    return answer.status_code, answer.json()["parts"]


async def test_alive(anonymous: Caller) -> None:
    answer = await anonymous.call("GET", "/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


@pytest.mark.usefixtures("engine")
async def test_ready_when_all_parts_are_there(anonymous: Caller, database: Database) -> None:
    await node(database)

    async def is_ready() -> None:
        status, seen = await parts(anonymous)
        assert set(seen.values()) == {"ok"}, seen
        assert status == 200

    await eventually(is_ready)


async def test_without_a_worker_and_a_node(anonymous: Caller) -> None:
    status, seen = await parts(anonymous)
    assert status == 503
    assert seen["database"] == seen["temporal"] == "ok"
    assert seen["worker"] != "ok"
    assert seen["ocpp_server"] != "ok"


async def test_a_node_that_beats_no_more_is_not_there(
    anonymous: Caller, database: Database
) -> None:
    await node(database)
    assert (await parts(anonymous))[1]["ocpp_server"] == "ok"
    async with database.write() as connection:
        long_ago = datetime.now(UTC) - timedelta(minutes=1)
        await connection.execute(update(nodes).values(seen_at=long_ago))
    assert (await parts(anonymous))[1]["ocpp_server"] != "ok"


async def test_a_database_of_another_release(anonymous: Caller, database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    status, seen = await parts(anonymous)
    assert status == 503
    assert "migrate" in seen["database"]
