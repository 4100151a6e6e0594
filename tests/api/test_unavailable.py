"""Temporal or the database away: a 503 with Retry-After and a sentence, nothing half done."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select
from sqlmodel import col
from temporalio.client import Client

from api.temporal import TemporalGateway
from embedded.ports import free_port
from storage.engine import Database
from storage.models.projects import Project
from storage.models.runs import CommissioningRun
from temporal.client import DATA_CONVERTER
from tests.api.callers import Caller, problem
from tests.api.node import hold

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def unavailable(answer: httpx.Response, code: str) -> None:
    problem(answer, 503, code)
    assert int(answer.headers["retry-after"]) > 0


async def count(database: Database, table: Any) -> int:
    async with database.read() as connection:
        return int(await connection.scalar(select(func.count()).select_from(table)) or 0)


@pytest.fixture
def cut(app: FastAPI) -> Callable[[], None]:
    """Take Temporal away from the API."""

    def take_away() -> None:
        port = free_port()

        async def connect() -> Client:
            return await Client.connect(f"127.0.0.1:{port}", data_converter=DATA_CONVERTER)

        app.state.parts = replace(app.state.parts, temporal=TemporalGateway(connect))

    return take_away


async def test_without_temporal(
    installer: Caller, database: Database, cut: Callable[[], None]
) -> None:
    project = await installer.project()
    identity = await installer.charge_point(project)
    cut()
    body = {"name": "x", "address": "x", "site_owner_email": "a@acme.com"}
    for path, json in (
        ("/projects", body),
        (f"/commissioning/{identity}/start", {}),
        (f"/charge-points/{identity}/test-connection", None),
        (f"/projects/{project}/invite-site-owner", {"email": "a@acme.com"}),
        (f"/projects/{project}/complete-handover", {"installer_signature": "x"}),
    ):
        unavailable(await installer.post(path, json), "temporal_unavailable")
    assert await count(database, Project) == 1
    assert await count(database, CommissioningRun) == 0
    # What needs no workflow goes on.
    assert (await installer.get("/projects")).status_code == 200
    await installer.charge_point(project, serial_number="ANOTHER")
    answer = await installer.post(
        f"/charge-points/{identity}/config/customize",
        {"parameters": [{"key": "HeartbeatInterval", "value": 30}]},
    )
    assert answer.json()["queued"] == ["HeartbeatInterval"]


async def test_when_it_goes_between_the_row_and_the_start(
    app: FastAPI,
    installer: Caller,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    cut: Callable[[], None],
) -> None:
    identity = await installer.charge_point()
    cut()

    async def believed() -> None:
        """The cached answer of a moment ago."""

    monkeypatch.setattr(app.state.parts.temporal, "check", believed)
    answer = await installer.post(f"/commissioning/{identity}/start", {})
    unavailable(answer, "temporal_unavailable")
    async with database.read() as connection:
        rows = (await connection.execute(select(col(CommissioningRun.status)))).all()
    assert [row.status for row in rows] == ["abandoned"]
    problem(await installer.get(f"/commissioning/{identity}/status"), 404, "no_run")


async def test_status_of_an_open_run_without_temporal(
    installer: Caller, cut: Callable[[], None]
) -> None:
    identity = await installer.charge_point()
    await installer.post(f"/commissioning/{identity}/start", {})
    cut()
    answer = await installer.get(f"/commissioning/{identity}/status")
    unavailable(answer, "temporal_unavailable")
    unavailable(await installer.post(f"/commissioning/{identity}/cancel"), "temporal_unavailable")


async def test_it_comes_back(
    app: FastAPI, installer: Caller, cut: Callable[[], None], gateway: TemporalGateway
) -> None:
    cut()
    body = {"name": "x", "address": "x", "site_owner_email": "a@acme.com"}
    unavailable(await installer.post("/projects", body), "temporal_unavailable")
    app.state.parts = replace(app.state.parts, temporal=gateway)
    assert (await installer.post("/projects", body)).status_code == 201


@pytest.mark.usefixtures("impatient")
async def test_without_a_worker(installer: Caller) -> None:
    """Temporal keeps the question; nobody answers it."""
    project = await installer.project()
    identity = await installer.charge_point(project)
    await installer.post(f"/commissioning/{identity}/start", {})
    owner = {"email": "owner@acme.com"}
    for path, json in (
        (f"/commissioning/{identity}/cancel", None),
        (f"/commissioning/{identity}/answer", {"answer": "done"}),
        (f"/projects/{project}/invite-site-owner", owner),
        (f"/projects/{project}/collaborators", owner | {"role": "lead"}),
        (f"/projects/{project}/complete-handover", {"installer_signature": "x"}),
        (f"/charge-points/{identity}/test-connection", None),
    ):
        unavailable(await installer.post(path, json), "no_answer")
    assert (await installer.get("/projects")).status_code == 200


@pytest.mark.usefixtures("impatient")
async def test_without_a_worker_chosen_values_are_kept(
    installer: Caller, database: Database
) -> None:
    identity = await installer.charge_point()
    await hold(database, identity, "node_1")
    answer = await installer.post(
        f"/charge-points/{identity}/config/customize",
        {"parameters": [{"key": "HeartbeatInterval", "value": 30}]},
    )
    assert answer.json()["queued"] == ["HeartbeatInterval"]
