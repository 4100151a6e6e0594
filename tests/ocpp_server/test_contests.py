"""Two links that speak as one charge point without a key, over real sockets."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col
from websockets.exceptions import ConnectionClosed

from domain import operations as op
from domain.contests import Contest, Refused
from domain.facts import BootFact, EventKind
from domain.ports import ChargePointGoneError
from domain.states import RegistrationStatus
from ocpp_server import contests
from ocpp_server import node as node_module
from ocpp_server.socket import ChargerSocket
from storage import contests as contests_of_rows
from storage import nodes
from storage.boots import newest_boot
from storage.connections import read_connection
from storage.contests import read_confirmed, read_contests
from storage.fact_records import Boot, Connected
from storage.models.connections import ChargePointConnection, ConnectionAttempt, Node
from storage.models.facts import Boot as BootRow
from storage.models.facts import Connector
from storage.models.transactions import Transaction
from storage.snapshots import read_snapshot
from storage.store_facts import store_facts
from tests.ocpp_server.bed import WITHIN, Bed, RecordingSink, Wire, make_node
from tests.ocpp_server.test_liveness import without_pongs
from tests.support.eventually import eventually
from tests.support.figures import Figure
from tests.support.statements import heard

STRANGER: dict[str, Any] = {"local_addr": ("127.0.0.2", 0)}
START: dict[str, Any] = {
    "connectorId": 1,
    "idTag": "T",
    "meterStart": 1,
    "timestamp": "2026-05-01T09:00:00Z",
}
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def is_connected(bed: Bed) -> bool:
    async with bed.database.read() as connection:
        link = await read_connection(connection, bed.charge_point_id, now=datetime.now(UTC))
    return link is not None and link.connected


async def is_contested(bed: Bed) -> bool:
    async with bed.database.read() as connection:
        contest = (await read_contests(connection)).get(bed.charge_point_id)
    return contest is not None and contest.confirmed_at is not None


async def keep(bed: Bed, address: str) -> None:
    """Decide as the API does."""
    async with bed.database.write() as connection:
        contest = (await read_contests(connection))[bed.charge_point_id]
        (link,) = [one.generation for one in contest.links if one.remote_address == address]
        await contests_of_rows.keep(connection, bed.charge_point_id, link, at=datetime.now(UTC))


async def disconnect(bed: Bed) -> None:
    """Decide that it is none of them, as the API does."""
    async with bed.database.write() as connection:
        await contests_of_rows.disconnect(connection, bed.charge_point_id, at=datetime.now(UTC))


async def marks(bed: Bed) -> list[int | None]:
    """Give the marks of the boots, in the order in which they came."""
    return [row.contested_link for row in sorted(await bed.rows(BootRow), key=lambda row: row.at)]


async def status(wire: Wire, word: str) -> None:
    await wire.call(
        "StatusNotification", {"connectorId": 1, "status": word, "errorCode": "NoError"}
    )


def boot_of(charge_point_id: str, *, contested: int) -> Boot:
    return Boot(
        charge_point_id=charge_point_id,
        fact=BootFact(
            boot_id="boot_1",
            at=datetime.now(UTC),
            vendor="V",
            model="M",
            charge_point_serial=None,
            charge_box_serial=None,
            firmware_version=None,
            registration=RegistrationStatus.PENDING,
        ),
        payload={},
        contested=contested,
    )


def operation(bed: Bed) -> op.Operation:
    return op.Operation(charge_point_id=bed.charge_point_id)


@asynccontextmanager
async def contested(bed: Bed) -> AsyncIterator[tuple[Wire, Wire]]:
    """The charge point, and a stranger that has come beside it."""
    async with bed.wire() as charger:
        await charger.boot()
        async with bed.wire(**STRANGER) as stranger:
            await stranger.sync()
            assert await is_contested(bed)
            yield charger, stranger


async def test_nothing_rests_on_either_while_both_live(bed: Bed) -> None:
    await bed.watch()
    async with contested(bed) as (charger, stranger):
        assert not await is_connected(bed)
        with pytest.raises(ChargePointGoneError):
            await bed.gateway.ping(operation(bed))
        await bed.sink.until(lambda: bed.sink.kinds[-1:] == [EventKind.DISCONNECTED])
        told = len(bed.sink.delivered)
        for wire in (charger, stranger):
            await wire.boot()
            await status(wire, "Faulted")
            await wire.sync()
        (*_, (_, event)) = bed.sink.delivered
        assert event.connection is not None
        assert (event.connection.connected, event.connection.contested) == (False, True)
        assert len(bed.sink.delivered) == told
        assert await marks(bed) == [None, 1, 2]
        async with bed.database.read() as connection:
            snapshot = await read_snapshot(connection, bed.charge_point_id, now=datetime.now(UTC))
        assert not snapshot.connectors
        assert snapshot.connection is not None
        assert snapshot.connection.contested


async def test_who_came_while_a_stranger_asked_is_asked_too(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was taken for one that the node had lost, and closed for the stranger."""
    asked, may_go_on = asyncio.Event(), asyncio.Event()
    ask = bed.node.server.contests.ask

    async def ask_at_leisure(charge_point_id: str, *, besides: str | None) -> contests.Found:
        found = await ask(charge_point_id, besides=besides)
        if besides == "127.0.0.2":
            asked.set()
            await may_go_on.wait()
        return found

    monkeypatch.setattr(bed.node.server.contests, "ask", ask_at_leisure)
    async with bed.wire(**STRANGER) as stranger:
        await asked.wait()
        async with bed.wire() as charger:
            await charger.boot()
            may_go_on.set()
            await stranger.sync()
            await charger.sync()
            assert await is_contested(bed)


async def test_one_that_has_just_ended_is_not_waited_for(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes back from another address before its end is stored."""
    async with bed.wire() as charger:
        await charger.sync()
        (old,) = bed.node.registry.all_of(bed.charge_point_id)
        monkeypatch.setattr(bed.node.registry, "all_of", lambda _: [])
        async with asyncio.timeout(WITHIN), bed.wire(**STRANGER) as new:
            await new.sync()
    async with bed.database.read() as connection:
        (found,) = [
            row
            for row in await connection.execute(select(ChargePointConnection.__table__))
            if row.charge_point_id == bed.charge_point_id
        ]
    assert found.generation == old.peer.generation + 1
    assert found.contest_since is None


@on_sqlite
async def test_from_the_same_address_the_newcomer_wins_at_once(
    bed: Bed, monkeypatch: pytest.MonkeyPatch, figure: Figure
) -> None:
    monkeypatch.setattr(contests, "ANSWER_SECONDS", 60)
    async with bed.wire() as old:
        await old.sync()
        began = monotonic()
        async with asyncio.timeout(WITHIN), bed.wire() as new:
            await new.sync()
            figure(f"from the same address, served after {monotonic() - began:.2f} s")
            with pytest.raises(ConnectionClosed):
                await old.frame()
            assert await is_connected(bed)


@on_sqlite
async def test_a_silent_link_is_replaced_and_nobody_is_alarmed(bed: Bed, figure: Figure) -> None:
    async with bed.wire() as old:
        await old.boot()
        without_pongs(old)
        began = monotonic()
        async with asyncio.timeout(WITHIN), bed.wire(**STRANGER) as new:
            await new.sync()
        figure(f"beside a link that is silent, served after {monotonic() - began:.2f} s")
        assert not await is_contested(bed)
        async with bed.database.read() as connection:
            assert await newest_boot(connection, bed.charge_point_id) is not None


@on_sqlite
async def test_whoever_answers_no_ping_is_asked_by_a_call(bed: Bed) -> None:
    async with bed.wire() as old:
        without_pongs(old)
        await old.boot()
        session = bed.node.registry.require(bed.charge_point_id)
        session.socket._has_ponged = False
        session.socket._probed_at = session.socket.heard_at - 100
        async with asyncio.TaskGroup() as group:
            asked = group.create_task(old.frame())
            async with bed.wire(**STRANGER) as new:
                frame = await asked
                await old.socket.send(f'[3,"{frame[1]}",{{}}]')
                await new.sync()
                assert await is_contested(bed)


async def test_what_the_kept_one_has_told_counts_and_the_other_is_closed(bed: Bed) -> None:
    await bed.watch()
    async with contested(bed) as (charger, stranger):
        await charger.boot()
        await stranger.boot()
        await status(stranger, "Faulted")
        await keep(bed, "127.0.0.1")
        await bed.node.compare()
        with pytest.raises(ConnectionClosed):
            await stranger.frame()
        await charger.sync()
        assert await is_connected(bed)
        await bed.sink.until(lambda: bed.sink.kinds.count(EventKind.CONNECTED) == 2)
        assert await marks(bed) == [None, None, 2]
        assert not await bed.rows(Connector)
        peer = bed.node.registry.require(bed.charge_point_id).peer
        (row,) = await bed.rows(ChargePointConnection)
        assert peer.generation == row.generation == 3
        await bed.node.compare()
        await charger.sync()


@on_sqlite
async def test_of_the_one_that_was_there_first_nothing_counts_if_the_other_is_kept(
    bed: Bed,
) -> None:
    async with contested(bed) as (charger, stranger):
        await stranger.boot()
        await keep(bed, "127.0.0.2")
        await bed.node.compare()
        with pytest.raises(ConnectionClosed):
            await charger.frame()
        await stranger.sync()
        assert await marks(bed) == [1, None]


@on_sqlite
async def test_once_decided_the_stranger_is_sent_away_and_that_is_recorded(bed: Bed) -> None:
    async with contested(bed) as (charger, _):
        await keep(bed, "127.0.0.1")
        await bed.node.compare()
        async with bed.wire(**STRANGER) as again:
            with pytest.raises(ConnectionClosed):
                await again.sync()
        await charger.sync()
        assert await is_connected(bed)

    async def recorded() -> None:
        assert [row.code for row in await bed.rows(ConnectionAttempt)] == [Refused.ANOTHER_IS_KEPT]

    await eventually(recorded)


@on_sqlite
async def test_a_decision_holds_from_its_moment_on(bed: Bed) -> None:
    async with contested(bed) as (charger, _):
        await keep(bed, "127.0.0.1")
        # The node has not looked yet.
        async with bed.wire(**STRANGER) as again:
            with pytest.raises(ConnectionClosed):
                await again.sync()
        await bed.node.compare()
        await charger.sync()
        assert await is_connected(bed)


@on_sqlite
async def test_that_one_of_them_goes_decides_nothing(bed: Bed) -> None:
    async with contested(bed) as (charger, stranger):
        await charger.socket.close()

        async def ended() -> None:
            async with bed.database.read() as connection:
                contest = (await read_contests(connection))[bed.charge_point_id]
            assert [link.answered for link in contest.links] == [False, True]

        await eventually(ended)
        await bed.node.compare()
        await stranger.sync()
        assert not await is_connected(bed)


@on_sqlite
async def test_neither_stays_when_the_charge_point_is_withdrawn(bed: Bed) -> None:
    async with contested(bed) as (charger, stranger):
        await bed.set(withdrawn_at=datetime.now(UTC))
        await bed.node.compare()
        for wire in (charger, stranger):
            with pytest.raises(ConnectionClosed):
                await wire.frame()


async def test_what_comes_after_a_decision_is_judged_by_it_before_the_node_has_looked(
    bed: Bed,
) -> None:
    async with contested(bed) as (charger, stranger):
        await keep(bed, "127.0.0.1")
        for number, wire in enumerate((charger, stranger), 1):
            await wire.boot()
            await status(wire, "Available" if wire is charger else "Faulted")
            await wire.call("StartTransaction", START | {"connectorId": number})
        assert await marks(bed) == [None, 2]
        assert [one.status for one in await bed.rows(Connector)] == ["Available"]
        begun = sorted(await bed.rows(Transaction), key=lambda row: row.evse_id)
        assert [row.contested for row in begun] == [False, True]


async def test_what_was_told_counts_when_nobody_else_was_there_after_all(bed: Bed) -> None:
    """Also where the next link finds that out, and no node's look."""

    def link(node: str, address: str, **found: Any) -> Connected:
        return Connected(
            charge_point_id=bed.charge_point_id,
            node_id=node,
            ocpp_version="1.6",
            remote_address=address,
            at=datetime.now(UTC),
            **found,
        )

    async with bed.database.write() as connection:
        for node in ("nod_a", "nod_b"):
            await nodes.beat(connection, node)
        await store_facts(connection, [link("nod_a", "192.0.2.1")])
        newcomer = link("nod_b", "198.51.100.1")
        await store_facts(connection, [newcomer])
        assert newcomer.contest is not None
        assert newcomer.contest.confirmed_at is None
        boot = boot_of(bed.charge_point_id, contested=newcomer.generation)
        await store_facts(connection, [boot])
        assert await newest_boot(connection, bed.charge_point_id) is None
        again = link("nod_b", "198.51.100.1", gone=frozenset({1}))
        await store_facts(connection, [again])
        assert again.contest is None
        found = await newest_boot(connection, bed.charge_point_id)
    assert found is not None
    assert found.boot_id == boot.fact.boot_id


@on_sqlite
async def test_what_is_known_of_a_link_that_has_gone_is_written_once(bed: Bed) -> None:
    async with contested(bed) as (charger, _):
        await charger.socket.close()

        async def ended() -> None:
            async with bed.database.read() as connection:
                contest = (await read_contests(connection))[bed.charge_point_id]
            assert contest.links[0].answered is False

        await eventually(ended)
        with heard(bed.database) as statements:
            for _ in range(3):  # it is missing at the second look
                await bed.node.compare()
        assert not [said for said in statements if "rivals=" in said]


async def test_a_stop_of_a_strangers_keeps_the_charge_points_own_from_nobody(bed: Bed) -> None:
    """Both are answered; whose link is kept, by that one it has ended."""
    async with bed.wire() as charger:
        await charger.boot()
        begun = await charger.call("StartTransaction", START)
        stop = {"transactionId": begun[2]["transactionId"], "timestamp": "2026-05-01T10:00:00Z"}
        async with bed.wire(**STRANGER) as stranger:
            await stranger.sync()
            assert await is_contested(bed)
            assert (await stranger.call("StopTransaction", stop | {"meterStop": 2}))[0] == 3
            assert (await charger.call("StopTransaction", stop | {"meterStop": 9000}))[0] == 3
            await keep(bed, "127.0.0.1")
    (row,) = await bed.rows(Transaction)
    assert (row.meter_stop, row.contested) == (9000, True)


async def test_a_transaction_of_that_time_is_marked(bed: Bed) -> None:
    async with bed.wire() as charger:
        for second, stops in (("01", True), ("02", False)):
            begun = await charger.call(
                "StartTransaction", START | {"timestamp": f"2026-05-01T09:00:{second}Z"}
            )
            if stops:
                await charger.call(
                    "StopTransaction",
                    {
                        "transactionId": begun[2]["transactionId"],
                        "meterStop": 5,
                        "timestamp": "2026-05-01T09:00:05Z",
                    },
                )
        async with bed.wire(**STRANGER) as stranger:
            await stranger.call("StartTransaction", START | {"connectorId": 2})
            async with bed.database.read() as connection:
                rows = await connection.execute(
                    select(col(Transaction.contested)).order_by(col(Transaction.id))
                )
            assert [row.contested for row in rows] == [False, True, True]


@asynccontextmanager
async def another_node(bed: Bed) -> AsyncIterator[Bed]:
    """The same charge point at another node."""
    other = make_node(bed.database, RecordingSink())
    port = await other.start("127.0.0.1", 0)
    try:
        yield Bed(bed.database, other, RecordingSink(), port, bed.charge_point_id)
    finally:
        await other.stop()


async def beat_of(bed: Bed, *, ago: timedelta) -> None:
    """Let the node have beaten so long ago."""
    async with bed.database.write() as connection:
        await connection.execute(
            update(Node)
            .where(Node.__table__.c.id == bed.node.node_id)
            .values(seen_at=datetime.now(UTC) - ago)
        )


async def addresses(bed: Bed) -> list[str | None]:
    async with bed.database.read() as connection:
        contest = (await read_contests(connection))[bed.charge_point_id]
    return [link.remote_address for link in contest.links]


async def come(bed: Bed, stack: AsyncExitStack, *numbers: int) -> list[Wire]:
    """Let strangers connect, from an address each."""
    wires = []
    for number in numbers:
        stranger: dict[str, Any] = {"local_addr": (f"127.0.0.{number}", 0)}
        wires.append(await stack.enter_async_context(bed.wire(**stranger)))
        await wires[-1].sync()
    return wires


async def gone(bed: Bed, wire: Wire) -> None:
    await wire.socket.close()

    async def ended() -> None:
        assert "127.0.0.1" not in {
            one.peer.remote_address for one in bed.node.registry.all_of(bed.charge_point_id)
        }

    await eventually(ended)


class TestACrowdOfStrangers:
    async def test_the_one_that_was_there_first_finds_its_place(self, bed: Bed) -> None:
        async with AsyncExitStack() as stack:
            charger = await stack.enter_async_context(bed.wire())
            await charger.boot()
            *_, last = await come(bed, stack, 2, 3, 4)
            await gone(bed, charger)
            await come(bed, stack, 5)
            with pytest.raises(ConnectionClosed):
                await last.frame()
            again = await stack.enter_async_context(bed.wire())
            await again.boot()
            assert await addresses(bed) == ["127.0.0.2", "127.0.0.3", "127.0.0.5", "127.0.0.1"]
            await keep(bed, "127.0.0.1")
            await bed.node.compare()
            await again.sync()
            assert await is_connected(bed)

    async def test_the_one_that_was_kept_finds_one(self, bed: Bed) -> None:
        async with AsyncExitStack() as stack:
            charger = await stack.enter_async_context(bed.wire())
            await charger.boot()
            await come(bed, stack, 2)
            await keep(bed, "127.0.0.1")
            await bed.node.compare()
            await gone(bed, charger)
            await come(bed, stack, 2, 3, 4, 5)
            again = await stack.enter_async_context(bed.wire())
            await again.boot()
            assert await addresses(bed) == ["127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.1"]

    async def test_a_person_closes_them_all_and_the_next_one_is_served(self, bed: Bed) -> None:
        async with AsyncExitStack() as stack:
            strangers = await come(bed, stack, 2, 3, 4, 5)
            await strangers[0].boot()
            await disconnect(bed)
            charger = await stack.enter_async_context(bed.wire())
            await charger.boot()
            await bed.node.compare()
            for stranger in strangers:
                with pytest.raises(ConnectionClosed):
                    await stranger.frame()
            await charger.sync()
            assert await is_connected(bed)
            assert (await marks(bed))[-1] is None

    async def test_so_does_who_has_kept_the_wrong_one(self, bed: Bed) -> None:
        async with contested(bed) as (_, stranger):
            await keep(bed, "127.0.0.2")
            await bed.node.compare()
            await stranger.boot()
            async with bed.wire() as again:
                with pytest.raises(ConnectionClosed):
                    await again.sync()
            await disconnect(bed)
            await bed.node.compare()
            with pytest.raises(ConnectionClosed):
                await stranger.frame()
            assert None not in await marks(bed)
            async with bed.wire() as again:
                await again.boot()
                assert await is_connected(bed)
                async with bed.wire(**STRANGER) as another:
                    await another.sync()
                    assert await is_contested(bed)


class TestOnTwoNodes:
    async def test_the_other_node_asks_its_link(self, bed: Bed) -> None:
        async with (
            another_node(bed) as elsewhere,
            bed.wire() as charger,
            elsewhere.wire(**STRANGER) as stranger,
        ):
            await charger.sync()
            await stranger.sync()
            assert not await is_connected(bed)
            assert not await is_contested(bed)
            await bed.node.compare()
            assert await is_contested(bed)
            await keep(bed, "127.0.0.1")
            await elsewhere.node.compare()
            await bed.node.compare()
            with pytest.raises(ConnectionClosed):
                await stranger.frame()
            await charger.sync()
            assert await is_connected(bed)

    @on_sqlite
    async def test_all_are_asked_at_once(self, bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
        all_asked = asyncio.Barrier(2)

        async def heard_once_all_are_asked(_socket: ChargerSocket) -> None:
            await all_asked.wait()

        neighbour = await bed.neighbour(place="Bay 2")
        async with (
            another_node(bed) as elsewhere,
            bed.wire(),
            bed.wire(neighbour),
            elsewhere.wire(**STRANGER) as stranger,
            elsewhere.wire(neighbour, **STRANGER) as another,
        ):
            await stranger.sync()
            await another.sync()
            monkeypatch.setattr(ChargerSocket, "wait_to_be_heard", heard_once_all_are_asked)
            await bed.node.compare()

            async def both_are() -> None:  # perhaps by the look before, which is not over yet
                async with bed.database.read() as connection:
                    found = await read_confirmed(connection, [bed.charge_point_id, neighbour])
                assert len(found) == 2

            await eventually(both_are)

    @on_sqlite
    async def test_who_comes_while_a_node_looks_is_not_replaced_by_whom_it_follows(
        self, bed: Bed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with AsyncExitStack() as stack:
            elsewhere = await stack.enter_async_context(another_node(bed))
            old = await stack.enter_async_context(bed.wire())
            stranger = await stack.enter_async_context(elsewhere.wire(**STRANGER))
            await stranger.sync()
            came: list[Wire] = []

            async def read_before_it_came(connection: AsyncConnection) -> Mapping[str, Contest]:
                found = await read_contests(connection)
                new = await stack.enter_async_context(bed.wire())
                await new.sync()
                came.append(new)
                return found

            monkeypatch.setattr(node_module, "read_contests", read_before_it_came)
            await bed.node.compare()
            (new,) = came
            (session,) = bed.node.registry.all_of(bed.charge_point_id)
            assert session.peer.generation == 3
            with pytest.raises(ConnectionClosed):
                await old.frame()
            await new.sync()

    @on_sqlite
    async def test_what_the_first_told_while_its_node_had_not_looked_is_its_own_word(
        self, bed: Bed
    ) -> None:
        async with (
            another_node(bed) as elsewhere,
            bed.wire() as first,
            elsewhere.wire(**STRANGER) as newcomer,
        ):
            await newcomer.boot()
            await first.boot()
            await status(first, "Faulted")
            await bed.node.compare()
            await keep(bed, "127.0.0.2")
            assert await marks(bed) == [None, 1]
            assert not await bed.rows(Connector)

    @on_sqlite
    async def test_strangers_who_come_there_again_do_not_take_it_from_the_one_that_was_kept(
        self, bed: Bed, figure: Figure
    ) -> None:
        """Each made its node ask, and nothing rested on any link meanwhile: for ever, so."""
        async with another_node(bed) as elsewhere, bed.wire() as charger:
            await charger.sync()
            async with elsewhere.wire(**STRANGER) as stranger:
                await stranger.sync()
                await bed.node.compare()
                await keep(bed, "127.0.0.1")
                await elsewhere.node.compare()
                await bed.node.compare()
            found = []
            for number in range(2, 7):
                async with elsewhere.wire(local_addr=(f"127.0.0.{number}", 0)) as stranger:
                    with pytest.raises(ConnectionClosed):
                        await stranger.frame()
                    found.append(await is_connected(bed))
            figure(f"beside five strangers at another node, the kept one speaks: {found}")
            await charger.sync()
            assert all(found)

    @on_sqlite
    @pytest.mark.parametrize("looks_before", [True, False])
    async def test_one_that_was_taken_for_gone_with_its_node_can_be_kept(
        self, bed: Bed, *, looks_before: bool
    ) -> None:
        async with another_node(bed) as elsewhere, bed.wire() as charger:
            await charger.sync()
            async with elsewhere.wire(**STRANGER) as stranger:
                await stranger.sync()
                await bed.node.compare()
                await beat_of(bed, ago=timedelta(minutes=1))
                await elsewhere.node.compare()
                await beat_of(bed, ago=timedelta())
                if looks_before:
                    await bed.node.compare()
                await keep(bed, "127.0.0.1")
                await bed.node.compare()
                if looks_before:
                    await charger.sync()
                else:
                    with pytest.raises(ConnectionClosed):
                        await charger.frame()
                async with AsyncExitStack() as stack:
                    if not looks_before:
                        await (await stack.enter_async_context(bed.wire())).sync()
                    assert await is_connected(bed)

    async def test_a_silent_link_there_is_replaced(self, bed: Bed) -> None:
        async with another_node(bed) as elsewhere, bed.wire() as charger:
            await charger.sync()
            without_pongs(charger)
            async with elsewhere.wire(**STRANGER) as moved:
                await moved.boot()
                await bed.node.compare()
                await elsewhere.node.compare()
                assert await is_connected(bed)
                await moved.sync()
                assert await marks(bed) == [None]


@on_sqlite
async def test_a_node_says_that_it_lives_however_long_it_looks(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    beats: list[str] = []

    async def beat(_connection: AsyncConnection, node_id: str) -> None:
        beats.append(node_id)

    async def look(*_contests: object, **_nodes: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(nodes, "NODE_BEAT", timedelta(milliseconds=1))
    monkeypatch.setattr(nodes, "beat", beat)
    async with another_node(bed) as elsewhere:
        monkeypatch.setattr(elsewhere.node.server.contests, "look", look)

        async def goes_on() -> None:
            assert beats.count(elsewhere.node.node_id) > 2

        await eventually(goes_on)
