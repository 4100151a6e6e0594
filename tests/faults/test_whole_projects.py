"""A whole project on the whole engine: so many at a time, restarts apart, nobody is held up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlmodel import col
from temporalio.client import Client

from domain.batch import BatchCounts
from domain.commissioning import CancelRequest, RunOptions
from domain.ids import Prefix, new_id
from domain.states import BatchStatus, RunStatus, WaitingFor
from simulator import Fault, VirtualChargePoint
from simulator.profile import ABB_TERRA_AC_W22
from storage.batches import Batches
from storage.models.configuration import RebootSlot
from storage.runs import Runs
from tests.faults.stage import Stage, engine
from tests.faults.whole_project import WholeProject
from tests.support.eventually import eventually

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
_STAGGER = timedelta(seconds=1)


@pytest.fixture
async def stage(
    temporal_client: Client,
    temporal_address: str,
    database_url: str,
    task_queue: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Stage]:
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_address)
    async with engine(
        temporal_client,
        database_url,
        task_queue=task_queue,
        data_dir=tmp_path,
        reboot_stagger=_STAGGER,
    ) as running:
        yield running


async def test_never_more_at_once_than_the_limit(stage: Stage) -> None:
    project = WholeProject(stage)
    async with AsyncExitStack() as site:
        powered = [await site.enter_async_context(stage.powered(seed=n)) for n in range(5)]
        await project.start(max_parallel=2)
        batch, counts = await project.end()
        assert [one.remote_starts for one in powered] == [1] * 5
    assert batch.status is BatchStatus.COMPLETED
    assert batch.completed_at is not None
    assert counts == BatchCounts(total=5, passed=5)
    assert await project.most_at_once() == 2
    assert await project.need() == []


@sqlite
async def test_restarts_are_apart(stage: Stage) -> None:
    project = WholeProject(stage)

    async def restarted(charge_point: VirtualChargePoint) -> datetime:
        await charge_point.until(lambda: charge_point.received["Reset"] == 1)
        return datetime.now(UTC)

    async with AsyncExitStack() as site:
        powered = [
            await site.enter_async_context(stage.powered(Fault.NEEDS_REBOOT_FOR_KEY, seed=n))
            for n in range(3)
        ]
        watched = asyncio.gather(*(restarted(one) for one in powered))
        await project.start(
            max_parallel=3, options=RunOptions(run_test_transaction=False, skip_reason="Test")
        )
        moments = sorted(await watched)
        _, counts = await project.end()
    assert counts == BatchCounts(total=3, passed=3)
    async with stage.database.read() as connection:
        slots = sorted(await connection.scalars(select(col(RebootSlot.at))))
    assert len(slots) == 3
    assert all(later - sooner >= _STAGGER for sooner, later in pairwise(slots))
    # However late it comes on a loaded machine: nobody is restarted before its turn.
    assert all(moment >= slot for moment, slot in zip(moments, slots, strict=True))


@sqlite
async def test_the_dark_hold_up_nobody(stage: Stage) -> None:
    """Two dark ones come first; under a limit of one the third is commissioned all the same."""
    project = WholeProject(stage)
    dark = [await stage.register(new_id(Prefix.EVENT), ABB_TERRA_AC_W22) for _ in range(2)]
    async with stage.powered(Fault.CONNECTOR_FAULTED) as faulty, stage.powered() as good:
        await project.start(max_parallel=1)

        async def others_are_done() -> None:
            batch, counts = await project.stands()
            assert counts == BatchCounts(total=4, waiting=2, passed=1, failed=1)
            assert batch.shown_status is BatchStatus.IN_PROGRESS

        await eventually(lambda: others_are_done())  # noqa: PLW0108 - its type is known
        assert good.remote_starts == 1
        need = {one.charge_point_id: one for one in await project.need()}
        assert set(need) == {dark[0].id, dark[1].id, faulty.identity}
        for one in dark:
            waiting = need[one.id].waiting
            assert waiting is not None
            assert waiting.waiting_for is WaitingFor.CONNECTION
            assert (
                waiting.prompt == "Switch the charge point on and check its OCPP URL and network."
            )
            assert need[one.id].serial_number == one.serial_number
        view = need[faulty.identity].view
        assert view is not None
        assert view.failure is not None
        assert view.failure.code == "connector_faulted"
        await _cancel(project)
        batch, counts = await project.end()
    assert batch.status is BatchStatus.CANCELLED
    assert counts == BatchCounts(total=4, passed=1, failed=1, cancelled=2)
    for one in dark:
        assert await _newest(stage, one.id) is RunStatus.CANCELLED


@sqlite
async def test_a_cancel_starts_nothing_more_and_ends_what_is_open(stage: Stage) -> None:
    project = WholeProject(stage)
    async with AsyncExitStack() as site:
        powered = [await site.enter_async_context(stage.powered(seed=n)) for n in range(4)]
        await project.start(max_parallel=1)

        async def charges() -> None:
            assert any(one.transactions for one in powered)

        await eventually(lambda: charges())  # noqa: PLW0108 - its type is known
        await _cancel(project)
        batch, counts = await project.end()
        assert not any(one.transactions for one in powered)
        assert sum(one.remote_starts for one in powered) == 1
    assert batch.status is BatchStatus.CANCELLED
    assert counts == BatchCounts(total=4, cancelled=4)
    assert batch.cancel is not None
    assert (batch.cancel.by, batch.cancel.reason) == ("installer@acme.com", "rain")


async def _cancel(project: WholeProject) -> None:
    batch, _ = await project.stands()
    async with project.stage.database.write() as connection:
        await Batches(connection).request_cancel(
            batch.request.batch_id, CancelRequest(by="installer@acme.com", reason="rain")
        )
    await project.wake()


async def _newest(stage: Stage, charge_point_id: str) -> RunStatus:
    async with stage.database.read() as connection:
        run = await Runs(connection).latest(charge_point_id)
    assert run is not None
    return run.status
