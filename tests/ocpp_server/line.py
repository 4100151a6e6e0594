"""A charge point's messages on their way into the rows, without a socket: over one node, or two."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlmodel import col

from ocpp_server.dispatch import dispatch
from ocpp_server.frames import Call
from ocpp_server.peer import Peer
from storage.engine import Database
from storage.fact_records import Connected
from storage.models.transactions import MeterValue, Transaction
from storage.store_facts import store_facts
from tests.support.ocpp import V16

ROUTES = V16.routes
NODE, VERSION = "node_x", "1.6"


class Naming(StrEnum):
    """How a message names its transaction."""

    ITS_ID = "its id"
    ZERO = "0"
    MINUS_ONE = "-1"
    FOREIGN = "another's id"
    NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message in the queue. ``of`` is the number of its transaction in the charger's life."""

    number: int
    action: str
    payload: dict[str, Any]
    of: int | None = None
    naming: Naming = Naming.NOTHING

    @property
    def names_its_id(self) -> bool:
        return self.naming is Naming.ITS_ID

    @property
    def is_blind_stop(self) -> bool:
        return self.action == "StopTransaction" and not self.names_its_id


@dataclass
class Line:
    """A charge point's line to the engine: real handlers, real storage."""

    database: Database
    charge_point_id: str
    foreign_id: int
    peer: Peer = field(init=False)
    before: Peer = field(init=False)
    ids: dict[int, int] = field(default_factory=dict)

    async def connect(self) -> None:
        now = datetime.now(UTC)
        link = Connected(
            charge_point_id=self.charge_point_id,
            node_id=NODE,
            ocpp_version=VERSION,
            remote_address=None,
            at=now,
        )
        async with self.database.write() as connection:
            await store_facts(connection, [link])
        before = getattr(self, "peer", None)
        self.peer = Peer(
            charge_point_id=self.charge_point_id,
            node_id=NODE,
            ocpp_version=VERSION,
            remote_address=None,
            connected_at=now,
            generation=link.generation,
            transactions={known.transaction_id: known for known in reversed(link.transactions)},
        )
        self.before = before or self.peer

    async def deliver(self, message: Message) -> None:
        await self.deliver_over(message, self.peer)

    async def deliver_elsewhere(self, message: Message) -> None:
        """Over the connection before, of a node that has not noticed its end."""
        await self.deliver_over(message, self.before)

    async def deliver_over(self, message: Message, peer: Peer) -> None:
        async with self.storing(message, peer):
            pass

    @asynccontextmanager
    async def storing(self, message: Message, peer: Peer) -> AsyncIterator[None]:
        """Store it; the commit comes with the end of the block, and the answer after it."""
        payload = dict(message.payload)
        match message.naming:
            case Naming.ITS_ID:
                assert message.of is not None
                payload["transactionId"] = self.ids[message.of]
            case Naming.ZERO | Naming.MINUS_ONE:
                payload["transactionId"] = int(message.naming)
            case Naming.FOREIGN:
                payload["transactionId"] = self.foreign_id
            case Naming.NOTHING:
                pass
        reply = dispatch(ROUTES, peer, Call("1", message.action, payload), datetime.now(UTC))
        async with self.database.write() as connection:
            await store_facts(connection, reply.facts)
            yield
        answer = reply.payload()
        if message.action == "StartTransaction":
            assert message.of is not None
            told = self.ids.setdefault(message.of, answer["transactionId"])
            assert answer["transactionId"] == told, "a repeated start got another id"

    async def rows(self) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        """Transactions and meter values, without ids and the time of arrival."""
        async with self.database.read() as connection:
            started = (
                await connection.execute(
                    select(Transaction.__table__).filter_by(charge_point_id=self.charge_point_id)
                )
            ).all()
            metered = (
                await connection.execute(
                    select(MeterValue.__table__).filter_by(charge_point_id=self.charge_point_id)
                )
            ).all()
        names = {row.id: (row.evse_id, row.started_at) for row in started}
        return (
            sorted(
                (
                    row.evse_id,
                    row.id_tag,
                    row.started_at,
                    row.meter_start,
                    row.stopped_at,
                    row.meter_stop,
                    row.stop_reason,
                )
                for row in started
            ),
            sorted(
                (row.evse_id, row.at, repr(row.samples), repr(names.get(row.transaction_id)))
                for row in metered
            ),
        )


def at(minute: int) -> str:
    return datetime(2026, 5, 1, 9, minute, tzinfo=UTC).isoformat()


def start(of: int, minute: int, *, connector: int = 1) -> Message:
    payload = {"connectorId": connector, "idTag": "T", "meterStart": 10 * of}
    return Message(
        number=0, action="StartTransaction", payload=payload | {"timestamp": at(minute)}, of=of
    )


def stop(of: int, minute: int, naming: Naming = Naming.ITS_ID) -> Message:
    payload = {"meterStop": 10 * of + 9, "timestamp": at(minute)}
    return Message(number=0, action="StopTransaction", payload=payload, of=of, naming=naming)


def value(minute: int, naming: Naming = Naming.NOTHING, *, of: int | None = None) -> Message:
    reading = {"timestamp": at(minute), "sampledValue": [{"value": str(minute)}]}
    payload = {"connectorId": 1, "meterValue": [reading]}
    return Message(number=0, action="MeterValues", payload=payload, of=of, naming=naming)


async def filed(line: Line) -> list[tuple[int, int | None]]:
    """Minute and transaction of each meter value, in order of time."""
    async with line.database.read() as connection:
        rows = (
            await connection.execute(select(MeterValue.__table__).order_by(col(MeterValue.at)))
        ).all()
    numbers = {id_: number for number, id_ in line.ids.items()}
    return [(row.at.minute, numbers.get(row.transaction_id)) for row in rows]
