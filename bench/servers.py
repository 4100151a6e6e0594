"""The two servers that are compared, each a process: ``python -m bench.servers ours|stock|…``.

``ours`` is the engine's node with SQLite behind it and nobody who listens to its events. ``stock``
is what one writes with the ``ocpp`` package and ``websockets`` in an hour, and it stores nothing.
Each prints its port when it listens, and ends when its standard input is closed.
"""

import asyncio
import gc
import logging
import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import uvloop


class _NobodyListens:
    """A sink that forgets what it is told."""

    def deliver(self, workflow_id: str, event: object) -> None: ...
    def configure(self, charge_point_id: str) -> None: ...
    def bill(self, due: object) -> None: ...


async def ours(database_url: str) -> None:
    """Serve as ``dynamo ocpp-server`` does, without Temporal and without a limit on the rate."""
    from domain.ids import Prefix, new_id
    from ocpp_server.main import calm_collector
    from ocpp_server.node import Node
    from ocpp_server.protocols import protocols
    from ocpp_server.server import Limits
    from runtime.logs import configure
    from storage.engine import Database

    configure("ocpp-server", "info")
    database = Database(database_url)
    node = Node(
        node_id=new_id(Prefix.NODE),
        database=database,
        sink=_NobodyListens(),
        protocols=protocols(boot_retry_interval=10, heartbeat_interval=60),
        secret=b"",
        limits=Limits(rate=None),
    )
    calm_collector()
    _announce(await node.start("127.0.0.1", 0))
    await _until_closed()
    await node.stop()
    await database.close()


async def stock() -> None:
    """Serve with the stock parts, as their documentation shows."""
    from ocpp.routing import on
    from ocpp.v16 import ChargePoint, call_result
    from ocpp.v16.enums import Action, AuthorizationStatus, RegistrationStatus
    from websockets.asyncio.server import ServerConnection, serve
    from websockets.exceptions import ConnectionClosed
    from websockets.typing import Subprotocol

    logging.getLogger("ocpp").setLevel(logging.WARNING)

    class CentralSystem(ChargePoint):  # type: ignore[misc]
        @on(Action.boot_notification)  # type: ignore[untyped-decorator]
        def on_boot(self, **_payload: Any) -> Any:
            return call_result.BootNotification(
                current_time=datetime.now(UTC).isoformat(),
                interval=60,
                status=RegistrationStatus.accepted,
            )

        @on(Action.heartbeat)  # type: ignore[untyped-decorator]
        def on_heartbeat(self) -> Any:
            return call_result.Heartbeat(current_time=datetime.now(UTC).isoformat())

        @on(Action.status_notification)  # type: ignore[untyped-decorator]
        def on_status(self, **_payload: Any) -> Any:
            return call_result.StatusNotification()

        @on(Action.start_transaction)  # type: ignore[untyped-decorator]
        def on_start(self, **_payload: Any) -> Any:
            return call_result.StartTransaction(
                transaction_id=1, id_tag_info={"status": AuthorizationStatus.accepted}
            )

        @on(Action.meter_values)  # type: ignore[untyped-decorator]
        def on_meter_values(self, **_payload: Any) -> Any:
            return call_result.MeterValues()

    async def on_connect(connection: ServerConnection) -> None:
        assert connection.request is not None
        identity = connection.request.path.strip("/")
        with suppress(ConnectionClosed):
            await CentralSystem(identity, connection).start()

    async with serve(
        on_connect, "127.0.0.1", 0, subprotocols=[Subprotocol("ocpp1.6")], backlog=4096
    ) as server:
        _announce(next(iter(server.sockets)).getsockname()[1])
        await _until_closed()


def _announce(port: int) -> None:
    gc.collect()
    print(port, flush=True)


async def _until_closed() -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()


def main() -> None:
    """Serve."""
    kind, *rest = sys.argv[1:]
    factory = asyncio.new_event_loop if kind == "stock" else uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(ours(*rest) if kind == "ours" else stock())


if __name__ == "__main__":
    main()
