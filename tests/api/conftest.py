"""The API in process, on a real database and a real Temporal server with a worker."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path

import httpx
import pytest
import structlog
from argon2 import PasswordHasher
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import update
from sqlmodel import col
from temporalio.client import Client

from api.deps import now
from api.parts import compose
from api.security.passwords import Passwords
from api.temporal import TemporalGateway
from domain.ids import Prefix, new_id
from domain.states import Role
from runtime.settings import Settings
from storage.accounts import Accounts
from storage.engine import Database
from storage.models.accounts import Account
from storage.projects import Projects
from temporal.dispatcher import Dispatcher
from tests.api.callers import PASSWORD, V1, Caller
from tests.support.app import app_of
from worker import make_worker

_NUMBERS = count(1)

# The default shows locals in tracebacks, at length.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)


@dataclass(kw_only=True)
class Outbox:
    """Implements Mailer: keeps what was sent."""

    sent: list[tuple[str, str, str]] = field(default_factory=list)
    html: str = ""
    """Of the newest mail that has it."""

    async def send(
        self,
        *,
        to: str,
        subject: str,
        text: str,
        html: str | None = None,
        stop_link: str | None = None,
    ) -> str:
        self.sent.append((to, subject, text))
        self.html = html or self.html
        return "kept"

    def token(self) -> str:
        """The code of the newest invitation."""
        texts = "\n".join(text for _, _, text in self.sent)
        return str(re.findall(r"/invitations/([0-9a-f]{64})\s", texts)[-1])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        data_dir=tmp_path,
        secret_key=SecretStr("test secret, long enough to be one"),
        certificate_key=SecretStr("0123456789abcdef" * 4),
        public_api_url="https://api.example.com/",
        public_ocpp_url="wss://ocpp.example.com/",
    )


@pytest.fixture
def gateway(temporal_client: Client, task_queue: str) -> TemporalGateway:
    async def connect() -> Client:
        return temporal_client

    return TemporalGateway(connect, task_queue=task_queue)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a workflow's answer for a moment only."""
    for module in ("gateway", "sites"):
        monkeypatch.setattr(f"api.temporal.{module}.ANSWER_TIMEOUT", timedelta(seconds=0.5))


@pytest.fixture
def app(settings: Settings, database: Database, gateway: TemporalGateway) -> FastAPI:
    return app_of(
        compose(
            settings=settings,
            database=database,
            temporal=gateway,
            # Argon2id at a strength that costs the tests nothing.
            passwords=Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)),
        )
    )


@pytest.fixture
async def anonymous(app: FastAPI) -> AsyncIterator[Caller]:
    """Somebody without a token."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://api.test") as http,
    ):
        yield Caller(http=http)


Enrol = Callable[[], Awaitable[Caller]]


@pytest.fixture
def enrol(anonymous: Caller) -> Enrol:
    """Make another installer."""

    async def one() -> Caller:
        email = f"installer-{next(_NUMBERS)}@acme.com"
        body = {"name": "Acme Installations", "email": email, "password": PASSWORD}
        answer = await anonymous.post("/signup", body)
        assert answer.status_code == 201, answer.text
        answer = await anonymous.post("/login", {"email": email, "password": PASSWORD})
        return Caller(http=anonymous.http, token=answer.json()["token"], email=email)

    return one


@pytest.fixture
async def installer(enrol: Enrol) -> Caller:
    """An installer who is logged in."""
    return await enrol()


@pytest.fixture
async def stranger(enrol: Enrol) -> Caller:
    """Another installer."""
    return await enrol()


Own = Callable[[str, str], Awaitable[Caller]]


@pytest.fixture
def owner(app: FastAPI, anonymous: Caller, database: Database) -> Own:
    """Make a site owner who has claimed a project, without its invitation."""

    async def one(email: str, project_id: str) -> Caller:
        account = Account(
            id=new_id(Prefix.ACCOUNT),
            role=Role.SITE_OWNER,
            email=email,
            name="Riverside Facilities",
            company=None,
            password_hash=await app.state.parts.passwords.hash(PASSWORD),
            token_epoch=0,
            created_at=now(),
        )
        async with database.write() as connection:
            await Accounts(connection).create(account)
            await Projects(connection).change(project_id, {"site_owner_id": account.id})
        answer = await anonymous.call(
            "POST", f"{V1}/site-owner/login", {"email": email, "password": PASSWORD}
        )
        return Caller(http=anonymous.http, token=answer.json()["token"], email=email)

    return one


@pytest.fixture
def outbox() -> Outbox:
    return Outbox()


@pytest.fixture
async def engine(
    temporal_client: Client,
    database: Database,
    outbox: Outbox,
    settings: Settings,
    task_queue: str,
) -> AsyncIterator[None]:
    """The worker of the shared task queue."""
    async with make_worker(
        temporal_client, database, outbox, settings=settings, task_queue=task_queue
    ):
        yield


@pytest.fixture
def dispatcher(temporal_client: Client, database: Database, task_queue: str) -> Dispatcher:
    """What starts the workflows of what waits in an outbox; a test has it look."""
    return Dispatcher(temporal_client, database, now=now, task_queue=task_queue)


async def verify(database: Database, email: str) -> None:
    """Let somebody have shown to read the mail of the address."""
    async with database.write() as connection:
        await connection.execute(
            update(Account).where(col(Account.email) == email).values(verified_at=now())
        )


async def accept_invitation(anonymous: Caller, outbox: Outbox) -> Caller:
    """Accept the last invitation that was mailed, and log in as the site owner."""
    body = {"token": outbox.token(), "password": PASSWORD}
    answer = await anonymous.call("POST", f"{V1}/site-owner/invitations/accept", body)
    assert answer.status_code in {200, 201}, answer.text
    to = answer.json()["email"]
    answer = await anonymous.call(
        "POST", f"{V1}/site-owner/login", {"email": to, "password": PASSWORD}
    )
    return Caller(http=anonymous.http, token=answer.json()["token"], email=to)
