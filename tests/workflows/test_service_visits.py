"""A handed-over project's workflow lives again for its service visits, and as long as they."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from temporalio import activity, workflow
from temporalio.client import Client, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from domain.commissioning import RetryOrder, RetryRun, RunStarted
from domain.handover import OpenVisit, ProjectRequest
from domain.ids import Prefix, new_id
from domain.invitations import InvitationSent, InvitationSettled
from domain.service_visits import CloseVisit, VisitClosed, VisitLookedAt
from domain.states import InvitationStatus, ServiceVisitStatus
from workflows import project
from workflows.project import ProjectWorkflow

_LONG = timedelta(days=30)


class Visits:
    """Rows of visits, and a mail server that may be away for the first looks."""

    def __init__(self, env: WorkflowEnvironment) -> None:
        self._env = env
        self.ends_at: dict[str, datetime] = {}
        self.closed: set[str] = set()
        self.told: list[str] = []
        self.invited: list[str] = []
        self.retried: list[RetryOrder] = []
        self.away_for = 0
        self.blocked = False

    def visit(self, name: str, ends_at: datetime) -> OpenVisit:
        self.ends_at[name] = ends_at
        return OpenVisit(service_visit_id=name, due_at=datetime(2026, 5, 1, tzinfo=UTC))

    @activity.defn
    async def look_at_visit(self, service_visit_id: str) -> VisitLookedAt:
        if self.away_for:
            self.away_for -= 1
            raise ApplicationError("the mail server is away")
        ends_at = self.ends_at[service_visit_id]
        over = service_visit_id in self.closed or ends_at <= await self._env.get_current_time()
        sent = None
        if over:
            self.told.append(service_visit_id)
        elif service_visit_id not in self.invited:
            self.invited.append(service_visit_id)
            sent = InvitationSent(invitation_id=f"inv_{service_visit_id}", expires_at=ends_at)
        status = ServiceVisitStatus.CLOSED if over else ServiceVisitStatus.OPEN
        return VisitLookedAt(status=status, ends_at=ends_at, invitation=sent)

    @activity.defn
    async def close_visit(self, request: CloseVisit) -> VisitClosed:
        at = None
        if not self.blocked:
            self.closed.add(request.service_visit_id)
            at = datetime.now(UTC)
        return VisitClosed(
            service_visit_id=request.service_visit_id,
            status=ServiceVisitStatus.CLOSED,
            closed_at=at,
        )

    @activity.defn
    async def settle_invitation(self, _invitation_id: str) -> InvitationSettled:
        return InvitationSettled(
            status=InvitationStatus.ACCEPTED, expires_at=datetime(2026, 5, 1, tzinfo=UTC)
        )

    @activity.defn
    async def retry_run(self, order: RetryOrder) -> RunStarted:
        self.retried.append(order)
        return RunStarted(
            commissioning_id=order.commissioning_id,
            charge_point_id=order.charge_point_id,
            workflow_id="commissioning",
        )


@pytest.fixture
def visits(time_skipping_env: WorkflowEnvironment) -> Visits:
    return Visits(time_skipping_env)


@pytest.fixture
async def queue(time_skipping_env: WorkflowEnvironment, visits: Visits) -> AsyncIterator[str]:
    async with Worker(
        time_skipping_env.client,
        task_queue=uuid4().hex,
        workflows=[ProjectWorkflow],
        activities=[
            visits.look_at_visit,
            visits.close_visit,
            visits.settle_invitation,
            visits.retry_run,
        ],
        workflow_runner=UnsandboxedWorkflowRunner(),  # one test patches what it calls
    ) as worker:
        yield worker.task_queue


async def start(
    client: Client, queue: str, *of: OpenVisit
) -> WorkflowHandle[ProjectWorkflow, None]:
    request = ProjectRequest(
        project_id="prj_1", installer_id="usr_1", name="Riverside", handed_over=True, visits=of
    )
    return await client.start_workflow(
        ProjectWorkflow.run, request, id=f"prj_{uuid4().hex}", task_queue=queue
    )


async def test_it_invites_and_ends_with_the_time_of_the_last_visit(
    time_skipping_env: WorkflowEnvironment, queue: str, visits: Visits
) -> None:
    now = await time_skipping_env.get_current_time()
    first = visits.visit("sv_1", now + timedelta(days=2))
    handle = await start(time_skipping_env.client, queue, first)
    second = visits.visit("sv_2", now + timedelta(days=9))
    await handle.execute_update(ProjectWorkflow.open_visit, second)
    assert visits.invited == ["sv_1", "sv_2"]
    await handle.result()
    assert visits.told == ["sv_1", "sv_2"]
    closed_at = (await handle.describe()).close_time
    assert closed_at is not None
    assert timedelta(days=9) <= closed_at - now < timedelta(days=10)


async def test_a_mail_server_that_is_away_is_asked_again(
    time_skipping_env: WorkflowEnvironment, queue: str, visits: Visits
) -> None:
    visits.away_for = 12
    now = await time_skipping_env.get_current_time()
    handle = await start(
        time_skipping_env.client, queue, visits.visit("sv_1", now + timedelta(days=2))
    )
    await handle.result()
    assert (visits.invited, visits.told) == (["sv_1"], ["sv_1"])


async def test_closing_ends_it_and_a_refusal_does_not(
    time_skipping_env: WorkflowEnvironment, queue: str, visits: Visits
) -> None:
    now = await time_skipping_env.get_current_time()
    handle = await start(time_skipping_env.client, queue, visits.visit("sv_1", now + _LONG))
    visits.blocked = True
    close = CloseVisit(service_visit_id="sv_1", installer_signature="J. Smith")
    refused = await handle.execute_update(ProjectWorkflow.close_visit, close)
    assert refused.closed_at is None
    visits.blocked = False
    closed = await handle.execute_update(ProjectWorkflow.close_visit, close)
    assert closed.closed_at is not None
    await handle.result()
    assert visits.told == ["sv_1"]


async def test_its_end_is_moved(
    time_skipping_env: WorkflowEnvironment, queue: str, visits: Visits
) -> None:
    now = await time_skipping_env.get_current_time()
    handle = await start(time_skipping_env.client, queue, visits.visit("sv_1", now + _LONG))
    sooner = now + timedelta(days=1)
    visits.ends_at["sv_1"] = sooner
    await handle.signal(
        ProjectWorkflow.visit_changed, OpenVisit(service_visit_id="sv_1", due_at=sooner)
    )
    await handle.result()
    closed_at = (await handle.describe()).close_time
    assert closed_at is not None
    assert closed_at - now < timedelta(days=2)


async def test_an_operator_retries_a_run_within_a_visit(
    time_skipping_env: WorkflowEnvironment, queue: str, visits: Visits
) -> None:
    now = await time_skipping_env.get_current_time()
    handle = await start(time_skipping_env.client, queue, visits.visit("sv_1", now + _LONG))
    retry = RetryRun(charge_point_id=new_id(Prefix.CHARGE_POINT), by="Ops")
    started = await handle.execute_update(ProjectWorkflow.retry_run, retry)
    assert started.charge_point_id == retry.charge_point_id
    assert visits.retried[0].project_id == "prj_1"
    ended = await start(time_skipping_env.client, queue)
    with pytest.raises((WorkflowUpdateFailedError, RPCError)):  # it is refused, or has ended
        await ended.execute_update(ProjectWorkflow.retry_run, retry)


async def test_a_long_life_goes_on_with_its_visits(
    time_skipping_env: WorkflowEnvironment,
    queue: str,
    visits: Visits,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def history_is_long() -> bool:
        return bool(visits.invited) and workflow.info().continued_run_id is None

    monkeypatch.setattr(project, "history_is_long", history_is_long)
    now = await time_skipping_env.get_current_time()
    handle = await start(time_skipping_env.client, queue, visits.visit("sv_1", now + _LONG))
    await handle.result()
    assert (visits.told, visits.invited) == (["sv_1"], ["sv_1"])
    last = await time_skipping_env.client.get_workflow_handle(handle.id).describe()
    assert last.run_id != handle.first_execution_run_id
