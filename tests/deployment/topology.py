"""The topology of docker-compose.yml as plain processes: API, worker, two OCPP servers."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from google.protobuf.duration_pb2 import Duration
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client

from embedded.ports import free_port
from temporal.client import DATA_CONVERTER
from tests.support.eventually import eventually
from tests.support.mail import MailServer, mail_server
from tests.support.processes import CHECKOUT, dynamo, until_ok

NODES = 2
TEMPORAL_UI = "http://temporal-ui.example"


@dataclass(frozen=True, kw_only=True)
class Api:
    """One of the APIs."""

    process: asyncio.subprocess.Process
    url: str


@dataclass(frozen=True, kw_only=True)
class OcppServer:
    """One of the OCPP servers."""

    process: asyncio.subprocess.Process
    port: int
    log: Path

    @property
    def ws_url(self) -> str:
        """What a charge point's path is appended to."""
        return f"ws://127.0.0.1:{self.port}"

    @property
    def http_url(self) -> str:
        """Where its health is."""
        return f"http://127.0.0.1:{self.port}"


@dataclass(frozen=True, kw_only=True)
class Topology:
    """Where everything is."""

    api_url: str
    nodes: tuple[OcppServer, ...]
    mail: MailServer
    temporal: Client


@dataclass(frozen=True, kw_only=True)
class Launcher:
    """Starts processes on one database and one namespace; logs are in ``folder``."""

    settings: dict[str, str]
    folder: Path
    stack: AsyncExitStack
    program: Sequence[str] = CHECKOUT

    async def start(
        self, *command: str, log: str, program: Sequence[str] | None = None, **more: str
    ) -> asyncio.subprocess.Process:
        """Start one that runs until the end of the launcher's block."""
        process = dynamo(
            *command,
            settings=self.settings | more,
            log=self.folder / f"{log}.log",
            program=program or self.program,
        )
        return await self.stack.enter_async_context(process)

    async def api(
        self, *command: str, log: str = "api", program: Sequence[str] | None = None
    ) -> Api:
        """Start an API."""
        port = free_port()
        process = await self.start(
            *command or ("api",), log=log, program=program, DYNAMO_API_PORT=str(port)
        )
        return Api(process=process, url=f"http://127.0.0.1:{port}")


async def register_namespace(temporal_address: str) -> str:
    """Make an empty one, and return its name."""
    name = f"topology-{uuid4().hex}"
    client = await Client.connect(temporal_address)
    await client.workflow_service.register_namespace(
        RegisterNamespaceRequest(
            namespace=name,
            workflow_execution_retention_period=Duration(
                seconds=int(timedelta(days=1).total_seconds())
            ),
        )
    )
    return name


@asynccontextmanager
async def launcher(
    *,
    temporal_address: str,
    namespace: str,
    database_url: str,
    folder: Path,
    program: Sequence[str] = CHECKOUT,
    **more: str,
) -> AsyncIterator[Launcher]:
    """Migrate both, and stop at the end of the block what was started."""
    async with AsyncExitStack() as stack:
        settings = {
            "DYNAMO_DATABASE_URL": database_url,
            "DYNAMO_SECRET_KEY": "s" * 43,
            "DYNAMO_DATA_DIR": str(folder),
            "DYNAMO_BOOT_RETRY_INTERVAL": "1",
            "TEMPORAL_ADDRESS": temporal_address,
            "TEMPORAL_NAMESPACE": namespace,
        }
        starts = Launcher(settings=settings | more, folder=folder, stack=stack, program=program)

        async def migrated() -> None:
            # A namespace is known to all parts of Temporal a moment after its registration.
            migrate = await starts.start("migrate", "--temporal", log="migrate")
            assert await migrate.wait() == 0, (folder / "migrate.log").read_text()

        await eventually(migrated)
        yield starts


@asynccontextmanager
async def topology(
    *,
    temporal_address: str,
    namespace: str,
    database_url: str,
    folder: Path,
    program: Sequence[str] = CHECKOUT,
) -> AsyncIterator[Topology]:
    """Run it until the end of the block; logs are in ``folder``."""
    with mail_server() as mail:
        async with launcher(
            temporal_address=temporal_address,
            namespace=namespace,
            database_url=database_url,
            folder=folder,
            program=program,
            DYNAMO_SMTP_URL=mail.url,
            DYNAMO_TEMPORAL_UI_URL=TEMPORAL_UI,
            # No link of a test is so slow that its charge point is given up: what is held is held.
            DYNAMO_CALL_TIMEOUT="120",
        ) as starts:
            await starts.start("worker", log="worker")
            api = await starts.api()
            nodes = [await _node(starts, number) for number in range(1, 1 + NODES)]
            await until_ok(f"{api.url}/health/system")
            for node in nodes:
                await until_ok(f"{node.http_url}/health/ready")
            yield Topology(
                api_url=api.url,
                nodes=tuple(nodes),
                mail=mail,
                temporal=await Client.connect(
                    temporal_address, namespace=namespace, data_converter=DATA_CONVERTER
                ),
            )


async def _node(starts: Launcher, number: int) -> OcppServer:
    port, log = free_port(), f"ocpp-{number}"
    return OcppServer(
        process=await starts.start("ocpp-server", log=log, DYNAMO_OCPP_PORT=str(port)),
        port=port,
        log=starts.folder / f"{log}.log",
    )
