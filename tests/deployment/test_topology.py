"""The topology of docker-compose.yml as plain processes, on real parts: the whole guide."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from google.protobuf.duration_pb2 import Duration
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from domain.names import SearchAttribute
from embedded.ports import free_port
from simulator.charge_point import VirtualChargePoint
from simulator.profile import ABB_TERRA_AC_W22
from tests.support.databases import empty_postgresql
from tests.support.eventually import eventually
from tests.support.guide import Guide
from tests.support.mail import MailServer, mail_server
from tests.support.processes import dynamo, until_ok

OWNER = "facilities@riverside.example"
CHECKS = ["ocpp_handshake", "firmware_version", "connector_available", "test_transaction"]


@dataclass
class Topology:
    api_url: str
    ocpp_urls: tuple[str, str]
    mail: MailServer
    temporal: Client


@pytest.fixture
async def namespace(temporal_address: str) -> str:
    """A namespace of its own: here the shared task queue has its real name."""
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


@pytest.fixture
def database_url(postgresql_server_url: str) -> Iterator[str]:
    with empty_postgresql(postgresql_server_url) as url:
        yield url


@pytest.fixture
async def topology(
    temporal_address: str, namespace: str, database_url: str, tmp_path: Path
) -> AsyncIterator[Topology]:
    async with AsyncExitStack() as stack:
        mail = stack.enter_context(mail_server())
        api_port, *ocpp_ports = (free_port() for _ in range(3))
        api_url = f"http://127.0.0.1:{api_port}"
        settings = {
            "DYNAMO_DATABASE_URL": database_url,
            "DYNAMO_SECRET_KEY": "s" * 43,
            "DYNAMO_API_PORT": str(api_port),
            "DYNAMO_PUBLIC_API_URL": api_url,
            "DYNAMO_SMTP_URL": mail.url,
            "DYNAMO_DATA_DIR": str(tmp_path),
            "DYNAMO_BOOT_RETRY_INTERVAL": "1",
            "TEMPORAL_ADDRESS": temporal_address,
            "TEMPORAL_NAMESPACE": namespace,
        }

        async def start(*command: str, log: str, **more: str) -> asyncio.subprocess.Process:
            return await stack.enter_async_context(
                dynamo(*command, settings=settings | more, log=tmp_path / f"{log}.log")
            )

        async def migrated() -> None:
            # A namespace is known to all parts of Temporal a moment after its registration.
            migrate = await start("migrate", "--temporal", log="migrate")
            assert await migrate.wait() == 0, (tmp_path / "migrate.log").read_text()

        await eventually(migrated, within=60)
        await start("worker", log="worker")
        await start("api", log="api")
        for number, port in enumerate(ocpp_ports, start=1):
            await start("ocpp-server", log=f"ocpp-{number}", DYNAMO_OCPP_PORT=str(port))
        await until_ok(f"{api_url}/health/ready")
        for port in ocpp_ports:
            await until_ok(f"http://127.0.0.1:{port}/health/live")
        yield Topology(
            api_url=api_url,
            ocpp_urls=(f"ws://127.0.0.1:{ocpp_ports[0]}", f"ws://127.0.0.1:{ocpp_ports[1]}"),
            mail=mail,
            temporal=await Client.connect(
                temporal_address, namespace=namespace, data_converter=pydantic_data_converter
            ),
        )


async def test_the_guide_with_a_charge_point_on_each_of_two_nodes(topology: Topology) -> None:
    async with Guide(topology.api_url) as guide, asyncio.TaskGroup() as chargers:
        project = await guide.project(OWNER)
        serials = ("CP-SN-00000001", "CP-SN-00000002")
        ids = [await guide.charge_point(project, serial) for serial in serials]
        plugged = []
        for url, charge_point, serial in zip(topology.ocpp_urls, ids, serials, strict=True):
            virtual = VirtualChargePoint(
                ABB_TERRA_AC_W22, f"{url}/{charge_point}", serial=serial, speed=20
            )
            plugged.append(chargers.create_task(virtual.run()))

        async def connected() -> None:
            for charge_point in ids:
                answer = await guide.test_connection(charge_point)
                assert answer["connected"], answer
                assert answer["latency_ms"] is not None
                assert answer["ocpp_version_negotiated"] == "1.6"

        await eventually(connected, within=30)
        for charge_point in ids:
            await guide.start(charge_point, run_test_transaction=True, notify_on_complete=True)
        for charge_point in ids:
            status = await guide.verdict(charge_point)
            assert status["status"] == "completed", status
            assert [(c["name"], c["result"]) for c in status["checks"]] == [
                (name, "passed") for name in CHECKS
            ]
        await guide.invite(project, OWNER)

        def invited() -> None:
            assert OWNER in [mail["To"] for mail in topology.mail.mails]

        await eventually(invited)
        (invitation,) = [mail for mail in topology.mail.mails if mail["To"] == OWNER]
        await guide.accept(invitation)
        assert (await guide.hand_over(project))["status"] == "handed_over"

        def notified() -> None:
            assert len([m for m in topology.mail.mails if m["To"] != OWNER]) == len(ids)

        await eventually(notified)
        for task in plugged:
            task.cancel()
    query = f"{SearchAttribute.PROJECT} = '{project}' AND WorkflowType = 'CommissioningWorkflow'"

    async def both_are_found() -> None:
        count = await topology.temporal.count_workflows(query)
        assert count.count == len(ids)

    await eventually(both_are_found)
