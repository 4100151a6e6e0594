"""The entry point of a node: ``run_node`` composes it, serves, and stops when it is cancelled."""

import asyncio
import gc
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from typing import Final

import structlog
from temporalio.client import Client
from temporalio.worker import Worker

from activities import charge_point as duties
from activities.binding import Activity, done_by
from domain.cancellation import end
from domain.ids import Prefix, new_id
from domain.names import SHARED_TASK_QUEUE, node_task_queue
from domain.starting import cannot_listen
from ocpp_server.charge_point_log import ChargePointLog
from ocpp_server.in_flight import InFlight
from ocpp_server.node import Node
from ocpp_server.operations import Gateway
from ocpp_server.power import PowerOperations
from ocpp_server.protocols import protocols
from ocpp_server.server import Limits
from ocpp_server.temporal_sink import TemporalSink
from runtime.files import have_files
from runtime.process import open_database
from runtime.settings import Settings
from storage.engine import Database
from storage.outages import DatabaseWatch, Outage
from temporal.client import connect
from temporal.deployment import DEPLOYMENT
from temporal.polling import log_outages_once

_MAX_ACTIVITIES: Final = 200
_FILES: Final = 65_536
"""Each charge point is one."""
# How long operations in flight may go on while a node drains; then their sockets are closed, and
# the workflows send them again elsewhere.
_DRAIN: Final = timedelta(seconds=5)
_DRAIN_LOOK: Final = 0.05
_GRACE: Final = timedelta(seconds=5)
_GC_THRESHOLD: Final = 10_000
_SIGNAL_GRACE: Final = 3.0
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 10.0
_log = structlog.get_logger(__name__)


async def run_node(
    settings: Settings,
    *,
    listening: Callable[[str, int], None] | None = None,
    task_queue: str = SHARED_TASK_QUEUE,
) -> None:
    """Serve charge points until cancelled (the process is told to stop); then stop gracefully.

    ``listening`` is called with host and port once the socket is bound; ``task_queue`` is where the
    workflows that it starts are served. The database and Temporal
    may come later than the node, and Temporal may go away: sockets are served meanwhile.

    Raises:
        MistakeError: nothing can listen there.
        SecretMissingError: the settings have no secret key.

    """
    have_files(_FILES)
    database = open_database(settings, "ocpp-server")
    watched = open_database(settings, "ocpp-server", pool_size=1)
    watch = DatabaseWatch(watched)
    lines = ChargePointLog()
    sink = TemporalSink(task_queue=task_queue, lines=lines)
    node = Node(
        node_id=new_id(Prefix.NODE),
        database=database,
        sink=sink,
        protocols=protocols(
            boot_retry_interval=settings.boot_retry_interval,
            heartbeat_interval=settings.heartbeat_interval,
        ),
        secret=settings.required_secret().encode(),
        limits=Limits(
            call_timeout=settings.call_timeout.total_seconds(),
            daily_bytes=settings.charge_point_daily_bytes,
        ),
        trusted_proxies=settings.trusted_proxies,
        trouble=watch.trouble,
        lines=lines,
    )
    calm_collector()
    log_outages_once()
    log = _log.bind(node_id=node.node_id)
    # Unwound from below: nobody new, and operations in flight end; then the sockets, and with them
    # what was still in flight; then those who used them.
    async with AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        stack.push_async_callback(watched.close)
        watching = asyncio.create_task(watch.run(), name="database watch")
        stack.push_async_callback(end, watching)
        stack.push_async_callback(sink.close, _SIGNAL_GRACE)
        activities = activities_of(node, database)
        stopping, in_flight = asyncio.Event(), InFlight()
        working = asyncio.create_task(
            _serve_activities(node.node_id, activities, sink, stopping, in_flight, watch),
            name="activities",
        )
        stack.push_async_callback(_finish, working)
        stack.push_async_callback(node.stop)
        stack.push_async_callback(_drain, node, working, stopping, in_flight)
        try:
            port = await node.start(settings.ocpp_host, settings.ocpp_port)
        except OSError as error:
            raise cannot_listen(
                "DYNAMO_OCPP", settings.ocpp_host, settings.ocpp_port, error
            ) from error
        log.info("ocpp_server_listening", host=settings.ocpp_host, port=port)
        if listening is not None:
            listening(settings.ocpp_host, port)
        try:
            await asyncio.Event().wait()
        finally:
            log.info("ocpp_server_stopping", charge_points=len(node.registry))


def calm_collector() -> None:
    """Make cycle collections rarer: thousands of connections live long and hold no garbage."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD, 20, 100)


async def _serve_activities(
    node_id: str,
    activities: Sequence[Activity],
    sink: TemporalSink,
    stopping: asyncio.Event,
    in_flight: InFlight,
    watch: DatabaseWatch,
) -> None:
    """Work on the node's task queue; whatever ends the worker but the stop, it begins again.

    An operation reads and writes its intent: while the database is away none is taken, and the
    workflow that waits asks where the charge point is.
    """
    pause = _FIRST_PAUSE
    outage = Outage("waiting_for_temporal", log=_log)
    client: Client | None = None
    while not stopping.is_set():
        await _first_of(watch.answering, stopping)
        if stopping.is_set():
            return
        try:
            if client is None:
                client = await connect()
                sink.connected(client)
            worker = Worker(
                client,
                task_queue=node_task_queue(node_id),
                activities=activities,
                max_concurrent_activities=_MAX_ACTIVITIES,
                graceful_shutdown_timeout=_DRAIN + _GRACE,
                interceptors=[in_flight],
                deployment_config=DEPLOYMENT,
            )
            _log.info("activities_served", task_queue=worker.task_queue)
            pause = _FIRST_PAUSE
            outage.over()
            await _run_until(worker, stopping, watch.away)
            if not stopping.is_set():
                _log.warning("polling_paused", task_queue=worker.task_queue)
        except Exception as error:  # noqa: BLE001 - the sockets are served without Temporal too
            client = None
            outage.failed(error)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await stopping.wait()
            pause = min(pause * 2, _LONGEST_PAUSE)


async def _first_of(*events: asyncio.Event) -> None:
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()


async def _run_until(worker: Worker, *events: asyncio.Event) -> None:
    serving = asyncio.create_task(worker.run(), name="activity worker")
    told = asyncio.create_task(_first_of(*events), name="wait for stop")
    try:
        await asyncio.wait({serving, told}, return_when=asyncio.FIRST_COMPLETED)
        if not serving.done():
            await worker.shutdown()
        await serving
    finally:
        told.cancel()


async def _drain(
    node: Node, working: asyncio.Task[None], stopping: asyncio.Event, in_flight: InFlight
) -> None:
    """Poll no more, and let each charge point go as soon as no operation on it is in flight."""
    until = asyncio.get_running_loop().time() + _DRAIN.total_seconds()
    stopping.set()
    while not working.done() and asyncio.get_running_loop().time() < until:
        node.drain(keep=in_flight)
        await asyncio.wait({working}, timeout=_DRAIN_LOOK)
    _log.info("ocpp_server_drained", in_flight=len(in_flight))


async def _finish(working: asyncio.Task[None]) -> None:
    # A connect to a Temporal that is away would otherwise hold the process for its whole timeout.
    _, late = await asyncio.wait({working}, timeout=_GRACE.total_seconds() * 2)
    for task in late:
        task.cancel()


def activities_of(node: Node, database: Database) -> Sequence[Activity]:
    """All that a node does for workflows."""
    operations: duties.ChargePointActivities = Gateway(node.registry, database)
    power: duties.PowerActivities = PowerOperations(node.registry)
    lists: duties.LocalListActivities = node.local_lists
    return (
        *done_by(operations, duties.ChargePointActivities, duties.under_heartbeats),
        *done_by(power, duties.PowerActivities, duties.under_heartbeats),
        *done_by(lists, duties.LocalListActivities, duties.under_heartbeats),
    )
