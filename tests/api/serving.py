"""The API on a real socket, as it is served."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import uvicorn
from starlette.types import ASGIApp

from api.protocol.connection import BOUNDED

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    """Serve the API; gives its URL."""
    async with running(app) as (url, _):
        yield url


@asynccontextmanager
async def running(app: ASGIApp) -> AsyncIterator[tuple[str, uvicorn.Server]]:
    """Serve the API; gives its URL, and the server."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", **BOUNDED))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", server
        finally:
            server.should_exit = True
            await serving
