"""A hundred starts of one charge point at once, on two API processes: one run."""

import asyncio
from contextlib import AsyncExitStack

import httpx
from sqlalchemy import select
from sqlmodel import col
from temporalio.client import Client

from domain.names import commissioning_workflow_id
from storage.engine import Database
from storage.models.runs import CommissioningRun
from tests.deployment.topology import Launcher
from tests.support.eventually import eventually
from tests.support.guide import Guide
from tests.support.plain import PLAIN
from tests.support.processes import until_ok

_STARTS = 100
_APIS = 2


async def test_a_hundred_starts_at_once_on_two_apis_are_one_run(
    starts: Launcher, temporal: Client, database: Database
) -> None:
    apis = [await starts.api(log=f"api-{number}") for number in range(_APIS)]
    for api in apis:
        await until_ok(f"{api.url}/health/live")
    async with Guide(apis[0].url) as guide, AsyncExitStack() as stack:
        charge_point = await guide.charge_point(await guide.project("o@site.example"), "SN-1")
        callers = [
            await stack.enter_async_context(
                httpx.AsyncClient(
                    verify=PLAIN, base_url=api.url, headers=guide.token, trust_env=False, timeout=60
                )
            )
            for api in apis
        ]
        path = f"/api/v1/installer/commissioning/{charge_point}/start"
        answers = await asyncio.gather(*(callers[n % _APIS].post(path) for n in range(_STARTS)))
    started = [answer for answer in answers if answer.status_code == httpx.codes.ACCEPTED]
    refused = [answer for answer in answers if answer.status_code == httpx.codes.CONFLICT]
    assert (len(started), len(refused)) == (1, _STARTS - 1), {a.status_code for a in answers}
    run = started[0].json()["commissioning_id"]
    assert {answer.json()["commissioning_id"] for answer in refused} == {run}
    async with database.read() as connection:
        assert list(await connection.scalars(select(col(CommissioningRun.id)))) == [run]

    async def one_workflow() -> None:
        workflow_id = commissioning_workflow_id(charge_point)
        found = [one async for one in temporal.list_workflows(f"WorkflowId = '{workflow_id}'")]
        assert len(found) == 1

    await eventually(one_workflow)
