"""The probe of a process that serves nothing else over HTTP: `/health/live` and `/health/ready`."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from typing import Final

import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

_log: Final = structlog.get_logger(__name__)
OK: Final = "ok"


def probe_app(parts: Mapping[str, Callable[[], str | None]]) -> Starlette:
    """Make the two pages; each part says what is wrong with it, or None."""

    async def live(_request: Request) -> JSONResponse:
        return JSONResponse({"status": "alive"})

    async def ready(_request: Request) -> JSONResponse:
        seen = {name: trouble() for name, trouble in parts.items()}
        is_ready = not any(seen.values())
        return JSONResponse(
            {"ready": is_ready, "parts": {name: why or OK for name, why in seen.items()}},
            status_code=HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE,
        )

    return Starlette(routes=[Route("/health/live", live), Route("/health/ready", ready)])


class _Server(uvicorn.Server):
    """Leaves the signals to the process."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@asynccontextmanager
async def probe(app: Starlette, host: str, port: int | None) -> AsyncIterator[None]:
    """Serve it until the end of the block; without a port there is none.

    Raises:
        OSError: the port is taken.

    """
    if port is None:
        yield
        return
    listener = socket.create_server(
        (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET
    )
    bound: int = listener.getsockname()[1]
    server = _Server(
        uvicorn.Config(app, log_config=None, access_log=False, server_header=False, lifespan="off")
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="probe")
    _log.info("probe_listening", host=host, port=bound)
    try:
        yield
    finally:
        server.should_exit = True
        await serving
        listener.close()
