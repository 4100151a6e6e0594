"""The whole engine as `dynamo up` runs it, the yardstick's worker, and charge points, for a bench.

Every part is a process of its own: Temporal, API, worker, OCPP server (all on SQLite), the worker
of :mod:`bench.bare`, and the charge points of :mod:`bench.stations`.
"""

import asyncio
import secrets
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
from sqlalchemy import select
from sqlmodel import col
from temporalio.client import Client, WorkflowHandle

from bench.bare import BareWorkflow
from bench.fleet import MODEL, VENDOR
from domain.checks import RunView
from domain.commissioning import Registered, RunOptions, RunPace, RunRequest, RunToStart
from domain.ids import Prefix, new_id
from domain.names import SHARED_TASK_QUEUE
from domain.states import ChargePointStatus
from embedded.layout import Options
from embedded.stack import Stack
from storage.charge_points import ChargePoint, ChargePoints, Location
from storage.engine import Database
from storage.models.accounts import Account
from storage.runs import Runs
from temporal import starts
from temporal.client import DATA_CONVERTER
from temporal.run_starter import run_of
from workflows.commissioning import CommissioningWorkflow

ROOT = Path(__file__).resolve().parents[1]
_BARE_QUEUE = "bench-bare"
_EMAIL = "bench@example.com"
_RPC = timedelta(seconds=60)
AT_ONCE = RunPace(charge_at_least=timedelta(0))
"""No deliberate charging time: how long a test charge lasts is a choice, and no cost."""


@dataclass(kw_only=True)
class Plant:
    """The running parts, and what a bench does with them."""

    stack: Stack
    client: Client
    database: Database
    api: httpx.AsyncClient
    """Speaks for the installer."""
    project_id: str
    installer_id: str
    stations: Process
    processes: dict[str, psutil.Process]
    arrivals: dict[str, asyncio.Future[float]] = field(default_factory=dict)
    """When a charge point was told that it may stay, by `time.time`."""

    async def register(self, count: int) -> list[Registered]:
        """Register that many new charge points."""
        new = [new_id(Prefix.CHARGE_POINT) for _ in range(count)]
        async with self.database.write() as connection:
            await ChargePoints(connection).register_all(
                [_charge_point(one, self.project_id) for one in new]
            )
        return [_registered(one, self.project_id) for one in new]

    def switch_on(self, registered: Registered) -> asyncio.Future[float]:
        """Have a charge point connect; the future is of when its boot was answered."""
        assert self.stations.stdin is not None
        arrival: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self.arrivals[registered.charge_point_id] = arrival
        line = f"{registered.charge_point_id} {registered.serial_number}\n"
        self.stations.stdin.write(line.encode())
        return arrival

    async def online(self, registered: Sequence[Registered]) -> None:
        """Switch on, and wait until all have booted."""
        await asyncio.gather(*(self.switch_on(one) for one in registered))

    async def start(
        self, registered: Registered, options: RunOptions | None = None
    ) -> WorkflowHandle[CommissioningWorkflow, RunView | None]:
        """Start a run as the API does: first the row, then the workflow."""
        request = RunRequest(
            commissioning_id=new_id(Prefix.COMMISSIONING),
            charge_point_id=registered.charge_point_id,
            project_id=self.project_id,
            installer_id=self.installer_id,
            started_by=_EMAIL,
            started_at=datetime.now(UTC),
            options=options or RunOptions(pace=AT_ONCE),
        )
        async with self.database.write() as connection:
            await Runs(connection).create_starting(request)
        run = RunToStart(request=request, registered=registered)
        assert await starts.run(run).begin(self.client, SHARED_TASK_QUEUE)
        return self.handle(registered)

    def handle(
        self, registered: Registered
    ) -> WorkflowHandle[CommissioningWorkflow, RunView | None]:
        """Give the workflow of the charge point's newest run."""
        return run_of(self.client, registered.charge_point_id)

    async def events(self, registered: Registered) -> int:
        """Count the history events of the charge point's newest run."""
        return (await self.handle(registered).describe()).history_length

    async def run(self, registered: Registered) -> float:
        """Take a run to its verdict, which is that all checks passed; return its seconds."""
        begun = time.perf_counter()
        await (await self.start(registered)).result()
        return time.perf_counter() - begun

    async def bare(self) -> float:
        """Take a bare workflow to its end; return its seconds."""
        begun = time.perf_counter()
        await self.client.execute_workflow(
            BareWorkflow.run, id=new_id(Prefix.EVENT), task_queue=_BARE_QUEUE
        )
        return time.perf_counter() - begun

    def memory_mib(self) -> dict[str, float]:
        """Memory that each process has for itself alone."""
        return {
            name: process.memory_full_info().uss / 1024**2
            for name, process in self.processes.items()
        }

    def cpu_seconds(self) -> dict[str, float]:
        """CPU time that each process has used so far."""
        used = {name: process.cpu_times() for name, process in self.processes.items()}
        return {name: times.user + times.system for name, times in used.items()}


@asynccontextmanager
async def plant(data_dir: Path) -> AsyncIterator[Plant]:
    """Start everything in an empty folder, and stop it at the end."""
    options = Options(
        data_dir=data_dir, api_port=0, ocpp_port=0, temporal_port=0, temporal_ui_port=0
    )
    async with Stack(options, tell=print) as stack:
        processes = _processes_of_the_stack()
        address = stack.layout.temporal_address
        client = await Client.connect(address, data_converter=DATA_CONVERTER)
        database = Database(f"sqlite+aiosqlite:///{stack.data.path}/engine.sqlite3")
        yardstick = await _child("bench.bare", address, _BARE_QUEUE)
        stations = await _child("bench.stations", str(stack.layout.ocpp_port))
        processes = {
            **processes,
            "bare worker": psutil.Process(yardstick.pid),
            "charge points": psutil.Process(stations.pid),
            "bench": psutil.Process(),
        }
        api = httpx.AsyncClient(
            base_url=f"{stack.layout.api_url}/api/v1/installer", trust_env=False, timeout=60
        )
        project_id = await _sign_up(api)
        async with database.read() as connection:
            (installer_id,) = await connection.scalars(select(col(Account.id)))
        it = Plant(
            stack=stack,
            client=client,
            database=database,
            api=api,
            project_id=project_id,
            installer_id=installer_id,
            stations=stations,
            processes=processes,
        )
        reading = asyncio.create_task(_read_arrivals(stations, it.arrivals))
        try:
            yield it
        finally:
            for child in (stations, yardstick):
                assert child.stdin is not None
                child.stdin.close()
                await child.wait()
            await reading
            await api.aclose()
            await database.close()


async def _child(module: str, *arguments: str) -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments), cwd=ROOT, stdin=PIPE, stdout=PIPE
    )


async def _read_arrivals(stations: Process, arrivals: dict[str, asyncio.Future[float]]) -> None:
    assert stations.stdout is not None
    while line := await stations.stdout.readline():
        identity, at = line.decode().split()
        if not arrivals[identity].done():  # it boots again when it is asked to
            arrivals[identity].set_result(float(at))


def _processes_of_the_stack() -> dict[str, psutil.Process]:
    """Find them among our children by the last word of their command."""
    found = {}
    for child in psutil.Process().children():
        words = child.cmdline()
        name = "temporal" if "start-dev" in words else words[-1]
        found[name] = child
    return found


async def _sign_up(api: httpx.AsyncClient) -> str:
    """Make an installer with a project; return the project's id. The client has their token."""
    account = {"email": _EMAIL, "password": secrets.token_urlsafe()}
    await _post(api, "/signup", {"name": "Bench", "company": "Bench", **account})
    login = await _post(api, "/login", account)
    api.headers["Authorization"] = f"Bearer {login['token']}"
    owner = "owner@example.com"
    body = {"name": "Bench", "address": "1 Main St", "site_owner_email": owner}
    return str((await _post(api, "/projects", body))["id"])


async def _post(api: httpx.AsyncClient, path: str, body: dict[str, str]) -> dict[str, Any]:
    answer = await api.post(path, json=body)
    answer.raise_for_status()
    document: dict[str, Any] = answer.json()
    return document


def _charge_point(identity: str, project_id: str) -> ChargePoint:
    return ChargePoint(
        id=identity,
        project_id=project_id,
        serial_number=_serial(identity),
        model=MODEL,
        vendor=VENDOR,
        ocpp_version="1.6",
        location=Location(),
        status=ChargePointStatus.REGISTERED,
        created_at=datetime.now(UTC),
    )


def _registered(identity: str, project_id: str) -> Registered:
    return Registered(
        charge_point_id=identity,
        project_id=project_id,
        vendor=VENDOR,
        model=MODEL,
        serial_number=_serial(identity),
        ocpp_version="1.6",
    )


def _serial(identity: str) -> str:
    return identity[-20:]
