"""Transactions and meter values end in the same rows in whatever order they come, however often.

A charge point lives its life, and its messages wait in an offline queue. They are delivered early,
late, twice, over one connection or several; a twin's messages come once and in order. In the end
both have the same rows. Two things a charge point cannot do: name the id of a transaction before
it was told, and, having lost that id, stop before what it started and stopped earlier was heard.
One that changes its node may be heard by both at once, in what tells its transaction: a value that
does not is filed by what a node knows, and the old one knows less.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from ocpp_server.dispatch import dispatch
from ocpp_server.frames import Call
from ocpp_server.peer import Peer
from ocpp_server.v16.routes import routes
from storage import facts
from storage.engine import Database
from storage.fact_records import Connected
from storage.tables import meter_values, transactions
from tests.ocpp_server.bed import seed

ROUTES = routes(boot_retry_interval=1, heartbeat_interval=60)
NODE, VERSION = "node_x", "1.6"
CONNECTORS = (1, 2)
MOST_TRANSACTIONS = 8
MOST_MESSAGES = 40


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
    def tells_its_transaction(self) -> bool:
        return self.action == "StartTransaction" or self.names_its_id

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
            await facts.store(connection, [link])
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
        await self._deliver(message, self.peer)

    async def deliver_elsewhere(self, message: Message) -> None:
        """Over the connection before, of a node that has not noticed its end."""
        await self._deliver(message, self.before)

    async def _deliver(self, message: Message, peer: Peer) -> None:
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
        assert reply.fact is not None
        async with self.database.write() as connection:
            await facts.store(connection, [reply.fact])
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
                    select(transactions).filter_by(charge_point_id=self.charge_point_id)
                )
            ).all()
            metered = (
                await connection.execute(
                    select(meter_values).filter_by(charge_point_id=self.charge_point_id)
                )
            ).all()
        names = {row.id: (row.connector_id, row.started_at) for row in started}
        return (
            sorted(
                (
                    row.connector_id,
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
                (row.connector_id, row.at, repr(row.samples), repr(names.get(row.transaction_id)))
                for row in metered
            ),
        )


async def _both(one: Awaitable[None], other: Awaitable[None]) -> None:
    await asyncio.gather(one, other)


class Life(RuleBasedStateMachine):
    """What happens at the charge point, and how its messages travel."""

    def __init__(self, database: Database, run: Callable[..., Any]) -> None:
        super().__init__()
        self.run = run
        own, twin, other = run(seed(database, 3))
        self.other = Line(database, other, 0)
        run(self.other.connect())
        self.now = datetime(2026, 5, 1, tzinfo=UTC)
        self.register = 1000
        self.life: list[Message] = []
        self.charging: dict[int, int] = {}
        self.transactions = 0
        run(self.other.deliver(self._start_message(1)))
        self.foreign_id = self.other.ids.pop(0)
        self.foreign_rows = run(self.other.rows())
        self.line = Line(database, own, self.foreign_id)
        self.twin = Line(database, twin, self.foreign_id)
        for line in (self.line, self.twin):
            run(line.connect())
        self.pending: list[Message] = []
        self.delivered: list[Message] = []

    # what happens there

    @precondition(lambda self: self.transactions < MOST_TRANSACTIONS)
    @rule(connector=st.sampled_from(CONNECTORS))
    def start(self, connector: int) -> None:
        if connector not in self.charging:
            self._queue(self._start_message(connector, of=self.transactions))
            self.charging[connector] = self.transactions
            self.transactions += 1

    @precondition(lambda self: len(self.life) < MOST_MESSAGES)
    @rule(connector=st.sampled_from(CONNECTORS), naming=st.sampled_from(Naming))
    def sample(self, connector: int, naming: Naming) -> None:
        of = self.charging.get(connector)
        if of is None and naming is Naming.ITS_ID:
            naming = Naming.NOTHING
        self._queue(
            Message(
                number=len(self.life),
                action="MeterValues",
                payload={"connectorId": connector, "meterValue": [self._reading()]},
                of=of,
                naming=naming,
            )
        )

    @rule(
        connector=st.sampled_from(CONNECTORS),
        naming=st.sampled_from((Naming.ITS_ID, Naming.ZERO, Naming.MINUS_ONE)),
        with_data=st.booleans(),
    )
    def stop(self, connector: int, naming: Naming, *, with_data: bool) -> None:
        if connector not in self.charging:
            return
        if len(self.charging) > 1:
            naming = Naming.ITS_ID  # which one, is what nobody could tell
        payload: dict[str, Any] = {"reason": "Local"}
        if with_data:
            payload["transactionData"] = [self._reading()]
        self._tick()
        payload |= {"meterStop": self.register, "timestamp": self.now.isoformat()}
        self._queue(
            Message(
                number=len(self.life),
                action="StopTransaction",
                payload=payload,
                of=self.charging.pop(connector),
                naming=naming,
            )
        )

    @rule()
    def stop_of_another(self) -> None:
        """It names a transaction of another charge point."""
        self._tick()
        payload = {"meterStop": self.register, "timestamp": self.now.isoformat()}
        message = Message(
            number=-1, action="StopTransaction", payload=payload, naming=Naming.FOREIGN
        )
        self.run(self.line.deliver(message))

    # how messages travel

    @precondition(lambda self: self.pending)
    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        possible = [message for message in self.pending if self._can_come(message)]
        message = data.draw(st.sampled_from(possible))
        self.pending.remove(message)
        self._deliver(message)

    @precondition(lambda self: self.delivered)
    @rule(data=st.data())
    def deliver_again(self, data: st.DataObject) -> None:
        self.run(self.line.deliver(data.draw(st.sampled_from(self.delivered))))

    @precondition(lambda self: any(message.tells_its_transaction for message in self.delivered))
    @rule(data=st.data())
    def deliver_again_at_two_nodes_at_once(self, data: st.DataObject) -> None:
        possible = [message for message in self.delivered if message.tells_its_transaction]
        self._deliver_twice(data.draw(st.sampled_from(possible)))

    @precondition(lambda self: self._for_two_nodes())
    @rule(data=st.data())
    def deliver_at_two_nodes_at_once(self, data: st.DataObject) -> None:
        message = data.draw(st.sampled_from(self._for_two_nodes()))
        self.pending.remove(message)
        self._deliver_twice(message)
        self.delivered.append(message)

    @rule()
    def reconnect(self) -> None:
        self.run(self.line.connect())

    def teardown(self) -> None:
        """The queue empties, the twin tells its life in order, and the rows are the same."""
        for message in self.pending:
            self._deliver(message)
        for message in self.life:
            self.run(self.twin.deliver(message))
        assert self.run(self.line.rows()) == self.run(self.twin.rows())
        assert self.run(self.other.rows()) == self.foreign_rows

    def _deliver(self, message: Message) -> None:
        self.run(self.line.deliver(message))
        self.delivered.append(message)

    def _deliver_twice(self, message: Message) -> None:
        """The old node takes it from a socket that is gone; the new one hears it repeated."""
        self.run(_both(self.line.deliver(message), self.line.deliver_elsewhere(message)))

    def _for_two_nodes(self) -> list[Message]:
        return [m for m in self.pending if m.tells_its_transaction and self._can_come(m)]

    def _can_come(self, message: Message) -> bool:
        if message.is_blind_stop:
            return not any(
                earlier.number < message.number and earlier.action != "MeterValues"
                for earlier in self.pending
            )
        return not message.names_its_id or message.of in self.line.ids

    def _queue(self, message: Message) -> None:
        self.life.append(message)
        self.pending.append(message)

    def _start_message(self, connector: int, *, of: int = 0) -> Message:
        self._tick()
        return Message(
            number=len(self.life),
            action="StartTransaction",
            payload={
                "connectorId": connector,
                "idTag": "TAG",
                "meterStart": self.register,
                "timestamp": self.now.isoformat(),
            },
            of=of,
        )

    def _reading(self) -> dict[str, Any]:
        self._tick()
        sample = {"value": str(self.register), "measurand": "Energy.Active.Import.Register"}
        return {"timestamp": self.now.isoformat(), "sampledValue": [sample]}

    def _tick(self) -> None:
        self.now += timedelta(seconds=10)
        self.register += 7


@pytest.mark.parametrize(
    ("database_url", "lives"), [("sqlite", 40), ("postgresql", 6)], indirect=["database_url"]
)
def test_any_order_ends_in_the_same_rows(database_url: str, lives: int) -> None:
    with asyncio.Runner() as runner:
        database = Database(database_url)
        run_state_machine_as_test(
            partial(Life, database, runner.run),  # type: ignore[arg-type]
            settings=settings(
                max_examples=lives,
                stateful_step_count=40,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
        runner.run(database.close())


@pytest.fixture
async def line(database: Database) -> Line:
    (charge_point_id,) = await seed(database)
    line = Line(database, charge_point_id, 0)
    await line.connect()
    return line


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
        rows = (await connection.execute(select(meter_values).order_by(meter_values.c.at))).all()
    numbers = {id_: number for number, id_ in line.ids.items()}
    return [(row.at.minute, numbers.get(row.transaction_id)) for row in rows]


async def test_values_that_name_nothing_are_filed_by_their_time(line: Line) -> None:
    late_start, end, second = start(1, 10), stop(1, 20), start(2, 30)
    await line.deliver(value(15))
    await line.deliver(value(35, Naming.ZERO))
    assert await filed(line) == [(15, None), (35, None)]
    await line.deliver(late_start)
    await line.deliver(value(25, Naming.MINUS_ONE))
    assert await filed(line) == [(15, 1), (25, 1), (35, 1)]
    await line.deliver(end)
    assert await filed(line) == [(15, 1), (25, None), (35, None)]
    await line.deliver(second)
    assert await filed(line) == [(15, 1), (25, None), (35, 2)]


async def test_a_start_takes_over_from_one_whose_stop_is_late(line: Line) -> None:
    await line.deliver(start(1, 10))
    await line.deliver(value(35))
    await line.deliver(value(40, Naming.ITS_ID, of=1))  # what is named stays
    await line.deliver(start(2, 30))
    await line.deliver(stop(1, 20))
    assert await filed(line) == [(35, 2), (40, 1)]


async def test_what_is_repeated_is_there_once(line: Line) -> None:
    await line.deliver(start(1, 10))
    for _ in range(2):
        await line.deliver(start(1, 10))
        await line.deliver(value(5))
        await line.deliver(value(15, Naming.ITS_ID, of=1))
        await line.deliver(value(16))
        await line.connect()
    assert await filed(line) == [(5, None), (15, 1), (16, 1)]
    assert len((await line.rows())[0]) == 1


async def test_a_repeated_stop_that_lost_its_id_ends_no_other_transaction(line: Line) -> None:
    await line.deliver(start(1, 10))
    await line.deliver(stop(1, 20, Naming.ZERO))
    await line.deliver(start(2, 30))
    for naming in (Naming.ZERO, Naming.MINUS_ONE):
        await line.deliver(stop(1, 20, naming))
    first, second = (await line.rows())[0]
    assert first[4] is not None
    assert second[4] is None


async def test_a_stop_without_an_id_ends_the_one_that_it_can_mean(line: Line) -> None:
    await line.deliver(start(1, 10))
    await line.deliver(start(2, 30, connector=2))
    await line.deliver(stop(1, 20, Naming.ZERO))
    assert [row[4] is not None for row in (await line.rows())[0]] == [True, False]


async def test_a_stop_without_an_id_that_could_mean_two_ends_none(line: Line) -> None:
    await line.deliver(start(1, 10))
    await line.deliver(start(2, 12, connector=2))
    await line.deliver(stop(2, 20, Naming.ZERO))
    assert [row[4] for row in (await line.rows())[0]] == [None, None]
