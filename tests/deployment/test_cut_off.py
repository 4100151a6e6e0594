"""A worker or a node that is cut off from its database: nothing is lost, and it works again."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import make_url, select
from sqlmodel import col

from embedded.ports import free_port
from simulator.charge_point import VirtualChargePoint
from simulator.profile import ABB_TERRA_AC_W22
from storage.engine import Database
from storage.models.transactions import Transaction
from tests.chaos.frames import Unsplit
from tests.chaos.proxy import FaultProxy
from tests.deployment.topology import Launcher
from tests.support.eventually import eventually
from tests.support.guide import Guide
from tests.support.plain import PLAIN
from tests.support.processes import log_lines, until_ok

RUNS = 30
OWNER = "facilities@riverside.example"


@dataclass(frozen=True, kw_only=True)
class Worker:
    port: int
    log: Path

    async def readiness(self) -> tuple[int, dict[str, str]]:
        async with httpx.AsyncClient(verify=PLAIN, trust_env=False, timeout=30) as client:
            url = f"http://127.0.0.1:{self.port}"
            assert (await client.get(f"{url}/health/live")).status_code == 200  # in any case
            answer = await client.get(f"{url}/health/ready")
        return answer.status_code, answer.json()["parts"]

    def lines(self) -> list[dict[str, Any]]:
        return log_lines(self.log)

    def events(self) -> list[str]:
        return [line["event"] for line in self.lines()]


async def _worker(starts: Launcher, log: str, **settings: str) -> Worker:
    port = free_port()
    await starts.start("worker", log=log, DYNAMO_WORKER_PORT=str(port), **settings)
    await until_ok(f"http://127.0.0.1:{port}/health/ready")
    return Worker(port=port, log=starts.folder / f"{log}.log")


@pytest.fixture
async def link(database_url: str) -> AsyncIterator[FaultProxy]:
    """What is between one of the workers and the database."""
    port = make_url(database_url).port
    assert port is not None
    async with FaultProxy([port], choose=random.Random(1), split=Unsplit) as proxy:
        yield proxy


@pytest.mark.parametrize("how", ["refused", "black hole"])
async def test_every_run_goes_on(
    starts: Launcher, link: FaultProxy, database_url: str, how: str
) -> None:
    through = make_url(database_url).set(port=link.port).render_as_string(hide_password=False)
    well = await _worker(starts, "worker-1")
    cut_off = await _worker(starts, "worker-2", DYNAMO_DATABASE_URL=through)
    api = await starts.api()
    ocpp = free_port()
    await starts.start("ocpp-server", log="ocpp", DYNAMO_OCPP_PORT=str(ocpp))
    await until_ok(f"{api.url}/health/system")
    await until_ok(f"http://127.0.0.1:{ocpp}/health/ready")
    async with Guide(api.url) as guide, asyncio.TaskGroup() as chargers:
        project = await guide.project(OWNER)
        serials = [f"CP-SN-{number:08}" for number in range(RUNS)]
        ids = [await guide.charge_point(project, serial) for serial in serials]
        plugged = [
            chargers.create_task(
                VirtualChargePoint(
                    ABB_TERRA_AC_W22,
                    f"ws://127.0.0.1:{ocpp}/{charge_point}",
                    serial=serial,
                    speed=20,
                ).run()
            )
            for charge_point, serial in zip(ids, serials, strict=True)
        ]
        link.darken() if how == "refused" else link.swallow()
        await asyncio.gather(*(guide.start(one, run_test_transaction=False) for one in ids))
        verdicts = [(await guide.verdict(one))["status"] for one in ids]
        assert verdicts == ["completed"] * RUNS

        async def says_so() -> None:
            status, parts = await cut_off.readiness()
            assert status == 503
            assert parts == {
                "database": "the database cannot be reached",
                "task_queue": "is not polled",
            }

        await eventually(says_so)
        assert (await well.readiness())[0] == 200
        link.relight()
        link.heal()

        async def polls_again() -> None:
            assert (await cut_off.readiness())[0] == 200

        await eventually(polls_again)
        assert cut_off.events().count("polling") == 2
        for task in plugged:
            task.cancel()
    _is_told_once(cut_off)


def _is_told_once(worker: Worker) -> None:
    """The reason with each change, not with each try; and every line is JSON."""
    lines = worker.lines()
    told = [line for line in lines if line["event"] == "database_away"]
    assert 1 <= len(told) <= 3  # refused, reset, timed out
    assert len([line for line in told if "exception" in line]) == 1
    assert worker.events().count("database_away_over") == 1
    # A trace with each try was 1.2 MB in a minute and a half.
    assert len(worker.log.read_bytes()) < 200_000


async def test_a_node_in_a_black_hole_loses_nothing(
    starts: Launcher, link: FaultProxy, database_url: str, database: Database
) -> None:
    """Longer than it takes to be taken for dead, in the midst of a test charge."""
    through = make_url(database_url).set(port=link.port).render_as_string(hide_password=False)
    await starts.start("worker", log="worker")
    api = await starts.api()
    ocpp = free_port()
    await starts.start(
        "ocpp-server", log="ocpp", DYNAMO_OCPP_PORT=str(ocpp), DYNAMO_DATABASE_URL=through
    )
    await until_ok(f"{api.url}/health/system")
    await until_ok(f"http://127.0.0.1:{ocpp}/health/ready")
    async with Guide(api.url) as guide:
        identity = await guide.charge_point(await guide.project(OWNER), "CP-SN-00000001")
        plugged = asyncio.create_task(
            VirtualChargePoint(
                ABB_TERRA_AC_W22,
                f"ws://127.0.0.1:{ocpp}/{identity}",
                serial="CP-SN-00000001",
                speed=20,
            ).run()
        )

        async def is_connected(*, so: bool) -> None:
            assert (await guide.test_connection(identity))["connected"] is so

        async def charges() -> None:
            checks = (await guide.status(identity))["checks"]
            assert checks[-1]["result"] == "running", checks

        await guide.start(identity)
        await eventually(charges)
        link.swallow()
        await eventually(lambda: _is_ready(ocpp, 503, "the database cannot be reached"))
        await eventually(lambda: is_connected(so=False))
        link.heal()
        await eventually(lambda: _is_ready(ocpp, 200, "ok"))
        await eventually(lambda: is_connected(so=True))
        assert (await guide.verdict(identity))["status"] == "completed"
        plugged.cancel()
    async with database.read() as connection:
        (charge,) = (
            await connection.execute(
                select(Transaction.__table__).where(col(Transaction.charge_point_id) == identity)
            )
        ).all()
    assert charge.stopped_at is not None
    assert charge.meter_stop > charge.meter_start
    log = starts.folder / "ocpp.log"
    told = Counter(line["event"] for line in log_lines(log))
    assert told["database_away_over"] >= 1
    for event in ("database_away", "facts_wait_for_database", "beat_failed"):
        assert told[event] <= 3, told  # refused, reset, timed out
    assert log.stat().st_size < 200_000


async def _is_ready(port: int, status: int, words: str) -> None:
    async with httpx.AsyncClient(
        verify=PLAIN, base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30
    ) as client:
        assert (await client.get("/health/live")).status_code == 200  # in any case
        ready = await client.get("/health/ready")
    assert ready.status_code == status
    assert words in ready.text
