"""A hundred starts of one charge point at once, on two APIs: one run."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select

from api.app import create_app
from api.temporal import TemporalGateway
from settings import Settings
from storage.engine import Database
from storage.tables import commissioning_runs
from tests.api.callers import Caller

_STARTS = 100


@pytest.fixture
async def second_api(
    settings: Settings, database_url: str, gateway: TemporalGateway, app: FastAPI
) -> AsyncIterator[httpx.AsyncClient]:
    """Another API, with connections of its own to the same database."""
    database = Database(database_url)
    second = create_app(settings=settings, database=database, temporal=gateway)
    second.state.parts.passwords.close()
    second.state.parts = replace(second.state.parts, passwords=app.state.parts.passwords)
    transport = httpx.ASGITransport(app=second, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://api-2.test") as http:
        yield http
    await database.close()


async def test_a_hundred_starts_at_once_on_two_apis_are_one_run(
    installer: Caller, second_api: httpx.AsyncClient, database: Database
) -> None:
    charge_point = await installer.charge_point()
    path = f"/commissioning/{charge_point}/start"
    callers = (installer, replace(installer, http=second_api))
    answers = await asyncio.gather(*(callers[n % 2].post(path) for n in range(_STARTS)))
    started = [answer for answer in answers if answer.status_code == 202]
    refused = [answer for answer in answers if answer.status_code == 409]
    assert (len(started), len(refused)) == (1, _STARTS - 1), {a.status_code for a in answers}
    run = started[0].json()["commissioning_id"]
    assert {answer.json()["commissioning_id"] for answer in refused} == {run}
    async with database.read() as connection:
        rows = await connection.scalar(select(func.count()).select_from(commissioning_runs))
    assert rows == 1
