"""Processes whose clock is wrong do their part, and their logs and probes tell of it."""

import asyncio
import sys

import httpx
import pytest

from embedded.ports import free_port
from simulator.charge_point import VirtualChargePoint
from simulator.profile import ABB_TERRA_AC_W22
from tests.deployment.topology import Launcher
from tests.support.eventually import eventually
from tests.support.guide import Guide
from tests.support.plain import PLAIN
from tests.support.processes import log_lines, until_ok

_SHIFTED = (sys.executable, "-P", "-m", "tests.deployment.shifted")


@pytest.mark.parametrize(("shift", "way"), [("-40", "behind"), ("40", "ahead of")])
async def test_a_node_and_a_worker_with_a_wrong_clock(
    starts: Launcher, shift: str, way: str
) -> None:
    port, probe = free_port(), free_port()
    await starts.start(
        "worker",
        log="worker",
        program=_SHIFTED,
        SHIFTED_BY=shift,
        DYNAMO_WORKER_PORT=str(probe),
    )
    await starts.start(
        "ocpp-server",
        log="ocpp",
        program=_SHIFTED,
        SHIFTED_BY=shift,
        DYNAMO_OCPP_PORT=str(port),
    )
    api = await starts.api()
    await until_ok(f"{api.url}/health/system")  # it finds an OCPP server that lives
    async with Guide(api.url) as guide, asyncio.TaskGroup() as chargers:
        project = await guide.project("facilities@riverside.example")
        charge_point = await guide.charge_point(project, "CP-SN-00000001")
        virtual = VirtualChargePoint(
            ABB_TERRA_AC_W22,
            f"ws://127.0.0.1:{port}/{charge_point}",
            serial="CP-SN-00000001",
            speed=20,
        )
        plugged = chargers.create_task(virtual.run())

        async def connected() -> None:
            answer = await guide.test_connection(charge_point)
            assert answer["connected"], answer

        await eventually(connected)
        await guide.start(charge_point, run_test_transaction=False)
        verdict = await guide.verdict(charge_point)
        assert verdict["status"] == "completed", verdict
        plugged.cancel()
    for log, asked in (("ocpp", port), ("worker", probe)):
        async with httpx.AsyncClient(verify=PLAIN, trust_env=False, timeout=30) as client:
            ready = await client.get(f"http://127.0.0.1:{asked}/health/ready")
            live = await client.get(f"http://127.0.0.1:{asked}/health/live")
        assert (ready.status_code, live.status_code) == (503, 200)
        assert f"s {way} the database's" in ready.text
        lines = log_lines(starts.folder / f"{log}.log")
        (told,) = [line for line in lines if line["event"] == "clock_differs"]
        assert abs(told["seconds_ahead"] - float(shift)) < 1
