"""An OCPP node as the API's tests need it: connected in the database, scripted behind Temporal."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert, select
from sqlmodel import col
from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker

from domain.ids import Prefix, new_id
from domain.names import node_task_queue
from domain.operations import (
    ApplyConfiguration,
    ChangeAvailability,
    ConfigurationOutcome,
    Operation,
    OperationName,
    Outcome,
    ParameterOutcome,
    Ping,
    Reply,
    Reset,
    StartTestTransaction,
    StopTestTransaction,
    UnlockConnector,
)
from domain.states import ParameterState
from storage.connections import store_connected
from storage.engine import Database
from storage.fact_records import Connected
from storage.models.connections import ChargePointConnection
from storage.models.connections import Node as NodeRow
from storage.models.facts import Boot
from storage.parameters import Parameters


@dataclass(kw_only=True)
class Node:
    """A node and the charge point whose socket it holds; it keeps what became of parameters."""

    database: Database
    id: str = field(default_factory=lambda: new_id(Prefix.NODE))
    states: dict[str, ParameterState] = field(default_factory=dict)
    details: dict[str, str] = field(default_factory=dict)
    received: list[dict[str, str]] = field(default_factory=list)
    resets: list[str] = field(default_factory=list)
    """Intents of the restarts that it was told to make, and does not come back from."""

    @activity.defn(name=OperationName.APPLY_CONFIGURATION)
    async def apply_configuration(self, request: ApplyConfiguration) -> ConfigurationOutcome:
        self.received.append({wanted.key: wanted.value for wanted in request.parameters})
        outcomes = tuple(
            ParameterOutcome(
                key=wanted.key,
                desired=wanted.value,
                reported=wanted.value,
                state=self.states.get(wanted.key, ParameterState.APPLIED),
                detail=self.details.get(wanted.key),
            )
            for wanted in request.parameters
        )
        async with self.database.write() as connection:
            parameters = Parameters(connection)
            await parameters.record(request.charge_point_id, outcomes, at=datetime.now(UTC))
        return ConfigurationOutcome(parameters=outcomes)

    reply: Reply = Reply.ACCEPTED
    """How it takes the commands of an owner."""
    commands: list[Operation] = field(default_factory=list)

    @activity.defn(name=OperationName.CHANGE_AVAILABILITY)
    async def change_availability(self, request: ChangeAvailability) -> Outcome:
        return self._took(request)

    @activity.defn(name=OperationName.UNLOCK_CONNECTOR)
    async def unlock_connector(self, request: UnlockConnector) -> Outcome:
        return self._took(request)

    @activity.defn(name=OperationName.START_TEST_TRANSACTION)
    async def start_test_transaction(self, request: StartTestTransaction) -> Outcome:
        return self._took(request)

    @activity.defn(name=OperationName.STOP_TEST_TRANSACTION)
    async def stop_test_transaction(self, request: StopTestTransaction) -> Outcome:
        return self._took(request)

    def _took(self, request: Operation) -> Outcome:
        self.commands.append(request)
        return Outcome(reply=self.reply)

    @activity.defn(name=OperationName.RESET)
    async def reset(self, request: Reset) -> Outcome:
        self.resets.append(request.intent)
        return Outcome(reply=Reply.ACCEPTED)

    @activity.defn(name=OperationName.PING)
    async def ping(self, request: Operation) -> Ping:
        assert request.charge_point_id
        return Ping(latency_ms=41.7, ocpp_version="1.6")


@asynccontextmanager
async def connected_node(
    client: Client, database: Database, charge_point_id: str
) -> AsyncIterator[Node]:
    """Serve a node's task queue, and hold the charge point's socket as far as anyone can see."""
    node = Node(database=database)
    await hold(database, charge_point_id, node.id)
    await boot(database, charge_point_id)
    async with Worker(
        client,
        task_queue=node_task_queue(node.id),
        activities=[
            node.apply_configuration,
            node.reset,
            node.ping,
            node.change_availability,
            node.unlock_connector,
            node.start_test_transaction,
            node.stop_test_transaction,
        ],
    ):
        yield node


async def hold(database: Database, charge_point_id: str, node_id: str) -> None:
    """Store a live node and its connection."""
    now = datetime.now(UTC)
    async with database.write() as connection:
        beats = now + timedelta(hours=1)  # it never beats again, and lives for the whole test
        await connection.execute(insert(NodeRow).values(id=node_id, started_at=now, seen_at=beats))
        await connection.execute(
            insert(ChargePointConnection).values(
                charge_point_id=charge_point_id,
                node_id=node_id,
                generation=1,
                ocpp_version="1.6",
                remote_address="203.0.113.7",
                connected_at=now,
                last_seen_at=now,
            )
        )


async def boot(database: Database, charge_point_id: str) -> None:
    """Store a boot, so that nothing waits for one."""
    async with database.write() as connection:
        await connection.execute(
            insert(Boot).values(
                id=new_id(Prefix.EVENT),
                charge_point_id=charge_point_id,
                at=datetime.now(UTC),
                vendor="ABB",
                model="Terra AC W22",
                charge_point_serial="CP-SN-00483921",
                firmware_version="1.8.21",
                registration="Accepted",
                warnings=[],
                payload={},
            )
        )


async def contest(database: Database, charge_point_id: str) -> None:
    """Store the link of a stranger beside the one that :func:`hold` has stored; both live."""
    async with database.write() as connection:
        node_id = await connection.scalar(
            select(col(ChargePointConnection.node_id)).where(
                col(ChargePointConnection.charge_point_id) == charge_point_id
            )
        )
        assert node_id is not None
        link = Connected(
            charge_point_id=charge_point_id,
            node_id=node_id,
            ocpp_version="1.6",
            remote_address="198.51.100.9",
            at=datetime.now(UTC),
            alive=frozenset({1}),
        )
        await store_connected(connection, [link])
