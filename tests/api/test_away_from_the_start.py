"""An API that never reached its Temporal or its database."""

import asyncio
from pathlib import Path

import httpx
from temporalio.client import Client

from api.app import create_app
from api.temporal import TemporalGateway
from embedded.ports import free_port
from runtime.settings import Settings
from storage.engine import Database
from tests.api.callers import Caller, problem


async def test_one_probe_serves_those_who_ask_at_once() -> None:
    attempts = 0

    async def connect() -> Client:
        nonlocal attempts
        attempts += 1
        raise RuntimeError("Failed client connect")

    gateway = TemporalGateway(connect)
    results = await asyncio.gather(*(gateway.check() for _ in range(20)), return_exceptions=True)
    assert attempts == 1
    assert len(results) == 20
    assert all(isinstance(result, Exception) for result in results)


async def test_without_the_database(settings: Settings, tmp_path: Path) -> None:
    async def connect() -> Client:
        raise RuntimeError("Failed client connect")

    for url in (
        f"postgresql+asyncpg://nobody@127.0.0.1:{free_port()}/none",
        f"sqlite+aiosqlite:///{tmp_path}/no/such/folder.sqlite3",
    ):
        away = Database(url)
        app = create_app(settings=settings, database=away, temporal=TemporalGateway(connect))
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as http:
            caller = Caller(http=http)
            answer = await caller.post("/login", {"email": "a@acme.com", "password": "x"})
            problem(answer, 503, "database_unavailable")
            assert answer.headers["retry-after"]
            ready = await caller.call("GET", "/health/ready")
            assert ready.status_code == 503
            assert ready.json()["parts"]["database"] == "cannot be reached"
            live = await caller.call("GET", "/health/live")
            assert live.status_code == 200, live.text  # to start it again mends nothing
        await away.close()
