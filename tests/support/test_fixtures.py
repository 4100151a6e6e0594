"""The fixtures themselves hold what they promise."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest
from sqlalchemy import func, select
from temporalio import workflow
from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from domain.names import SearchAttribute
from storage.engine import Database
from storage.models.connections import Node
from tests.support.eventually import eventually

_CHARGE_POINT = SearchAttributeKey.for_keyword(SearchAttribute.CHARGE_POINT)


@workflow.defn(sandboxed=False)
class Patience:
    @workflow.run
    async def run(self, days: int) -> str:
        await workflow.sleep(timedelta(days=days))
        return f"{days} days later"


@workflow.defn(sandboxed=False)
class Endless:
    ends: ClassVar[list[str]] = []

    @workflow.run
    async def run(self) -> None:
        try:
            await workflow.wait_condition(lambda: False)
        except BaseException as error:
            self.ends.append(type(error).__name__)
            raise

    @workflow.query
    def there(self) -> bool:
        return True


@pytest.mark.parametrize("attempt", [1, 2])
async def test_each_test_gets_an_empty_migrated_database(database: Database, attempt: int) -> None:
    async with database.write() as connection:
        count = await connection.scalar(select(func.count()).select_from(Node))
        now = datetime.now(UTC)
        await connection.execute(
            Node.__table__.insert().values(id=f"node-{attempt}", started_at=now, seen_at=now)
        )
    assert count == 0


async def test_a_workflow_carries_our_search_attributes(
    temporal_client: Client, task_queue: str
) -> None:
    async with Worker(temporal_client, task_queue=task_queue, workflows=[Patience]):
        handle = await temporal_client.start_workflow(
            Patience.run,
            0,
            id=task_queue,
            task_queue=task_queue,
            search_attributes=TypedSearchAttributes([SearchAttributePair(_CHARGE_POINT, "cp_1")]),
        )
        assert await handle.result() == "0 days later"
        assert (await handle.describe()).typed_search_attributes[_CHARGE_POINT] == "cp_1"


async def test_time_is_skipped(time_skipping_env: WorkflowEnvironment, task_queue: str) -> None:
    async with Worker(time_skipping_env.client, task_queue=task_queue, workflows=[Patience]):
        result = await time_skipping_env.client.execute_workflow(
            Patience.run, 30, id=task_queue, task_queue=task_queue
        )
    assert result == "30 days later"


async def test_a_worker_tears_down_what_it_leaves(temporal_client: Client, task_queue: str) -> None:
    Endless.ends.clear()
    async with Worker(temporal_client, task_queue=task_queue, workflows=[Endless]):
        handle = await temporal_client.start_workflow(
            Endless.run, id=task_queue, task_queue=task_queue
        )
        assert await handle.query(Endless.there)
    assert Endless.ends == ["CancelledError"]  # not GeneratorExit, from the garbage collector


async def test_eventually_waits_for_the_assertion() -> None:
    event = asyncio.Event()
    asyncio.get_running_loop().call_later(0.05, event.set)

    def is_set() -> str:
        assert event.is_set()
        return "set"

    assert await eventually(is_set) == "set"


async def test_eventually_fails_with_the_last_assertion() -> None:
    def never() -> None:
        raise AssertionError("still not")

    with pytest.raises(AssertionError, match="still not"):
        await eventually(never, within=0.05)
