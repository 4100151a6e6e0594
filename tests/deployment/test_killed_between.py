"""Killed between a row and its workflow, in both directions: the run gets its verdict, once."""

import asyncio
import signal
import sys
import time
from functools import partial
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from sqlmodel import col
from temporalio.client import Client, WorkflowExecutionStatus

from domain.names import commissioning_workflow_id
from domain.states import RunStatus
from storage.engine import Database
from storage.models.charge_points import ChargePoint
from storage.models.facts import LogEntry
from storage.models.runs import CommissioningRun
from tests.deployment.topology import Launcher
from tests.support.eventually import eventually
from tests.support.figures import Figure
from tests.support.guide import Guide
from tests.support.processes import until_ok

_DOOMED = (sys.executable, "-P", "-m", "tests.deployment.doomed")
_HEALED_WITHIN = 120.0  # a minute, on a machine that has other things to do
_ENDED_WITHIN = 60.0


async def _until_killed(process: asyncio.subprocess.Process) -> None:
    assert await asyncio.wait_for(process.wait(), _ENDED_WITHIN) == -signal.SIGKILL


async def _start_at(starts: Launcher, moment: str, serial: str) -> str:
    """Start a run at an API that dies of it; returns the charge point."""
    api = await starts.api("api", moment, log=moment, program=_DOOMED)
    await until_ok(f"{api.url}/health/live")
    async with Guide(api.url, email=f"{moment}@acme.example") as guide:
        charge_point = await guide.charge_point(await guide.project("o@site.example"), serial)
        with pytest.raises(httpx.TransportError):
            await guide.start(charge_point, wait_for_connection="PT1S")
    await _until_killed(api.process)
    return charge_point


async def _run(database: Database, charge_point: str) -> Any:
    """The one run of the charge point."""
    async with database.read() as connection:
        return (
            await connection.execute(
                select(col(CommissioningRun.id), col(CommissioningRun.status)).where(
                    col(CommissioningRun.charge_point_id) == charge_point
                )
            )
        ).one()


async def _executions(temporal: Client, charge_point: str) -> list[WorkflowExecutionStatus | None]:
    workflow_id = commissioning_workflow_id(charge_point)
    found = temporal.list_workflows(f"WorkflowId = '{workflow_id}'")
    return [one.status async for one in found]


async def _is_healed(temporal: Client, database: Database, charge_point: str) -> None:
    """One verdict by one workflow, which has closed, and the charge point is free."""
    run = await _run(database, charge_point)
    assert run.status == RunStatus.FAILED  # it never connected
    assert await _executions(temporal, charge_point) == [WorkflowExecutionStatus.FAILED]
    async with database.read() as connection:
        verdicts = await connection.scalar(
            select(func.count())
            .select_from(LogEntry)
            .where(col(LogEntry.commissioning_id) == run.id)
            .where(col(LogEntry.text).startswith("The run is "))
        )
        owner = await connection.scalar(
            select(col(ChargePoint.watched_by)).where(col(ChargePoint.id) == charge_point)
        )
    assert (verdicts, owner) == (1, None)


async def test_a_kill_between_the_row_and_the_workflow_heals(
    starts: Launcher, temporal: Client, database: Database, figure: Figure
) -> None:
    dying = await starts.start("worker", "before_record", log="before_record", program=_DOOMED)
    never_started, not_answered = await asyncio.gather(
        _start_at(starts, "before_start", "SN-1"), _start_at(starts, "after_start", "SN-2")
    )
    await _until_killed(dying)  # at the verdict of the run that has its workflow
    assert (await _run(database, never_started)).status == RunStatus.STARTING
    assert await _executions(temporal, never_started) == []
    assert (await _run(database, not_answered)).status == RunStatus.IN_PROGRESS
    assert await _executions(temporal, not_answered) == [WorkflowExecutionStatus.RUNNING]
    began = time.monotonic()
    await starts.start("worker", log="worker")
    for charge_point in (never_started, not_answered):
        healed = partial(_is_healed, temporal, database, charge_point)
        await eventually(healed, within=_HEALED_WITHIN)
    figure(f"healed {time.monotonic() - began:.1f} s after the start of a worker")
