"""Composes the API, and runs it as a process."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog
import uvicorn
from fastapi import APIRouter, FastAPI

import temporal_client
from api import docs
from api.accounts.endpoints import router as accounts
from api.charge_points.endpoints import router as charge_points
from api.commissioning.endpoints import router as commissioning
from api.configuration.endpoints import router as configuration
from api.errors import install_error_handlers
from api.handover.endpoints import router as handover
from api.health.endpoints import router as health
from api.middleware import RequestMiddleware
from api.parts import compose
from api.projects.endpoints import router as projects
from api.security.keys import checked_secret
from api.site_owner.endpoints import router as site_owner
from api.temporal import TemporalGateway
from settings import Settings
from storage.engine import Database

_GRACE_SECONDS: Final = 10
_log = structlog.get_logger()


def create_app(*, settings: Settings, database: Database, temporal: TemporalGateway) -> FastAPI:
    """Compose the API. The database stays the caller's to close.

    Raises:
        SecretMissingError: The settings hold no secret that is long enough.

    """
    parts = compose(settings=settings, database=database, temporal=temporal)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        parts.passwords.close()

    app = FastAPI(
        title=docs.TITLE,
        description=docs.DESCRIPTION,
        version="1",
        openapi_tags=docs.TAGS,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.parts = parts
    app.add_middleware(RequestMiddleware)
    install_error_handlers(app)
    v1 = APIRouter(prefix="/api/v1")
    for router in (
        accounts,
        projects,
        charge_points,
        configuration,
        commissioning,
        handover,
        site_owner,
    ):
        v1.include_router(router)
    app.include_router(v1)
    app.include_router(health)
    docs.install_docs(app)
    return app


async def run_api(settings: Settings) -> None:
    """Serve the API until SIGTERM or SIGINT; Temporal may come and go meanwhile.

    Raises:
        SecretMissingError: The settings hold no secret that is long enough.
        OSError: The port is taken.

    """
    checked_secret(settings.secret_key)
    listener = _listen(settings.api_host, settings.api_port)
    database = Database(settings.resolved_database_url)
    app = create_app(
        settings=settings, database=database, temporal=TemporalGateway(temporal_client.connect)
    )
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
    )
    try:
        _log.info("api_listening", host=settings.api_host, port=listener.getsockname()[1])
        await server.serve(sockets=[listener])
    finally:
        listener.close()
        await database.close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except OSError:
        listener.close()
        raise
    return listener
