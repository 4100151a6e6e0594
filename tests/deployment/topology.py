"""The topology of docker-compose.yml as plain processes: API, worker, two OCPP servers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from temporalio.client import Client

from embedded.ports import free_port
from temporal_client import DATA_CONVERTER
from tests.support.eventually import eventually
from tests.support.mail import MailServer, mail_server
from tests.support.processes import dynamo, until_ok

NODES = 2


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


@asynccontextmanager
async def topology(
    *, temporal_address: str, namespace: str, database_url: str, folder: Path
) -> AsyncIterator[Topology]:
    """Run it until the end of the block; logs are in ``folder``."""
    async with AsyncExitStack() as stack:
        mail = stack.enter_context(mail_server())
        api_port, *ocpp_ports = (free_port() for _ in range(1 + NODES))
        api_url = f"http://127.0.0.1:{api_port}"
        settings = {
            "DYNAMO_DATABASE_URL": database_url,
            "DYNAMO_SECRET_KEY": "s" * 43,
            "DYNAMO_API_PORT": str(api_port),
            "DYNAMO_PUBLIC_API_URL": api_url,
            "DYNAMO_SMTP_URL": mail.url,
            "DYNAMO_DATA_DIR": str(folder),
            "DYNAMO_BOOT_RETRY_INTERVAL": "1",
            "TEMPORAL_ADDRESS": temporal_address,
            "TEMPORAL_NAMESPACE": namespace,
        }

        async def start(*command: str, log: str, **more: str) -> asyncio.subprocess.Process:
            return await stack.enter_async_context(
                dynamo(*command, settings=settings | more, log=folder / f"{log}.log")
            )

        async def migrated() -> None:
            # A namespace is known to all parts of Temporal a moment after its registration.
            migrate = await start("migrate", "--temporal", log="migrate")
            assert await migrate.wait() == 0, (folder / "migrate.log").read_text()

        await eventually(migrated, within=60)
        await start("worker", log="worker")
        await start("api", log="api")
        nodes = tuple(
            [
                OcppServer(
                    process=await start(
                        "ocpp-server", log=f"ocpp-{number}", DYNAMO_OCPP_PORT=str(port)
                    ),
                    port=port,
                    log=folder / f"ocpp-{number}.log",
                )
                for number, port in enumerate(ocpp_ports, start=1)
            ]
        )
        await until_ok(f"{api_url}/health/ready")
        for node in nodes:
            await until_ok(f"{node.http_url}/health/ready")
        yield Topology(
            api_url=api_url,
            nodes=nodes,
            mail=mail,
            temporal=await Client.connect(
                temporal_address, namespace=namespace, data_converter=DATA_CONVERTER
            ),
        )
