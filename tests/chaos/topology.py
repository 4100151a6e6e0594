"""The whole engine as processes that may be killed: PostgreSQL, Temporal on a file, and ours."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlmodel import col
from temporalio.client import Client

from domain.states import RunStatus
from embedded.layout import Layout
from embedded.ports import free_port
from storage.engine import Database
from storage.migrate import upgrade
from storage.models.runs import CommissioningRun
from temporal.client import DATA_CONVERTER
from temporal.search_attributes import register_search_attributes
from tests.chaos.parts import Killable, Program, Supervisor, dynamo
from tests.chaos.schedule import Part
from tests.support.eventually import eventually
from tests.support.postgres import PostgresServer
from tests.support.processes import until_ok

_READY_SECONDS = 90


@dataclass(frozen=True, kw_only=True)
class Topology:
    """Where everything is."""

    api_url: str
    node_ports: tuple[int, int]
    database: Database
    temporal: Client
    supervisor: Supervisor
    programs: Mapping[Part, Program]
    """Temporal and ours."""

    async def until_ready(self, within: float = _READY_SECONDS) -> None:
        """Wait until the API and both nodes answer."""
        await until_ok(f"{self.api_url}/health/system", within=within)
        for port in self.node_ports:
            await until_ok(f"http://127.0.0.1:{port}/health/live", within=within)

    async def has_ended(self, run: str) -> bool:
        """Whether that run has its verdict; False while nobody can tell."""
        with suppress(Exception):
            async with self.database.read() as connection:
                status = await connection.scalar(
                    select(col(CommissioningRun.status)).where(col(CommissioningRun.id) == run)
                )
            return status not in {RunStatus.STARTING, RunStatus.IN_PROGRESS}
        return False


@asynccontextmanager
async def topology(
    folder: Path, *, on_sqlite: bool = False, **more: str
) -> AsyncIterator[Topology]:
    """Run it until the end of the block; logs and Temporal's file are in ``folder``.

    ``on_sqlite``: on a file there in place of PostgreSQL, as on one machine. ``more`` are settings
    of all processes.
    """
    api_port, node_1, node_2, temporal_port, ui_port = (free_port() for _ in range(5))
    layout = Layout(
        host="127.0.0.1",
        api_port=api_port,
        ocpp_port=node_1,
        temporal_port=temporal_port,
        temporal_ui_port=ui_port,
    )
    parts: dict[Part, Killable] = {}
    if on_sqlite:
        database_url = f"sqlite+aiosqlite:///{folder}/engine.sqlite3"
    else:
        postgres = PostgresServer(survives=True)
        parts[Part.POSTGRESQL] = postgres
        database_url = postgres.url()
    programs: dict[Part, Program] = {}
    database = Database(database_url)
    try:
        await upgrade(database_url)
        settings = {
            "DYNAMO_DATABASE_URL": database_url,
            "DYNAMO_SECRET_KEY": "s" * 43,
            "DYNAMO_API_PORT": str(api_port),
            "DYNAMO_DATA_DIR": str(folder),
            "DYNAMO_BOOT_RETRY_INTERVAL": "1",
            "DYNAMO_CALL_TIMEOUT": "PT5S",
            "DYNAMO_REBOOT_STAGGER": "0.5",
            "TEMPORAL_ADDRESS": layout.temporal_address,
            "TEMPORAL_NAMESPACE": "default",
        } | more

        def program(name: Part, command: list[str], **own: str) -> None:
            made = Program(command, settings=settings | own, log=folder / f"{name}.log")
            parts[name] = programs[name] = made
            made.start()

        program(Part.TEMPORAL, layout.temporal_command(folder / "temporal.sqlite3"))
        client = await _connected(layout.temporal_address)
        program(Part.WORKER, dynamo("worker"))
        program(Part.API, dynamo("api"))
        program(Part.NODE_1, dynamo("ocpp-server"), DYNAMO_OCPP_PORT=str(node_1))
        program(Part.NODE_2, dynamo("ocpp-server"), DYNAMO_OCPP_PORT=str(node_2))
        supervisor = Supervisor(parts)
        keeping = asyncio.create_task(supervisor.keep())
        try:
            yield Topology(
                api_url=layout.api_url,
                node_ports=(node_1, node_2),
                database=database,
                temporal=client,
                supervisor=supervisor,
                programs=programs,
            )
        finally:
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping
    finally:
        await database.close()
        for part in reversed(parts.values()):
            part.stop()


async def _connected(address: str) -> Client:
    async def connected() -> Client:
        try:
            client = await Client.connect(address, data_converter=DATA_CONVERTER)
            await register_search_attributes(client)
        except Exception as error:
            raise AssertionError(f"Temporal does not answer yet: {error}") from error
        return client

    return await eventually(connected, within=_READY_SECONDS)
