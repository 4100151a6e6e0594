"""Transactions and meter values end in the same rows in whatever order they come, however often.

A charge point lives its life, and its messages wait in an offline queue. They are delivered early,
late, twice, over one connection or several; a twin's messages come once and in order. In the end
both have the same rows. Two things a charge point cannot do: name the id of a transaction before
it was told, and, having lost that id, stop before what it started and stopped earlier was heard.
One that changes its node may be heard by both at once, though the old one knows less. How the two
get into each other's way is a schedule of its own: ``test_two_nodes.py``.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
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

from storage.engine import Database
from tests.ocpp_server.bed import seed
from tests.ocpp_server.line import Line, Message, Naming, filed, start, stop, value

CONNECTORS = (1, 2)
MOST_TRANSACTIONS = 8
MOST_MESSAGES = 40


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
        message = data.draw(st.sampled_from(self._possible()))
        self.pending.remove(message)
        self._deliver(message)

    @precondition(lambda self: self.delivered)
    @rule(data=st.data())
    def deliver_again(self, data: st.DataObject) -> None:
        self.run(self.line.deliver(data.draw(st.sampled_from(self.delivered))))

    @precondition(lambda self: self.delivered)
    @rule(data=st.data())
    def deliver_again_at_two_nodes_at_once(self, data: st.DataObject) -> None:
        self._deliver_twice(data.draw(st.sampled_from(self.delivered)))

    @precondition(lambda self: self.pending)
    @rule(data=st.data())
    def deliver_elsewhere(self, data: st.DataObject) -> None:
        """The old node alone hears it, and the new one none of it."""
        message = data.draw(st.sampled_from(self._possible()))
        self.pending.remove(message)
        self.run(self.line.deliver_elsewhere(message))
        self.delivered.append(message)

    @precondition(lambda self: self.pending)
    @rule(data=st.data())
    def deliver_at_two_nodes_at_once(self, data: st.DataObject) -> None:
        message = data.draw(st.sampled_from(self._possible()))
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

    def _possible(self) -> list[Message]:
        return [message for message in self.pending if self._can_come(message)]

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
