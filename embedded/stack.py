"""The whole engine on one machine, as an async context manager.

::

    async with Stack(Options(data_dir=folder, api_port=0)) as stack:
        stack.layout.api_url
"""

import asyncio
import os
from asyncio.subprocess import DEVNULL
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Self

import httpx

from domain.cancellation import end
from embedded.child import Child
from embedded.data_directory import DataDirectory, explain
from embedded.errors import StartError
from embedded.layout import Layout, Options, choose_layout, dynamo

_READY_SECONDS = 90.0
_LOOK_AGAIN_SECONDS = 0.1
_PROBE_SECONDS = 5.0
_ROTATE_SECONDS = 10.0


def _silent(_line: str) -> None:
    """Tell nobody."""


class Stack:
    """Temporal, migrations, then API, OCPP server and worker; each watched until the end."""

    def __init__(
        self,
        options: Options,
        *,
        tell: Callable[[str], None] = _silent,
        progress: Callable[[str], None] = _silent,
    ) -> None:
        self._options = options
        self._tell = tell
        self._progress = progress
        self._children: list[Child] = []
        self._rotating: asyncio.Task[None] | None = None
        self.hurry = asyncio.Event()
        """Set it to stop without waiting for anybody."""

    layout: Layout
    data: DataDirectory
    environment: dict[str, str]

    async def __aenter__(self) -> Self:
        """Start everything, and wait until it is ready.

        Raises:
            StartError: Something stands in the way.

        """
        self.data = DataDirectory.open(self._options.data_dir)
        try:
            await self._start()
        except BaseException as error:
            await self._stop()
            if isinstance(error, OSError):
                raise explain(error, self.data.path) from error
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop everything, those first that others do not need."""
        await self._stop()

    async def _start(self) -> None:
        self.layout = choose_layout(self._options)
        self.environment = self.layout.environment(
            os.environ,
            data_dir=self.data.path,
            secret_key=self.data.secret_key(),
            certificate_key=self.data.certificate_key(),
        )
        temporal = await self._child(
            "temporal", self.layout.temporal_command(self.data.temporal_database)
        )
        await self._until(self._temporal_answers)
        # The dev server's own option for search attributes is for a new file only.
        # The file of the data directory has no other user than these keys: one that was replaced
        # there, perhaps since it was damaged, is the right one.
        own = [] if os.environ.get("DYNAMO_DATABASE_URL") else ["--new-keys"]
        migrate = await self._child("migrate", dynamo("migrate", "--temporal", *own))
        await migrate.finish()
        self._children.remove(migrate)
        self._progress("Temporal answers, the tables are made; API, OCPP server and worker start")
        worker = await self._child("worker", dynamo("worker"))
        ocpp_server = await self._child("ocpp-server", dynamo("ocpp-server"))
        api = await self._child("api", dynamo("api"))
        # trust_env: a proxy of the environment has no business with this machine's own ports
        async with httpx.AsyncClient(trust_env=False, timeout=_PROBE_SECONDS) as client:
            await self._until(partial(_answers_ok, client, f"{self.layout.api_url}/health/system"))
            self._progress("The API answers")
            node = f"{self.layout.ocpp_health_url}/health/live"
            await self._until(partial(_answers_ok, client, node))
        for child in (temporal, worker, ocpp_server, api):
            child.keep_alive()
        self._rotating = asyncio.create_task(self._rotate(), name="rotate the logs")

    async def _rotate(self) -> None:
        while True:
            await asyncio.sleep(_ROTATE_SECONDS)
            with suppress(OSError):  # the next time, perhaps
                await asyncio.to_thread(self.data.rotate)

    async def _stop(self) -> None:
        if self._rotating is not None:
            await end(self._rotating)
        for child in reversed(self._children):
            await child.stop(self.hurry)
        self._children.clear()
        self.data.close()

    async def _child(self, name: str, command: list[str]) -> Child:
        child = Child(
            name, command, environment=self.environment, log=self.data.log(name), tell=self._tell
        )
        self._children.append(child)
        await child.start()
        return child

    async def _until(self, ready: Callable[[], Awaitable[bool]]) -> None:
        clock = asyncio.get_running_loop().time
        deadline = clock() + _READY_SECONDS
        while not await ready():
            for child in self._children:
                child.check()
            if clock() > deadline:
                raise StartError(
                    f"Not ready after {_READY_SECONDS:g} s. The logs are in {self.data.path}/logs."
                )
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    async def _temporal_answers(self) -> bool:
        probe = await asyncio.create_subprocess_exec(
            *self.layout.temporal_health_command(),
            env=self.environment,
            stdin=DEVNULL,
            stdout=DEVNULL,
            stderr=DEVNULL,
        )
        try:
            return await probe.wait() == 0
        except asyncio.CancelledError:
            probe.kill()
            await probe.wait()
            raise


async def _answers_ok(client: httpx.AsyncClient, url: str) -> bool:
    try:
        answer = await client.get(url)
    except httpx.HTTPError:
        return False
    return answer.status_code == httpx.codes.OK
