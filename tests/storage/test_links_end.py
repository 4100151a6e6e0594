"""That many links end at once costs what the end of one does, also of those that were in a contest.

All that a node stores together waits for the slowest: who opens and closes links by the hundred
must not make its neighbours wait.
"""

from datetime import UTC, datetime, timedelta

import pytest

from storage import nodes
from storage.engine import Database
from storage.fact_records import Connected, Disconnected
from storage.store_facts import store_facts
from tests.ocpp_server.bed import seed
from tests.support.statements import counted

NOW = datetime.now(UTC)
MANY = 20


def link(charge_point_id: str, place: int = 0, node: str = "nod_a") -> Connected:
    return Connected(
        charge_point_id=charge_point_id,
        node_id=node,
        ocpp_version="1.6",
        remote_address=f"192.0.2.{place}",
        at=NOW + timedelta(seconds=place),
    )


def end_of(one: Connected) -> Disconnected:
    return Disconnected(
        charge_point_id=one.charge_point_id,
        node_id=one.node_id,
        generation=one.generation,
        ocpp_version=one.ocpp_version,
        remote_address=one.remote_address,
        at=NOW + timedelta(minutes=1),
    )


@pytest.fixture
async def identities(database: Database) -> list[str]:
    async with database.write() as connection:
        for node in ("nod_a", "nod_b"):
            await nodes.beat(connection, node)
    return await seed(database, MANY + 1)


async def store(database: Database, *records: Connected | Disconnected) -> list[str]:
    with counted(database) as said:
        async with database.write() as connection:
            await store_facts(connection, records)
    return said


async def test_of_many_charge_points(database: Database, identities: list[str]) -> None:
    first, *others = [link(one) for one in identities]
    await store(database, first, *others)
    of_one, of_many = end_of(first), [end_of(one) for one in others]
    assert await store(database, of_one) == await store(database, *of_many)
    assert all(one.was_current for one in (of_one, *of_many))


async def test_one_that_is_not_the_newest_changes_nothing(
    database: Database, identities: list[str]
) -> None:
    before, after = link(identities[0]), link(identities[0], place=0)
    after.at += timedelta(seconds=1)
    await store(database, before)
    await store(database, after)
    ends = [end_of(before), end_of(after)]
    await store(database, *ends)
    assert [one.was_current for one in ends] == [False, True]
    await store(database, *ends)  # the answer to its commit was lost
    assert [one.was_current for one in ends] == [False, True]


async def test_one_that_is_told_twice_has_ended_once(
    database: Database, identities: list[str]
) -> None:
    one = link(identities[0])
    await store(database, one)
    ends = [end_of(one), end_of(one)]
    ends[1].at += timedelta(seconds=1)
    await store(database, *ends)
    assert [end.was_current for end in ends] == [True, False]


async def test_of_one_in_a_contest(database: Database, identities: list[str]) -> None:
    rivals: list[Connected] = []
    for place in range(4):
        one = link(identities[0], place, node=("nod_a", "nod_b")[place % 2])
        one.alive = frozenset(rival.generation for rival in rivals if rival.node_id == one.node_id)
        await store(database, one)
        rivals.append(one)
    contest = rivals[-1].contest
    assert contest is not None
    assert len(contest.links) == len(rivals)
    first, *others = [end_of(one) for one in rivals]
    assert await store(database, first) == await store(database, *others[:2])
    await store(database, *others[2:])
    assert not any(one.was_current for one in (first, *others))  # a person ends it


async def test_that_none_is_left_is_told_once(database: Database, identities: list[str]) -> None:
    rivals = [link(identities[0]), link(identities[0], 1, node="nod_b")]
    for one in rivals:
        await store(database, one)
    contest = rivals[-1].contest
    assert contest is not None
    assert contest.confirmed_at is None
    ends = [end_of(one) for one in rivals]
    await store(database, *ends)
    assert [one.was_current for one in ends] == [False, True]
