"""ProjectCommissioningWorkflow and its steps, on a real database; only the runs are scripted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import delete, insert, update
from sqlmodel import col
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.runs import BatchActivities
from domain.batch import BatchCounts, BatchRequest, WaitNote
from domain.checks import CheckRecord, RunView, Waiting
from domain.commissioning import CancelRequest, RunOptions, RunRequest, RunToStart
from domain.errors import ConflictError, NotFoundError
from domain.ids import Prefix, new_id
from domain.names import BATCH_CHANGED_SIGNAL, batch_workflow_id
from domain.states import (
    BatchScope,
    BatchStatus,
    ChargePointStatus,
    CheckName,
    ProjectStatus,
    RunStatus,
    WaitingFor,
)
from storage.batch_records import StoredBatches
from storage.batch_status import count
from storage.batches import Batches, open_batch_of, read_owner
from storage.catalogue import load_catalogue
from storage.engine import Database
from storage.models.charge_points import ChargePoint
from storage.models.projects import Project
from storage.models.runs import Batch
from storage.runs import Runs
from temporal import starts
from tests.support.eventually import eventually
from tests.support.histories import life
from tests.support.rows import AT, one_charge_point, run_request
from worker import workflow_runner
from workflows import policies
from workflows.project_commissioning import ProjectCommissioningWorkflow

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
_LIMIT = 2_000
_RPC_TIMEOUT = timedelta(seconds=5)


@dataclass(kw_only=True)
class Site:
    """A project, and scripted runs: one passes, fails or waits as the test wants."""

    client: Client
    database: Database
    task_queue: str
    project_id: str
    ends_at_once: bool = True
    """Whether a run ends by itself as soon as it was started."""
    tells: bool = True
    """Whether the batch hears of what happens to its runs."""
    open: dict[str, RunRequest] = field(default_factory=dict)
    started: list[RunRequest] = field(default_factory=list)
    cancelled: list[CancelRequest] = field(default_factory=list)
    most: int = 0
    _ends: set[asyncio.Task[None]] = field(default_factory=set)

    # The port RunControl

    async def start(self, run: RunToStart) -> None:
        request = run.request
        async with self.database.write() as connection:
            await Runs(connection).begin(request.commissioning_id, id_tag="A1")
        self.open[request.charge_point_id] = request
        self.started.append(request)
        self.most = max(self.most, len(self.open))
        if self.ends_at_once:
            end = asyncio.create_task(self.end(request.charge_point_id))
            self._ends.add(end)
            end.add_done_callback(self._ends.discard)

    async def cancel_open(self, charge_point_id: str, request: CancelRequest) -> bool:
        if charge_point_id not in self.open:
            return False
        self.cancelled.append(request)
        await self.end(charge_point_id, RunStatus.CANCELLED)
        return True

    # What happens

    async def started_run(self, charge_point_id: str) -> RunRequest:
        """Give its open run; the row says that it is open a moment before it is started."""

        def is_open() -> RunRequest:
            assert charge_point_id in self.open
            return self.open[charge_point_id]

        return await eventually(is_open)

    async def end(self, charge_point_id: str, status: RunStatus = RunStatus.COMPLETED) -> None:
        request = await self.started_run(charge_point_id)
        async with self.database.write() as connection:
            await Runs(connection).finish(_view(request, status))
        del self.open[charge_point_id]
        await self.tell()

    async def wait(self, charge_point_id: str, waiting_for: WaitingFor | None, number: int) -> None:
        request = await self.started_run(charge_point_id)
        note = WaitNote(
            commissioning_id=request.commissioning_id,
            charge_point_id=charge_point_id,
            number=number,
            waiting=None
            if waiting_for is None
            else Waiting(waiting_for=waiting_for, since=AT, until=AT, prompt="Do something."),
        )
        async with self.database.write() as connection:
            await Runs(connection).note_wait(note)
        await self.tell()

    async def tell(self) -> None:
        if not self.tells:
            return
        try:
            await self.handle.signal(BATCH_CHANGED_SIGNAL)
        except RPCError as error:  # it has come to its end meanwhile
            assert "already completed" in str(error)  # noqa: PT017 - no other is expected

    # The batch

    @property
    def handle(self) -> WorkflowHandle[ProjectCommissioningWorkflow, None]:
        return self.client.get_workflow_handle_for(
            ProjectCommissioningWorkflow.run, batch_workflow_id(self.project_id)
        )

    async def commit(
        self,
        *,
        scope: BatchScope = BatchScope.NOT_COMMISSIONED,
        only: list[str] | None = None,
        max_parallel: int = 10,
        from_scratch: bool = False,
    ) -> str:
        request = BatchRequest(
            batch_id=new_id(Prefix.BATCH),
            project_id=self.project_id,
            installer_id="usr_1",
            started_by="usr_1@acme.example",
            started_at=AT,
            options=RunOptions(run_test_transaction=False, skip_reason="No vehicle"),
            max_parallel=max_parallel,
            from_scratch=from_scratch,
        )
        async with self.database.write() as connection:
            await Batches(connection).create(request, load_catalogue(), scope=scope, only=only)
        return request.batch_id

    async def wake(self) -> None:
        async with self.database.read() as connection:
            owner = await read_owner(connection, self.project_id)
        await starts.batch(owner).begin(self.client, self.task_queue)

    async def stands(self) -> tuple[Batch, BatchCounts]:
        async with self.database.read() as connection:
            batch = await Batches(connection).newest(self.project_id)
            assert batch is not None
            return batch, await count(connection, batch.request.batch_id)

    async def reaches(self, **counts: int) -> None:
        async def it_has() -> None:
            assert (await self.stands())[1] == BatchCounts(**counts)

        await eventually(lambda: it_has())  # noqa: PLW0108 - its type is then known

    async def cancel_batch(self) -> None:
        batch, _ = await self.stands()
        async with self.database.write() as connection:
            await Batches(connection).request_cancel(
                batch.request.batch_id, CancelRequest(by="usr_1@acme.example", reason="rain")
            )
        await self.wake()


def _view(request: RunRequest, status: RunStatus) -> RunView:
    return RunView(
        commissioning_id=request.commissioning_id,
        charge_point_id=request.charge_point_id,
        status=status,
        checks=tuple(CheckRecord(name=name) for name in CheckName),
        started_at=request.started_at,
        completed_at=AT,
    )


async def _charge_points(
    database: Database, project_id: str, number: int, status: ChargePointStatus
) -> list[str]:
    name = uuid4().hex
    ids = [f"cp_{name}{n:04}" for n in range(number)]
    async with database.write() as connection:
        await connection.execute(
            insert(ChargePoint),
            [
                {
                    "id": identity,
                    "project_id": project_id,
                    "serial_number": identity,
                    "serial_key": identity,
                    "model": "Terra AC W22",
                    "vendor": "ABB",
                    "ocpp_version": "1.6",
                    "status": status,
                    "created_at": AT,
                }
                for identity in ids
            ],
        )
    return ids


@pytest.fixture
async def site(temporal_client: Client, database: Database, task_queue: str) -> Site:
    """A project of a name of its own: all tests share one Temporal."""
    await one_charge_point(database)
    project_id = new_id(Prefix.PROJECT)
    async with database.write() as connection:
        await connection.execute(delete(ChargePoint))
        await connection.execute(
            insert(Project).values(
                id=project_id,
                installer_id="usr_1",
                name="Riverside",
                address="Bristol",
                site_owner_email="usr_2@acme.example",
                status=ProjectStatus.IN_PROGRESS,
                created_at=AT,
            )
        )
    return Site(
        client=temporal_client, database=database, task_queue=task_queue, project_id=project_id
    )


@asynccontextmanager
async def worker_of(site: Site) -> AsyncIterator[None]:
    records = StoredBatches(site.database, load_catalogue(), now=lambda: datetime.now(UTC))
    async with Worker(
        site.client,
        task_queue=site.task_queue,
        workflows=[ProjectCommissioningWorkflow],
        activities=[BatchActivities(records, site).advance_batch],
        workflow_runner=workflow_runner(),
    ):
        yield


@pytest.fixture
async def at_work(site: Site) -> AsyncIterator[Site]:
    """The project with a worker."""
    async with worker_of(site):
        yield site


async def _add(
    site: Site, number: int, status: ChargePointStatus = ChargePointStatus.REGISTERED
) -> list[str]:
    return await _charge_points(site.database, site.project_id, number, status)


@sqlite
async def test_a_thousand_charge_points_stay_below_two_thousand_events(at_work: Site) -> None:
    site = at_work
    await _add(site, 1_000)
    await site.commit()
    await site.wake()
    first = (await site.handle.describe()).run_id
    await site.handle.result()
    batch, counts = await site.stands()
    assert batch.status is BatchStatus.COMPLETED
    assert counts == BatchCounts(total=1_000, passed=1_000)
    assert len({run.charge_point_id for run in site.started}) == len(site.started) == 1_000
    assert site.most <= 10
    assert first is not None
    lengths = [len(events) for events in await life(site.client, site.handle.id, first=first)]
    assert sum(lengths) > _LIMIT, "a project that proves nothing"
    assert max(lengths) < _LIMIT, lengths


async def test_who_waits_for_a_person_makes_room(at_work: Site) -> None:
    site = at_work
    site.ends_at_once = False
    one, two, three = await _add(site, 3)
    await site.commit(max_parallel=1)
    await site.wake()
    await site.reaches(total=3, in_progress=1, queued=2)
    await site.wait(one, WaitingFor.VEHICLE, 1)
    await site.reaches(total=3, waiting=1, in_progress=1, queued=1)
    await site.wait(one, None, 2)  # the vehicle has come: nobody sends it away again
    await site.reaches(total=3, in_progress=2, queued=1)
    await site.wait(one, WaitingFor.VEHICLE, 1)  # a note that comes late
    await site.end(one)
    await site.reaches(total=3, passed=1, in_progress=1, queued=1)
    await site.end(two, RunStatus.FAILED)
    await site.reaches(total=3, passed=1, failed=1, in_progress=1)
    await site.end(three)
    await site.handle.result()


async def test_an_open_run_is_taken_in(at_work: Site) -> None:
    site = at_work
    site.ends_at_once = False
    (one,) = await _add(site, 1)
    by_hand = replace(
        run_request(one, commissioning_id=new_id(Prefix.COMMISSIONING)),
        project_id=site.project_id,
    )
    async with site.database.write() as connection:
        await Runs(connection).create_starting(by_hand)
    site.open[one] = by_hand
    await site.commit()
    await site.wake()
    await site.reaches(total=1, in_progress=1)
    assert site.started == []
    async with site.database.read() as connection:
        assert await open_batch_of(connection, one) == site.project_id
    await site.end(one)
    await site.handle.result()
    _, counts = await site.stands()
    assert counts == BatchCounts(total=1, passed=1)


@sqlite
async def test_a_lost_notice_is_made_up_for(
    site: Site, time_skipping_env: WorkflowEnvironment
) -> None:
    site.client, site.tells = time_skipping_env.client, False
    await _add(site, 3)
    await site.commit(max_parallel=1)
    async with worker_of(site):
        await site.wake()
        for passed in range(1, 4):
            await site.reaches(total=3, passed=passed, queued=3 - passed)
            await time_skipping_env.sleep(policies.BATCH_LOOKS_AGAIN)
        await site.handle.result()
    assert (await site.stands())[0].status is BatchStatus.COMPLETED


async def test_a_cancel_ends_the_open_and_starts_none(at_work: Site) -> None:
    site = at_work
    site.ends_at_once = False
    await _add(site, 4)
    await site.commit(max_parallel=2)
    await site.wake()
    await site.reaches(total=4, in_progress=2, queued=2)
    await site.cancel_batch()
    await site.handle.result()
    batch, counts = await site.stands()
    assert (batch.status, counts) == (BatchStatus.CANCELLED, BatchCounts(total=4, cancelled=4))
    assert site.cancelled == [CancelRequest(by="usr_1@acme.example", reason="rain")] * 2
    assert len(site.started) == 2


@sqlite
async def test_a_cancel_reaches_a_run_that_has_not_begun(site: Site) -> None:
    """Its row is there; its workflow never was."""
    site.ends_at_once = False
    (one,) = await _add(site, 1)
    await site.commit()
    records = StoredBatches(site.database, load_catalogue(), now=lambda: AT)
    step = await records.advance(site.project_id)  # and here the worker died
    assert [run.request.charge_point_id for run in step.start] == [one]
    await site.cancel_batch()
    async with worker_of(site):
        await site.handle.result()
    batch, counts = await site.stands()
    assert (batch.status, counts) == (BatchStatus.CANCELLED, BatchCounts(total=1, cancelled=1))


class Late:
    """Implements RunControl: a workflow that begins between the two looks, or one that is gone."""

    def __init__(self, database: Database, *, begins: bool) -> None:
        self._database = database
        self._begins = begins
        self._open: set[str] = set()
        self.cancelled: list[str] = []

    async def start(self, run: RunToStart) -> None:
        raise NotImplementedError

    async def cancel_open(self, charge_point_id: str, request: CancelRequest) -> bool:
        if charge_point_id in self._open:
            self.cancelled.append(charge_point_id)
            return True
        async with self._database.write() as connection:
            run = await Runs(connection).open_run(charge_point_id)
            assert run is not None
            await Runs(connection).begin(run.request.commissioning_id, id_tag="A1")
        if self._begins:
            self._open.add(charge_point_id)
        return False


@sqlite
@pytest.mark.parametrize("begins", [True, False])
async def test_only_what_was_cancelled_counts_as_told(site: Site, *, begins: bool) -> None:
    (one,) = await _add(site, 1)
    await site.commit()
    records = StoredBatches(site.database, load_catalogue(), now=lambda: AT)
    await records.advance(site.project_id)
    await site.cancel_batch()
    control = Late(site.database, begins=begins)
    progress = await BatchActivities(records, control).advance_batch(site.project_id)
    assert not progress.more  # its end is heard of, or seen at the next look
    assert control.cancelled == ([one] if begins else [])
    assert (await records.advance(site.project_id)).cancel == (() if begins else (one,))


@sqlite
async def test_a_batch_without_a_worker_waits_for_one(site: Site) -> None:
    await _add(site, 2)
    await site.commit()
    await site.wake()
    await site.reaches(total=2, queued=2)
    async with worker_of(site):
        await site.handle.result()
    await site.reaches(total=2, passed=2)


@sqlite
async def test_the_next_batch_may_come_at_once(at_work: Site) -> None:
    """Its wake-up may meet the workflow of the one before, about to close."""
    site = at_work
    await _add(site, 1)
    for _ in range(5):
        await site.commit(scope=BatchScope.ALL, from_scratch=True)
        await site.wake()

        async def is_done() -> None:
            assert (await site.stands())[0].status is BatchStatus.COMPLETED

        await eventually(lambda: is_done())  # noqa: PLW0108 - it is awaited here
    assert len(site.started) == 5


@sqlite
async def test_a_failed_run_is_retried_and_a_commissioned_one_kept(at_work: Site) -> None:
    site = at_work
    (bad,) = await _add(site, 1, ChargePointStatus.COMMISSIONING_FAILED)
    (good,) = await _add(site, 1, ChargePointStatus.COMMISSIONED)
    (new,) = await _add(site, 1)
    failed = replace(
        run_request(bad, commissioning_id=new_id(Prefix.COMMISSIONING)),
        project_id=site.project_id,
    )
    async with site.database.write() as connection:
        await Runs(connection).create_starting(failed)
        await Runs(connection).finish(_view(failed, RunStatus.FAILED))
    await site.commit(scope=BatchScope.ALL)
    await site.wake()
    await site.handle.result()
    _, counts = await site.stands()
    assert counts == BatchCounts(total=3, passed=2, kept=1)
    runs = {run.charge_point_id: run for run in site.started}
    assert good not in runs
    assert runs[bad].previous_commissioning_id == failed.commissioning_id
    assert not runs[bad].from_scratch
    assert (runs[new].previous_commissioning_id, runs[new].from_scratch) == (None, True)
    assert {run.options.skip_reason for run in runs.values()} == {"No vehicle"}


@sqlite
async def test_a_retry_by_hand_counts(at_work: Site) -> None:
    site = at_work
    site.ends_at_once = False
    (one,) = await _add(site, 1)
    await site.commit()
    await site.wake()
    await site.reaches(total=1, in_progress=1)
    await site.end(one, RunStatus.FAILED)
    await site.handle.result()
    again = replace(site.started[0], commissioning_id=new_id(Prefix.COMMISSIONING))
    async with site.database.write() as connection:
        await Runs(connection).create_starting(again)
    await site.reaches(total=1, in_progress=1)
    async with site.database.write() as connection:
        await Runs(connection).finish(_view(again, RunStatus.COMPLETED))
    await site.reaches(total=1, passed=1)


@sqlite
async def test_what_was_commissioned_meanwhile_is_kept(site: Site) -> None:
    (one,) = await _add(site, 1)
    await site.commit()
    async with site.database.write() as connection:
        await connection.execute(
            update(ChargePoint)
            .where(col(ChargePoint.id) == one)
            .values(status=ChargePointStatus.COMMISSIONED)
        )
    async with worker_of(site):
        await site.wake()
        await site.handle.result()
    await site.reaches(total=1, kept=1)
    assert site.started == []


@sqlite
async def test_a_handed_over_project_starts_nothing_more(site: Site) -> None:
    await _add(site, 2, ChargePointStatus.COMMISSIONED)
    await site.commit(scope=BatchScope.ALL, from_scratch=True)
    async with site.database.write() as connection:
        await connection.execute(
            update(Project)
            .where(col(Project.id) == site.project_id)
            .values(status=ProjectStatus.HANDED_OVER)
        )
    async with worker_of(site):
        await site.wake()
        await site.handle.result()
    await site.reaches(total=2, cancelled=2)
    assert site.started == []


@pytest.mark.parametrize(
    ("status", "scope", "code"),
    [
        (None, BatchScope.ALL, "no_charge_points"),
        (ChargePointStatus.COMMISSIONED, BatchScope.NOT_COMMISSIONED, "nothing_to_commission"),
        (ChargePointStatus.COMMISSIONED, BatchScope.ALL, "nothing_to_commission"),
        (ChargePointStatus.REGISTERED, BatchScope.FAILED, "nothing_to_commission"),
    ],
)
@sqlite
async def test_nothing_to_do_is_said(
    site: Site, status: ChargePointStatus | None, scope: BatchScope, code: str
) -> None:
    if status is not None:
        await _add(site, 2, status)
    with pytest.raises(ConflictError) as refused:
        await site.commit(scope=scope)
    assert refused.value.code == code


async def test_one_batch_is_open(site: Site) -> None:
    await _add(site, 1)
    batch = await site.commit()
    with pytest.raises(ConflictError) as refused:
        await site.commit()
    assert (refused.value.code, refused.value.extra) == ("batch_open", {"batch_id": batch})


async def test_named_charge_points_alone(site: Site) -> None:
    one, *_ = await _add(site, 3)
    with pytest.raises(NotFoundError) as refused:
        await site.commit(only=[one, "cp_of_somebody_else"])
    assert refused.value.detail == (
        "The project has no charge point with the id cp_of_somebody_else."
    )
    await site.commit(only=[one, one])
    await site.reaches(total=1, queued=1)


@sqlite
async def test_a_note_of_an_ended_run_changes_nothing(at_work: Site) -> None:
    site = at_work
    site.ends_at_once = False
    (one,) = await _add(site, 1)
    await site.commit()
    await site.wake()
    await site.reaches(total=1, in_progress=1)
    run = await site.started_run(one)
    await site.end(one, RunStatus.FAILED)
    site.open[one] = run
    await site.wait(one, WaitingFor.VEHICLE, 1)
    await site.reaches(total=1, failed=1)
