"""`dynamo up` on real parts, as processes."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psutil
import pytest
from temporalio.api.operatorservice.v1 import RemoveSearchAttributesRequest
from temporalio.client import Client

from domain.names import SearchAttribute
from embedded.data_directory import DataDirectory
from embedded.ports import free_port
from simulator.charge_point import VirtualChargePoint
from simulator.profile import ABB_TERRA_AC_W22
from tests.support.dynamo import Up
from tests.support.eventually import eventually
from tests.support.guide import Guide
from tests.support.plain import PLAIN

Launcher = Callable[..., Awaitable[Up]]
SERIAL = "CP-SN-00483921"
EVERYBODY = {"start-dev", "api", "worker", "ocpp-server"}


@pytest.fixture
async def launch(tmp_path: Path) -> AsyncIterator[Launcher]:
    running: list[Up] = []

    async def launcher(folder: str = "data", **options: str) -> Up:
        running.append(await Up.launch(tmp_path / folder, **options))
        return running[-1]

    yield launcher
    for up in running:
        if up.process.returncode is None:
            await up.stop()


def gone(processes: dict[str, psutil.Process]) -> Callable[[], None]:
    def check() -> None:
        for name, process in processes.items():
            assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE, name

    return check


async def get(url: str) -> int:
    async with httpx.AsyncClient(verify=PLAIN, trust_env=False, timeout=30) as client:
        return (await client.get(url)).status_code


async def test_it_starts_refuses_a_second_one_stops_and_goes_on(
    launch: Launcher, tmp_path: Path
) -> None:
    first = await launch()
    addresses = await first.until_ready()
    assert list(addresses) == ["API", "API docs", "OCPP", "Temporal UI", "Data"]
    base = addresses["API"].removesuffix("/api/v1")
    assert await get(f"{base}/health/ready") == 200
    assert await get(f"{base}/health/live") == 200
    assert await get(addresses["API docs"]) == 200
    assert await get(addresses["Temporal UI"]) == 200
    children = first.children()
    assert set(children) == EVERYBODY

    second = await launch()
    assert (await second.complaint()).startswith(
        f"dynamo: {tmp_path / 'data'} is in use by another"
    )
    assert second.process.returncode == 1

    async with Guide(base) as guide:
        project = await guide.project("owner@example.com")
        charge_point = await guide.charge_point(project, SERIAL)
        run = await guide.start(charge_point, run_test_transaction=False)

        assert await first.stop(signal.SIGTERM) == 0
        gone(children)()

        third = await launch()
        again = await third.until_ready()
        assert again["Data"] == addresses["Data"]
        guide.move(again["API"].removesuffix("/api/v1"))
        waiting = await guide.status(charge_point)
        assert waiting["commissioning_id"] == run["commissioning_id"]
        assert waiting["status"] == "in_progress"

        endpoint = again["OCPP"].replace("<charge point id>", charge_point)
        virtual = VirtualChargePoint(ABB_TERRA_AC_W22, endpoint, serial=SERIAL, speed=20)
        plugged = asyncio.create_task(virtual.run())
        verdict = await guide.verdict(charge_point)
        assert verdict["commissioning_id"] == run["commissioning_id"]
        assert verdict["status"] == "completed", verdict
        plugged.cancel()
        await asyncio.gather(plugged, return_exceptions=True)
    assert await third.stop(signal.SIGINT) == 0


async def test_a_deadline_passes_while_everything_is_down(launch: Launcher) -> None:
    up = await launch()
    base = (await up.until_ready())["API"].removesuffix("/api/v1")
    async with Guide(base) as guide:
        project = await guide.project("owner@example.com")
        charge_point = await guide.charge_point(project, SERIAL)
        await guide.start(charge_point, wait_for_connection=5)
        until = await eventually(lambda: _deadline(guide, charge_point))
        await _forget_search_attribute(up, SearchAttribute.FAILED_CHECKS)
        assert await up.stop() == 0
        await eventually(lambda: _has_passed(until))

        # The directory is like one of a release that had not all of our search attributes.
        up = await launch()
        guide.move((await up.until_ready())["API"].removesuffix("/api/v1"))
        verdict = await guide.verdict(charge_point)
    assert verdict["failure"]["code"] == "never_connected"


async def _deadline(guide: Guide, charge_point: str) -> datetime:
    waiting = (await guide.status(charge_point))["waiting"]
    assert waiting is not None
    return datetime.fromisoformat(waiting["until"])


def _has_passed(moment: datetime) -> None:
    assert datetime.now(UTC) > moment


async def _forget_search_attribute(up: Up, name: SearchAttribute) -> None:
    words = up.children()["start-dev"].cmdline()
    client = await Client.connect(f"127.0.0.1:{words[words.index('--port') + 1]}")
    await client.operator_service.remove_search_attributes(
        RemoveSearchAttributesRequest(namespace=client.namespace, search_attributes=[name])
    )


async def test_a_child_that_dies_comes_back_and_none_outlives_a_killed_parent(
    launch: Launcher,
) -> None:
    up = await launch()
    await up.until_ready()
    before = up.children()
    before["worker"].kill()

    def is_back() -> None:
        now = up.children()
        assert set(now) == EVERYBODY
        assert now["worker"].pid != before["worker"].pid

    await eventually(is_back)
    children = up.children()
    up.process.kill()
    assert "worker stopped (SIGKILL); it starts again in 0.5 s." in await up.complaint()
    await eventually(gone(children))


async def test_a_signal_while_it_starts_leaves_nothing(launch: Launcher) -> None:
    up = await launch()

    def temporal_runs() -> None:
        assert "start-dev" in up.children()

    await eventually(temporal_runs)
    children = up.children()
    assert await up.stop(signal.SIGTERM) == 0
    gone(children)()


async def test_a_busy_port_is_one_line(launch: Launcher) -> None:
    with socket.create_server(("127.0.0.1", free_port())) as listening:
        port = str(listening.getsockname()[1])
        up = await launch(api_port=port)
        complaint = await up.complaint()
    assert complaint == (
        f"dynamo: Port {port} on 127.0.0.1 is busy. Stop what listens there, or choose another "
        "with --api-port (0: any free one).\n"
    )
    assert up.process.returncode == 1
    assert not up.addresses


async def test_an_unwritable_directory_is_one_line(launch: Launcher, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    up = await launch("file/data")
    complaint = await up.complaint()
    assert complaint.startswith(f"dynamo: {tmp_path}/file/data is not a directory.")
    assert complaint.count("\n") == 1
    assert up.process.returncode == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
async def test_a_read_only_directory_is_one_line(launch: Launcher, tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    up = await launch("closed/data")
    assert "cannot be written. Choose another --data-dir." in await up.complaint()
    assert up.process.returncode == 1


async def test_a_port_that_is_none_is_a_misuse(launch: Launcher) -> None:
    up = await launch(api_port="70000")
    assert "--api-port" in await up.complaint()
    assert up.process.returncode == 2


async def test_the_lock_is_of_the_process_and_not_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("4711\n")
    DataDirectory.open(tmp_path).close()
