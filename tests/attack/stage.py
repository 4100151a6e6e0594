"""The engine that is attacked, and an unrelated one on a database of its own for comparison."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import httpx
from google.protobuf.duration_pb2 import Duration
from sqlalchemy import update
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from bench.fleet import MODEL, VENDOR
from embedded.ports import free_port
from storage.engine import Database
from storage.migrate import upgrade
from storage.models.charge_points import ChargePoint
from temporal.search_attributes import register_search_attributes
from tests.attack.attacker import Target
from tests.attack.beside import GoodCharger, Honest, Seen, calls, going_on, newcomers
from tests.attack.mailbox import NOTICES_PER_HOUR
from tests.attack.wire import HOSTILE, PROXY
from tests.chaos.caller import Caller
from tests.chaos.installer import Installer
from tests.chaos.parts import Program, dynamo
from tests.chaos.preparing import become_owner
from tests.chaos.topology import Topology, topology
from tests.support.eventually import eventually
from tests.support.plain import PLAIN
from tests.support.processes import until_ok

_NEWCOMERS: Final = 20
_PROXIED: Final = 5
_SECRET: Final = "s" * 43
_NAMESPACE: Final = "unrelated"
_NAMESPACE_SECONDS: Final = 60.0


@dataclass(kw_only=True)
class Stage:
    """Who takes part."""

    engine: Topology
    folder: Path
    """Data directory of the engine; its logs, and mails as files, are there."""
    hostile: Mapping[str, Sequence[Target]]
    """By the name of the attacker: this engine, and the unrelated one if any, as it sees them."""
    installer: Installer
    """The honest one; ``project_id`` is of a project of hers, with the honest charge points."""
    owner: Caller
    """The honest site owner."""
    project_id: str
    charger: GoodCharger
    identity: str
    """That of the good charge point."""
    newcomers: Sequence[str]
    proxied: Sequence[str]
    """Honest ones whose network has them come through the proxy."""

    @property
    def node_url(self) -> str:
        """Where charge points of the attacked node connect: an identity follows."""
        return f"ws://127.0.0.1:{self.engine.node_ports[0]}/"

    def as_installer(self, patience: float) -> httpx.AsyncClient:
        """Give a client of its own for the honest installer; it waits so many seconds."""
        return httpx.AsyncClient(
            verify=PLAIN,
            base_url=f"{self.engine.api_url}/api/v1/installer",
            headers={"Authorization": f"Bearer {self.installer.token}"},
            timeout=patience,
            trust_env=False,
        )

    @asynccontextmanager
    async def phase(self) -> AsyncIterator[Honest]:
        """Let the honest ones go on until the end of the block; what they saw is whole then."""
        honest = Honest()
        self.charger.seen = honest.charger
        project, owned = f"/installer/projects/{self.project_id}", "/site-owner/projects"
        of_installer = (
            ("GET", f"/installer/charge-points?project_id={self.project_id}"),
            ("PATCH", project),
            ("GET", project),
        )
        of_owner = (("GET", owned), ("GET", f"{owned}/{self.project_id}"))
        urls = [f"{self.node_url}{identity}" for identity in self.newcomers]
        async with going_on(
            lambda: newcomers(urls, honest.newcomers),
            lambda: calls(self.installer, of_installer, honest.installer),
            lambda: calls(self.owner, of_owner, honest.owner),
        ):
            yield honest
        self.charger.seen = Seen()


@asynccontextmanager
async def stage(folder: Path, attackers: Sequence[str], *, compares: bool) -> AsyncIterator[Stage]:
    """Start it all for those attackers, and the unrelated engine, until the end of the block."""
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(
            topology(
                folder,
                DYNAMO_TRUSTED_PROXIES=PROXY,
                DYNAMO_MAIL_NOTICES_PER_HOUR=str(NOTICES_PER_HOUR),
            )
        )
        await engine.until_ready()
        places = [(engine.api_url, engine.node_ports[0], engine.database)]
        if compares:
            beside = folder / "unrelated"
            places.append(await stack.enter_async_context(_unrelated(beside, engine.temporal)))
        installer = await stack.enter_async_context(Installer(engine.api_url))
        project = await installer.project("owner@honest.example")
        owner = await stack.enter_async_context(Caller(engine.api_url))
        await become_owner(owner, installer, project, "owner@honest.example", folder)
        honest = await _charge_points(installer, project, _NEWCOMERS + 1 + _PROXIED)
        known = honest[: _NEWCOMERS + 1]
        hostile = [
            await _targets(stack, api_url, ocpp_port, known, len(attackers))
            for api_url, ocpp_port, _ in places
        ]
        for _, _, database in places:
            await _provision(database)
        url = f"ws://127.0.0.1:{engine.node_ports[0]}/{honest[0]}"
        charger = GoodCharger(url)
        await stack.enter_async_context(charger.charging())
        yield Stage(
            engine=engine,
            folder=folder,
            hostile=dict(zip(attackers, zip(*hostile, strict=True), strict=True)),
            installer=installer,
            owner=owner,
            project_id=project,
            charger=charger,
            identity=honest[0],
            newcomers=honest[1 : _NEWCOMERS + 1],
            proxied=honest[_NEWCOMERS + 1 :],
        )


@asynccontextmanager
async def _unrelated(folder: Path, temporal: Client) -> AsyncIterator[tuple[str, int, Database]]:
    """Run an API and a node that share nothing with the engine but the machine, and Temporal.

    There they have a namespace of their own; what they start there, nobody works on.
    """
    folder.mkdir()
    await temporal.workflow_service.register_namespace(
        RegisterNamespaceRequest(
            namespace=_NAMESPACE, workflow_execution_retention_period=Duration(seconds=86_400)
        )
    )
    address = temporal.service_client.config.target_host

    async def registered() -> None:
        try:
            client = await Client.connect(address, namespace=_NAMESPACE)
            await register_search_attributes(client)
        except RPCError as error:  # the server's parts learn of a namespace one after the other
            raise AssertionError(repr(error)) from error

    await eventually(registered, within=_NAMESPACE_SECONDS)
    api_port, ocpp_port = free_port(), free_port()
    url = f"sqlite+aiosqlite:///{folder / 'engine.sqlite3'}"
    await upgrade(url)
    settings = {
        "DYNAMO_DATABASE_URL": url,
        "DYNAMO_SECRET_KEY": _SECRET,
        "DYNAMO_API_PORT": str(api_port),
        "DYNAMO_OCPP_PORT": str(ocpp_port),
        "DYNAMO_DATA_DIR": str(folder),
        "TEMPORAL_ADDRESS": address,
        "TEMPORAL_NAMESPACE": _NAMESPACE,
        "DYNAMO_TRUSTED_PROXIES": PROXY,
    }
    programs = [
        Program(dynamo(part), settings=settings, log=folder / f"{part}.log")
        for part in ("api", "ocpp-server")
    ]
    database = Database(url)
    try:
        for program in programs:
            program.start()
        api_url = f"http://127.0.0.1:{api_port}"
        await until_ok(f"{api_url}/health/live")
        await until_ok(f"http://127.0.0.1:{ocpp_port}/health/live")
        yield api_url, ocpp_port, database
    finally:
        await database.close()
        for program in programs:
            program.stop()


async def _targets(
    stack: AsyncExitStack, api_url: str, ocpp_port: int, victims: Sequence[str], attackers: int
) -> list[Target]:
    """Make the attackers' account, and a project of it for each: none uses up what others need."""
    hostile = await stack.enter_async_context(Installer(api_url, email="mallory@hostile.example"))
    targets = []
    for _ in range(attackers):
        project = await hostile.project("nobody@hostile.example")
        target = Target(
            api_url=api_url,
            ocpp_port=ocpp_port,
            identities=await _charge_points(hostile, project, HOSTILE),
            project_id=project,
            token=hostile.token,
            victims=victims,
        )
        targets.append(target)
    return targets


async def _provision(database: Database) -> None:
    """Let them have been commissioned some day: their boots are accepted."""
    async with database.write() as connection:
        await connection.execute(update(ChargePoint).values(provisioned_at=datetime.now(UTC)))


async def _charge_points(installer: Installer, project: str, count: int) -> list[str]:
    return await asyncio.gather(
        *(
            installer.charge_point(project, f"{project[-6:]}-{number:03}", VENDOR, MODEL)
            for number in range(count)
        )
    )
