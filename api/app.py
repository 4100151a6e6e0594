"""Composes the API, and runs it as a process."""

import asyncio
import socket
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager, closing, contextmanager
from typing import Final

import structlog
import uvicorn
from fastapi import APIRouter, FastAPI

from api import docs
from api.access import endpoints as access
from api.access.presenting import router as presenting
from api.accounts import deletion
from api.accounts.endpoints import router as accounts
from api.accounts.pages import router as account_pages
from api.accounts.security import security_router
from api.audit import router as audit
from api.batches.endpoints import router as batches
from api.billing import endpoints as billing
from api.billing import tariffs
from api.billing.held import router as held_records
from api.certificates import endpoints as certificates
from api.certificates.pages import router as online_copies
from api.charge_points import links
from api.charge_points.endpoints import router as charge_points
from api.checklists.endpoints import router as checklists
from api.collaborators.endpoints import router as collaborators
from api.commands import endpoints as commands
from api.commissioning.endpoints import router as commissioning
from api.configuration.endpoints import router as configuration
from api.configuration.owner_endpoints import router as owned_configuration
from api.connection_attempts.endpoints import router as connection_attempts
from api.declarations.contractor import router as contractor
from api.declarations.endpoints import router as declarations
from api.declarations.photos import router as photos
from api.errors import install_error_handlers
from api.export import endpoints as export
from api.handover.endpoints import router as handover
from api.handover.invitations import router as invitations
from api.health import router as health
from api.idempotency.keyed import KeyedMiddleware
from api.imports.endpoints import router as imports
from api.invitations import endpoints as invitations_to_accounts
from api.invitations.page import router as invitation_page
from api.live import endpoints as live
from api.mail.page import router as stop_page
from api.middleware import ProxiesMiddleware, RequestMiddleware
from api.openapi.document import DocumentedAPI
from api.parts import compose
from api.power import endpoints as power
from api.projects.endpoints import router as projects
from api.protocol.connection import BOUNDED, bound_what_is_unread, have_room
from api.protocol.cross_origin import CrossOriginMiddleware
from api.protocol.methods import MethodsMiddleware, Operations
from api.service_visits.endpoints import router as service_visits
from api.service_visits.installer_endpoints import router as my_service_visits
from api.site_owner import endpoints as site_owner
from api.temporal import TemporalGateway
from api.webhooks import endpoints as webhooks
from api.withdrawals.endpoints import router as withdrawals
from domain.cancellation import end
from domain.starting import cannot_listen
from domain.states import Role
from runtime.process import open_database
from runtime.settings import Settings
from storage.engine import Database
from storage.outages import DatabaseWatch
from temporal.client import connect

_GRACE_SECONDS: Final = 10
_log = structlog.get_logger()


def create_app(*, settings: Settings, database: Database, temporal: TemporalGateway) -> FastAPI:
    """Compose the API. The database stays the caller's to close.

    Raises:
        SecretMissingError: The settings hold no secret.

    """
    app = bare_app()
    app.state.parts = compose(settings=settings, database=database, temporal=temporal)
    return app


def bare_app() -> FastAPI:
    """Every route, without the parts that ``state.parts`` is to hold."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await app.state.parts.feeds.closed()
        await app.state.parts.pictures.close()
        app.state.parts.passwords.close()

    app = DocumentedAPI(
        title=docs.TITLE,
        description=docs.DESCRIPTION,
        version="1",
        openapi_tags=docs.TAGS,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.add_middleware(MethodsMiddleware)
    app.add_middleware(RequestMiddleware)
    app.add_middleware(CrossOriginMiddleware)  # what it adds is on every answer
    app.add_middleware(ProxiesMiddleware)  # outermost: whoever calls is known to all
    install_error_handlers(app)
    v1 = APIRouter()
    for router in (
        accounts,
        security_router(Role.INSTALLER),
        projects,
        batches,
        charge_points,
        links.installer_router,
        links.owner_router,
        withdrawals,
        imports,
        connection_attempts,
        configuration,
        commissioning,
        live.router,
        live.project_router,
        live.owner_router,
        webhooks.router,
        webhooks.owner_router,
        handover,
        service_visits,
        my_service_visits,
        audit,
        certificates.installer_router,
        certificates.owner_router,
        certificates.keys_router,
        declarations,
        photos,
        checklists,
        contractor,
        invitations,
        collaborators,
        invitations_to_accounts.installer_router,
        invitations_to_accounts.owner_router,
        deletion.installer_router,
        deletion.owner_router,
        site_owner.router,
        security_router(Role.SITE_OWNER),
        site_owner.site_router,
        access.router,
        access.installer_router,
        presenting,
        commands.router,
        commands.sessions_router,
        export.router,
        export.installer_router,
        owned_configuration,
        power.installer_router,
        power.owner_router,
        tariffs.owner_router,
        tariffs.installer_router,
        billing.router,
        held_records,
        billing.statements_router,
    ):
        v1.include_router(router)
    app.include_router(v1, prefix="/api/v1")
    app.include_router(health)
    app.include_router(invitation_page)
    app.include_router(stop_page)
    app.include_router(account_pages)
    app.include_router(online_copies)
    docs.install_docs(app)
    app.state.operations = Operations(app.routes)
    # Within the handlers of errors, so that its own are rendered like all others.
    app.router.middleware_stack = KeyedMiddleware(app.router.middleware_stack)
    return app


async def run_api(settings: Settings) -> None:
    """Serve the API until cancelled, then finish the requests in hand; Temporal may come and go.

    Raises:
        SecretMissingError: The settings hold no secret.
        MistakeError: Nothing can listen there, or a signer of certificates is none.

    """
    database = open_database(settings, "api")
    watched = open_database(settings, "api", pool_size=1)
    watching = asyncio.create_task(DatabaseWatch(watched).run(), name="database watch")
    try:
        app = create_app(settings=settings, database=database, temporal=TemporalGateway(connect))
        try:
            listener = _listen(settings.api_host, settings.api_port)
        except OSError as error:
            raise cannot_listen(
                "DYNAMO_API", settings.api_host, settings.api_port, error
            ) from error
        with closing(listener):
            await _serve(app, listener)
    finally:
        await end(watching)
        await database.close()
        await watched.close()


class _Server(uvicorn.Server):
    """Leaves the signals to the process, which cancels us."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


async def _serve(app: FastAPI, listener: socket.socket) -> None:
    have_room()
    server = _Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # uvicorn's own believes whoever is on this machine
            timeout_graceful_shutdown=_GRACE_SECONDS,
            **BOUNDED,
        )
    )
    host, port, *_ = listener.getsockname()
    _log.info("api_listening", host=host, port=port)
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="api")
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        app.state.parts.feeds.close()  # a stream would keep the server waiting
        server.should_exit = True
        await serving
        raise
    finally:
        _log.info("api_stopped")


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound_what_is_unread(listener)
        listener.bind((host, port))
        listener.listen(1024)
    except OSError:
        listener.close()
        raise
    return listener
