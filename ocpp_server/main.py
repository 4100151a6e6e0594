"""The entry point of a node: ``run_node`` composes, serves, and stops on SIGTERM or SIGINT."""

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

import structlog
from temporalio.client import Client
from temporalio.worker import Worker

import temporal_client
from activities.charge_point import ChargePointActivities
from domain.ids import Prefix, new_id
from domain.names import node_task_queue
from ocpp_server.node import Node
from ocpp_server.operations import Gateway
from ocpp_server.server import Limits
from ocpp_server.temporal_sink import TemporalSink
from ocpp_server.v16.routes import routes
from settings import Settings
from storage.engine import Database

_MAX_ACTIVITIES: Final = 200
_GRACE: Final = timedelta(seconds=10)
_SIGNAL_GRACE: Final = 3.0
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 10.0
_log = structlog.get_logger(__name__)


async def run_node(
    settings: Settings,
    *,
    stop: asyncio.Event | None = None,
    listening: Callable[[str, int], None] | None = None,
) -> None:
    """Serve charge points until ``stop`` is set or a signal to terminate comes.

    ``listening`` is called with host and port once the socket is bound. The database and Temporal
    may come later than the node, and Temporal may go away: sockets are served meanwhile.

    Raises:
        OSError: the port is taken.

    """
    stop = stop or asyncio.Event()
    signals = _stop_on_signals(stop)
    database = Database(settings.resolved_database_url)
    sink = TemporalSink()
    secret = settings.secret_key.get_secret_value().encode() if settings.secret_key else b""
    node = Node(
        node_id=new_id(Prefix.NODE),
        database=database,
        sink=sink,
        routes=routes(
            boot_retry_interval=settings.boot_retry_interval,
            heartbeat_interval=settings.heartbeat_interval,
        ),
        secret=secret,
        limits=Limits(call_timeout=settings.call_timeout.total_seconds()),
    )
    log = _log.bind(node_id=node.node_id)
    try:
        port = await _unless_stopped(node.start(settings.ocpp_host, settings.ocpp_port), stop)
        if port is None:
            return
        log.info("ocpp_server_listening", host=settings.ocpp_host, port=port)
        if listening is not None:
            listening(settings.ocpp_host, port)
        gateway = Gateway(node.registry, database)
        working = asyncio.create_task(
            _work(node.node_id, ChargePointActivities(gateway), sink, stop), name="activities"
        )
        await stop.wait()
        log.info("ocpp_server_stopping", charge_points=len(node.registry))
        await node.stop()
        await working
        await sink.close(_SIGNAL_GRACE)
        log.info("ocpp_server_stopped")
    finally:
        await database.close()
        for number in signals:
            asyncio.get_running_loop().remove_signal_handler(number)


async def _work(
    node_id: str, activities: ChargePointActivities, sink: TemporalSink, stop: asyncio.Event
) -> None:
    """Run the activity worker; whatever ends it but the stop is logged, and it begins again."""
    pause = _FIRST_PAUSE
    while not stop.is_set():
        try:
            client = await temporal_client.connect()
            sink.connected(client)
            pause = _FIRST_PAUSE
            await _serve_activities(_worker(client, node_id, activities), stop)
        except Exception as error:  # noqa: BLE001 - the sockets are served without Temporal too
            _log.warning("waiting_for_temporal", error=str(error)[:300], retry_in=pause)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await stop.wait()
            pause = min(pause * 2, _LONGEST_PAUSE)


async def _serve_activities(worker: Worker, stop: asyncio.Event) -> None:
    serving = asyncio.create_task(worker.run(), name="activity worker")
    stopping = asyncio.create_task(stop.wait(), name="wait for stop")
    _log.info("activities_served", task_queue=worker.task_queue)
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not serving.done():
        await worker.shutdown()
    await serving


def _worker(client: Client, node_id: str, activities: ChargePointActivities) -> Worker:
    return Worker(
        client,
        task_queue=node_task_queue(node_id),
        activities=activities.all,
        max_concurrent_activities=_MAX_ACTIVITIES,
        graceful_shutdown_timeout=_GRACE,
    )


async def _unless_stopped(start: Coroutine[Any, Any, int], stop: asyncio.Event) -> int | None:
    """Start, or give up when told to stop before the database came."""
    starting = asyncio.create_task(start)
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if starting.done():
        return starting.result()
    starting.cancel()
    with suppress(asyncio.CancelledError):
        await starting
    return None


def _stop_on_signals(stop: asyncio.Event) -> tuple[signal.Signals, ...]:
    if threading.current_thread() is not threading.main_thread():
        return ()
    signals = (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return signals
