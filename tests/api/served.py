"""The API behind a real socket, in a thread with a loop of its own, with its worker."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from pydantic import SecretStr
from temporalio.client import Client

from api.app import create_app
from api.parts import Parts
from api.temporal import TemporalGateway
from runtime.settings import Settings
from storage.engine import Database
from storage.migrate import upgrade
from temporal.client import DATA_CONVERTER
from temporal.search_attributes import register_search_attributes
from temporal.workers_end import WorkersEnd
from tests.api.conftest import Outbox
from tests.support.eviction import EvictAtTheEnd
from worker import make_worker


@dataclass(kw_only=True)
class Served:
    """Where it is, and what it is made of; ``stop`` ends it."""

    url: str
    stop: threading.Event
    parts: Parts | None = None


@contextmanager
def served_api(temporal_address: str, task_queue: str, folder: Path) -> Iterator[Served]:
    """Serve until the block ends."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        served = Served(url=f"http://127.0.0.1:{listener.getsockname()[1]}", stop=threading.Event())
        ready = threading.Event()
        thread = threading.Thread(
            target=lambda: asyncio.run(
                _serve(listener, temporal_address, task_queue, folder, served, ready)
            ),
            name="served api",
        )
        thread.start()
        try:
            assert ready.wait(30)
            yield served
        finally:
            served.stop.set()
            thread.join(30)


async def _serve(
    listener: socket.socket,
    temporal_address: str,
    task_queue: str,
    folder: Path,
    served: Served,
    ready: threading.Event,
) -> None:
    client = await Client.connect(
        temporal_address,
        data_converter=DATA_CONVERTER,
        plugins=[EvictAtTheEnd(), WorkersEnd()],
    )
    await register_search_attributes(client)

    async def connect() -> Client:
        return client

    settings = Settings(data_dir=folder, secret_key=SecretStr("a secret that is long enough here"))
    url = f"sqlite+aiosqlite:///{folder}/engine.sqlite3"
    await upgrade(url)
    database = Database(url)
    app = create_app(
        settings=settings,
        database=database,
        temporal=TemporalGateway(connect, task_queue=task_queue),
    )
    served.parts = app.state.parts
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    async with make_worker(client, database, Outbox(), settings=settings, task_queue=task_queue):
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        ready.set()  # the socket listens: who connects before uvicorn is up waits for it
        with suppress(asyncio.CancelledError):
            await asyncio.to_thread(served.stop.wait)
        server.should_exit = True
        await serving
    await database.close()
