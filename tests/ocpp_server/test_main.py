"""The node as a whole: real Temporal, real database, a virtual charge point."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest
from pydantic import SecretStr
from sqlalchemy import select
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker
from websockets.exceptions import InvalidStatus

from activities.charge_point import ChargePointActivities
from domain import operations as op
from domain.facts import ChargePointEvent, ChargePointEvents, EventKind
from domain.names import CHARGE_POINT_EVENTS_SIGNAL, node_task_queue
from domain.operations import OperationName
from domain.proxies import read_networks
from ocpp_server.main import activities_of, run_node
from runtime.settings import Settings
from simulator import VirtualChargePoint
from storage.engine import Database
from storage.models.connections import ChargePointConnection, ConnectionAttempt, Node
from tests.ocpp_server.bed import SECRET, WITHIN, Bed, RecordingSink, make_node, seed


@workflow.defn
class Watcher:
    """Hears of a connection and a boot, then measures the link on the node that holds it."""

    def __init__(self) -> None:
        self.events: list[ChargePointEvent] = []

    @workflow.run
    async def run(self, charge_point_id: str) -> list[str]:
        await workflow.wait_condition(
            lambda: EventKind.BOOT in [event.kind for event in self.events],
            timeout=timedelta(seconds=WITHIN),
        )
        (link,) = [event.connection for event in self.events if event.connection is not None]
        measured = await workflow.execute_activity_method(
            ChargePointActivities.ping,
            op.Operation(charge_point_id=charge_point_id),
            task_queue=node_task_queue(link.node_id),
            start_to_close_timeout=timedelta(seconds=WITHIN),
        )
        assert 0 < measured.latency_ms < WITHIN * 1000
        return [event.kind for event in self.events]

    @workflow.signal(name=CHARGE_POINT_EVENTS_SIGNAL)
    def on_events(self, told: ChargePointEvents) -> None:
        self.events += told.events


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_node_serves_signals_and_operations_and_leaves_nothing_behind(
    database: Database,
    database_url: str,
    temporal_client: Client,
    temporal_address: str,
    task_queue: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_address)
    (charge_point_id,) = await seed(database)
    bed = Bed(database, make_node(database, RecordingSink()), RecordingSink(), 0, charge_point_id)
    await bed.watch(task_queue)
    listening: asyncio.Future[tuple[str, int]] = asyncio.get_running_loop().create_future()
    settings = Settings(
        database_url=database_url,
        ocpp_port=0,
        secret_key=SecretStr(SECRET.decode()),
        trusted_proxies=read_networks("127.0.0.1"),
    )
    node = asyncio.create_task(
        run_node(settings, listening=lambda host, port: listening.set_result((host, port)))
    )
    async with Worker(
        temporal_client,
        task_queue=task_queue,
        workflows=[Watcher],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        watcher = await temporal_client.start_workflow(
            Watcher.run, charge_point_id, id=task_queue, task_queue=task_queue
        )
        host, bed.port = await listening
        forwarded = {"X-Forwarded-For": "203.0.113.7"}
        with pytest.raises(InvalidStatus):
            async with bed.wire("cp_unknown", additional_headers=forwarded):
                pass
        charge_point = VirtualChargePoint(url=f"ws://{host}:{bed.port}/{charge_point_id}")
        running = asyncio.create_task(charge_point.run())
        heard = await watcher.result()
        assert heard[:2] == [EventKind.CONNECTED, EventKind.BOOT]
        node.cancel()
        with suppress(asyncio.CancelledError):
            await node
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    async with database.read() as connection:
        assert (await connection.execute(select(Node.__table__))).all() == []
        (row,) = await connection.execute(select(ChargePointConnection.__table__))
        assert row.disconnected_at is not None
        (attempt,) = await connection.execute(select(ConnectionAttempt.__table__))
        assert attempt.remote_address == "203.0.113.7"


async def test_a_node_serves_every_operation(bed: Bed) -> None:
    """An owner's unlock was once sent to nodes that did not know it."""
    served = {activity.__name__ for activity in activities_of(bed.node, bed.database)}
    assert served == set(OperationName)
