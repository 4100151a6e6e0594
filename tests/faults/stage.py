"""The whole engine in one process: real Temporal, database, worker, OCPP server and sockets.

Only the charge points are virtual. `dynamo up` composes the same parts as processes.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    nullcontext,
    suppress,
)
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from pydantic import SecretStr
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError, CancelledError

from activities.mailer import FileMailer
from api.parts import compose
from api.security.tokens import Tokens
from api.temporal import TemporalGateway
from domain.checks import RunView
from domain.commissioning import RunOptions, RunPace, RunRequest, RunToStart
from domain.ids import Prefix, new_id
from domain.names import COMMISSIONING_FAILED, commissioning_workflow_id
from domain.states import ChargePointStatus, ProjectStatus, Role, RunStatus
from ocpp_server.main import run_node
from runtime.settings import Settings
from simulator import Fault, Profile, VirtualChargePoint
from simulator.events import Event
from simulator.profile import ABB_TERRA_AC_W22
from storage.accounts import Accounts
from storage.catalogue import Catalogue, load_catalogue
from storage.charge_points import ChargePoint, ChargePoints, Location, read_registered
from storage.engine import Database
from storage.in_use import at_live_site
from storage.log import Log, LogEntry, LogFilter
from storage.models.accounts import Account
from storage.projects import Project, Projects
from storage.runs import Runs
from temporal import starts
from temporal.run_starter import run_of
from tests.api.callers import Caller
from tests.support.app import app_of
from tests.support.eventually import PATIENCE
from worker import make_worker
from workflows.commissioning import CommissioningWorkflow

CATALOGUE = Path(__file__).parent / "catalogue"
"""One model is updated by OCPP, one in its vendor's app; no image is ever fetched."""

_RPC_TIMEOUT = timedelta(seconds=10)

SPEED = 60.0
"""A charge point's minute takes a second; energy and timestamps stay real."""

_SIDE_BY_SIDE = 8
"""Charge points that one process plays at a time; of more, a slow machine makes late ones."""

PATIENT = RunPace(
    reconnect=timedelta(seconds=30),
    boot=timedelta(seconds=30),
    reboot=timedelta(seconds=30),
    configuration=timedelta(seconds=10),
    heartbeat=timedelta(seconds=30),
    heartbeat_at_most=timedelta(seconds=30),
    status=timedelta(seconds=15),
    firmware=timedelta(seconds=40),
    firmware_silence=timedelta(seconds=1),
    installer=timedelta(minutes=3),
    unplug=timedelta(seconds=30),
    vehicle=timedelta(seconds=30),
    start=timedelta(seconds=10),
    meter=timedelta(seconds=1),
    charge_at_least=timedelta(seconds=2),
    charge_at_most=timedelta(seconds=10),
    stop=timedelta(seconds=15),
)
"""Waits that a charge point which does its part never uses up."""

CommissioningHandle = WorkflowHandle[CommissioningWorkflow, RunView | None]


@dataclass(kw_only=True)
class Run:
    """A run that was started."""

    commissioning_id: str
    charge_point_id: str
    handle: CommissioningHandle


@dataclass(kw_only=True)
class Stage:
    """The engine, and an installer with a project."""

    client: Client
    database: Database
    task_queue: str
    settings: Settings
    ocpp_url: str
    installer: Account
    project: Project
    mail: Path
    front: Caller
    """The installer, at the API."""
    tokens: Tokens
    work_anew: Callable[[], Awaitable[None]]
    """Ends the worker, and begins with another that knows of nothing."""

    async def owner(self) -> Caller:
        """Give the project an owner, at the API."""
        account = _account(Role.SITE_OWNER, "facilities@riversidebp.com")
        async with self.database.write() as connection:
            await Accounts(connection).create(account)
            await Projects(connection).change(self.project.id, {"site_owner_id": account.id})
        return Caller(http=self.front.http, token=_token(self.tokens, account), email=account.email)

    @property
    def catalogue(self) -> Catalogue:
        """That of the engine."""
        return load_catalogue(self.settings.catalogue_dir, firmware_url=self.settings.firmware_url)

    async def register(self, serial: str, profile: Profile) -> ChargePoint:
        """Register a charge point, as its type plate reads."""
        charge_point = ChargePoint(
            id=new_id(Prefix.CHARGE_POINT),
            project_id=self.project.id,
            serial_number=serial,
            model=profile.model,
            vendor=profile.vendor,
            ocpp_version="1.6",
            location=Location(),
            status=ChargePointStatus.REGISTERED,
            created_at=_now(),
        )
        async with self.database.write() as connection:
            await ChargePoints(connection).register(charge_point)
        return charge_point

    def another_node(self) -> AbstractAsyncContextManager[str]:
        """Run one more OCPP server; gives its URL."""
        return _node(self.settings, self.task_queue)

    @asynccontextmanager
    async def powered(
        self,
        *faults: Fault,
        profile: Profile = ABB_TERRA_AC_W22,
        serial: str | None = None,
        registered_serial: str | None = None,
        seed: int = 1,
        listener: Callable[[Event], None] | None = None,
    ) -> AsyncIterator[VirtualChargePoint]:
        """Register a charge point and switch it on."""
        serial = serial or new_id(Prefix.EVENT)[-20:]
        registered = await self.register(registered_serial or serial, profile)
        async with self.switched_on(
            registered.id, *faults, profile=profile, serial=serial, seed=seed, listener=listener
        ) as charge_point:
            yield charge_point

    @asynccontextmanager
    async def switched_on(
        self,
        charge_point_id: str,
        *faults: Fault,
        serial: str,
        profile: Profile = ABB_TERRA_AC_W22,
        seed: int = 1,
        listener: Callable[[Event], None] | None = None,
    ) -> AsyncIterator[VirtualChargePoint]:
        """Switch a charge point on that has the address of this one."""
        charge_point = VirtualChargePoint(
            profile,
            f"{self.ocpp_url}/{charge_point_id}",
            faults=frozenset(faults),
            speed=SPEED,
            serial=serial,
            seed=seed,
            call_timeout=10,
            listener=listener,
        )
        async with self.alive(charge_point):
            yield charge_point

    @asynccontextmanager
    async def alive(self, charge_point: VirtualChargePoint) -> AsyncIterator[None]:
        """Let it connect, and connect again, for so long."""
        life = asyncio.create_task(charge_point.run())
        try:
            yield
        finally:
            life.cancel()
            with suppress(asyncio.CancelledError):
                await life

    async def start(
        self, charge_point_id: str, *, options: RunOptions | None = None, pace: RunPace = PATIENT
    ) -> Run:
        """Start a run as the API does: the row first, then the workflow, if nobody else has."""
        asked = options or RunOptions(wait_for_connection=timedelta(seconds=15))
        async with self.database.read() as connection:
            live_site = await at_live_site(connection, charge_point_id)
        request = RunRequest(
            commissioning_id=new_id(Prefix.COMMISSIONING),
            charge_point_id=charge_point_id,
            project_id=self.project.id,
            installer_id=self.installer.id,
            started_by=self.installer.email,
            started_at=_now(),
            options=replace(asked, pace=pace),
            live_site=live_site,
        )
        async with self.database.write() as connection:
            await Runs(connection).create_starting(request)
        async with self.database.read() as connection:
            registered = await read_registered(connection, charge_point_id)
        start = starts.run(RunToStart(request=request, registered=registered))
        await start.begin_when_free(lambda: nullcontext(self.client), self.task_queue)
        return Run(
            commissioning_id=request.commissioning_id,
            charge_point_id=charge_point_id,
            handle=run_of(self.client, charge_point_id),
        )

    async def retry(self, charge_point_id: str, **options: object) -> RunView:
        """Retry through the API, and wait for the verdict. It waits as long as the run before."""
        answer = await self.front.post(f"/commissioning/{charge_point_id}/retry", options or None)
        assert answer.is_success, answer.text
        return await self.verdict(
            Run(
                commissioning_id=answer.json()["commissioning_id"],
                charge_point_id=charge_point_id,
                handle=self.client.get_workflow_handle_for(
                    CommissioningWorkflow.run, commissioning_workflow_id(charge_point_id)
                ),
            )
        )

    async def verdict(self, run: Run) -> RunView:
        """Wait for the verdict; what Temporal shows and what the database keeps agree."""
        closed = await _closed(run.handle)
        async with self.database.read() as connection:
            row = await Runs(connection).get(run.charge_point_id, run.commissioning_id)
        assert row is not None
        assert row.view is not None, f"Temporal says {closed}, and there is no verdict"
        assert row.view.status == row.status == closed
        return row.view

    async def log(self, run: Run) -> list[LogEntry]:
        """Read the detailed log of a run."""
        wanted = LogFilter(commissioning_id=run.commissioning_id)
        async with self.database.read() as connection:
            page = await Log(connection).page(run.charge_point_id, wanted, after=None, limit=1000)
        return list(page)


@asynccontextmanager
async def engine(
    client: Client,
    database_url: str,
    *,
    task_queue: str,
    data_dir: Path,
    reboot_stagger: timedelta = timedelta(0),
) -> AsyncIterator[Stage]:
    """Run the engine. The OCPP server finds Temporal by the environment, as in production."""
    settings = Settings(
        data_dir=data_dir,
        database_url=database_url,
        secret_key=SecretStr("0123456789abcdef0123456789abcdef"),
        certificate_key=SecretStr("0123456789abcdef" * 4),
        ocpp_port=0,
        boot_retry_interval=10,
        call_timeout=timedelta(seconds=3),
        catalogue_dir=CATALOGUE,
        firmware_url="https://firmware.example",
        reboot_stagger=reboot_stagger,
    )
    mailer = FileMailer(data_dir / "mail", sender=settings.mail_from)
    database = Database(database_url)
    installer, project = await _seed(database)
    try:
        async with (
            _node(settings, task_queue) as ocpp_url,
            AsyncExitStack() as workers,
            _front(client, database, settings, task_queue, installer) as (front, tokens),
        ):

            async def work_anew() -> None:
                await workers.aclose()
                await workers.enter_async_context(
                    make_worker(client, database, mailer, settings=settings, task_queue=task_queue)
                )

            await work_anew()
            yield Stage(
                client=client,
                database=database,
                task_queue=task_queue,
                settings=settings,
                ocpp_url=ocpp_url,
                installer=installer,
                project=project,
                mail=data_dir / "mail",
                front=front,
                tokens=tokens,
                work_anew=work_anew,
            )
    finally:
        await database.close()


@asynccontextmanager
async def _front(
    client: Client, database: Database, settings: Settings, task_queue: str, installer: Account
) -> AsyncIterator[tuple[Caller, Tokens]]:
    """The API in this process, with somebody logged in."""

    async def connect() -> Client:
        return client

    parts = compose(
        settings=settings,
        database=database,
        temporal=TemporalGateway(connect, task_queue=task_queue),
    )
    transport = httpx.ASGITransport(app=app_of(parts), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as http:
        token = _token(parts.tokens, installer)
        yield Caller(http=http, token=token, email=installer.email), parts.tokens


def _token(tokens: Tokens, account: Account) -> str:
    token, _ = tokens.issue(
        account_id=account.id, role=account.role, epoch=account.token_epoch, now=_now()
    )
    return token


@asynccontextmanager
async def _node(settings: Settings, task_queue: str) -> AsyncIterator[str]:
    """Run an OCPP server until the end of the block; gives its URL."""
    listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    node = asyncio.create_task(
        run_node(
            settings,
            listening=lambda _host, port: listening.set_result(port),
            task_queue=task_queue,
        )
    )
    try:
        async with asyncio.timeout(PATIENCE):
            port = await listening
        yield f"ws://127.0.0.1:{port}"
    finally:
        node.cancel()
        with suppress(asyncio.CancelledError):
            await node


async def side_by_side(what: str, played: Iterable[Awaitable[None]]) -> None:
    """Play all, some at a time; those that end badly are raised together."""
    places = asyncio.Semaphore(_SIDE_BY_SIDE)

    async def in_turn(one: Awaitable[None]) -> None:
        async with places:
            await one

    outcomes = await asyncio.gather(*map(in_turn, played), return_exceptions=True)
    wrong = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    if wrong:
        raise ExceptionGroup(what, wrong)


async def _closed(handle: CommissioningHandle) -> RunStatus:
    try:
        await handle.result()
    except WorkflowFailureError as error:
        if isinstance(error.cause, CancelledError):
            return RunStatus.CANCELLED
        is_verdict = isinstance(error.cause, ApplicationError) and (
            error.cause.type == COMMISSIONING_FAILED
        )
        if not is_verdict:
            raise
        return RunStatus.FAILED
    return RunStatus.COMPLETED


def _account(role: Role, email: str) -> Account:
    return Account(
        id=new_id(Prefix.ACCOUNT),
        role=role,
        email=email,
        name="Alex",
        company="Acme",
        password_hash="not a hash",
        token_epoch=0,
        created_at=_now(),
    )


async def _seed(database: Database) -> tuple[Account, Project]:
    installer = _account(Role.INSTALLER, "installer@acme.com")
    project = Project(
        id=new_id(Prefix.PROJECT),
        installer_id=installer.id,
        name="Sunnyvale",
        address="1 Main St",
        site_owner_email="owner@site.example",
        status=ProjectStatus.IN_PROGRESS,
        created_at=_now(),
    )
    async with database.write() as connection:
        await Accounts(connection).create(installer)
        await Projects(connection).create(project)
    return installer, project


def _now() -> datetime:
    return datetime.now(UTC)
