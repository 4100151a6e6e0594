"""A stage for workflow tests: real Temporal with skipping time, a scripted charge point."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import uuid4

import pytest
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.binding import activities_of, done_by
from activities.charge_point import ChargePointActivities, under_heartbeats
from activities.mails import NoticeActivities
from activities.post import Post
from activities.records import DirectoryActivities, OwnerActivities, RecordActivities
from activities.runs import RunActivities
from domain.checks import RunView, Waiting
from domain.commissioning import RetryOrder, RunAnswer, RunOptions, RunPace, RunRequest, RunStarted
from domain.mail import Admission, GatheredMail, MailNotice
from domain.names import COMMISSIONING_FAILED, node_task_queue, site_workflow_id
from domain.power.service import Borrow
from temporal.deployment import DEPLOYMENT
from tests.support.eventually import eventually
from tests.workflows.charger import EPOCH, Behaviour, MemoryRecords, ScriptedChargePoint
from tests.workflows.supply import Supply, SupplyWorkflow
from worker import WORKFLOWS, workflow_runner
from workflows.commissioning import CommissioningWorkflow

PACE = RunPace(vehicle_prompt=timedelta(minutes=4))
"""No two waits end at the same moment, as 5 times 3 min and 15 min do.

One then cancels the timer of the other, which has fired; a task that does so may be refused by the
time-skipping server ("invalid history builder state"), and the workflow stands still.
"""


class NoMail:
    """Implements Mailer and MailNotices; these tests look at whether mail was asked for."""

    async def send(
        self,
        *,
        to: str,
        subject: str,
        text: str,
        html: str | None = None,
        stop_link: str | None = None,
    ) -> str:
        raise NotImplementedError

    async def is_blocked(self, *, account_id: str, to: str) -> bool:
        raise NotImplementedError

    async def let_through(self, *, account_id: str, to: str, letter_id: str) -> bool:
        raise NotImplementedError

    async def give_back(self, *, account_id: str, to: str, letter_id: str) -> None:
        raise NotImplementedError

    async def admit(self, notice: MailNotice) -> Admission:
        raise NotImplementedError

    async def sent(self, about: str) -> None:
        raise NotImplementedError

    async def gathered(self, notice_id: int) -> GatheredMail | None:
        raise NotImplementedError

    async def gathered_sent(self, gathered: GatheredMail) -> None:
        raise NotImplementedError


@dataclass(kw_only=True)
class Canceller:
    """Implements RunStarter as far as a run ends itself by it."""

    client: Client

    async def retry(self, order: RetryOrder) -> RunStarted:
        raise NotImplementedError

    async def cancel(self, workflow_id: str, *, run_id: str) -> None:
        await self.client.get_workflow_handle(workflow_id, run_id=run_id).cancel()


@dataclass(kw_only=True)
class Stage:
    """One charge point, ready to be commissioned."""

    env: WorkflowEnvironment
    charger: ScriptedChargePoint
    records: MemoryRecords
    task_queue: str
    supply: Supply | None = None
    """That of a site that is handed over; None: it is not."""
    site: WorkflowHandle[SupplyWorkflow, list[Borrow]] | None = None

    async def start(
        self, options: RunOptions | None = None, *, previous: RunView | None = None
    ) -> WorkflowHandle[CommissioningWorkflow, RunView | None]:
        self.records.previous = previous
        project_id = f"prj_{uuid4().hex}"
        if self.supply is not None:
            self.site = await self.env.client.start_workflow(
                SupplyWorkflow.run,
                self.supply,
                id=site_workflow_id(project_id),
                task_queue=self.task_queue,
            )
        handle = await self.env.client.start_workflow(
            CommissioningWorkflow.run,
            RunRequest(
                commissioning_id="com_2" if previous else "com_1",
                previous_commissioning_id=previous.commissioning_id if previous else None,
                from_scratch=previous is None,
                charge_point_id="cp_1",
                project_id="prj_1" if self.supply is None else project_id,
                live_site=self.supply is not None,
                installer_id="usr_1",
                started_by="installer@acme.com",
                started_at=EPOCH,
                options=options or RunOptions(pace=PACE),
            ),
            id=f"commissioning-{uuid4().hex}",
            task_queue=self.task_queue,
        )
        self.charger.handle = handle  # type: ignore[assignment]
        return handle

    async def verdict(self, options: RunOptions | None = None) -> RunView:
        """Run to the end, and hold what Temporal shows against the record."""
        handle = await self.start(options)
        return await self.verdict_of(handle)

    async def verdict_of(
        self, handle: WorkflowHandle[CommissioningWorkflow, RunView | None]
    ) -> RunView:
        try:
            await handle.result()
            closed = "completed"
        except WorkflowFailureError as error:
            cause = error.cause
            is_verdict = isinstance(cause, ApplicationError) and cause.type == COMMISSIONING_FAILED
            closed = "failed" if is_verdict else repr(cause)
        (view,) = self.records.verdicts
        assert view.status == closed
        return view


async def skip(
    handle: WorkflowHandle[CommissioningWorkflow, RunView | None], answer: RunAnswer
) -> Waiting:
    """Skip, once the charge point has answered what it was asked.

    An answer ends the asking: of an activity that has just ended, the time-skipping server refuses
    to hear that it is to be cancelled ("ACTIVITY_UNKNOWN"), and loses the update with the task.
    """

    async def all_is_answered() -> None:
        assert not (await handle.describe()).raw_description.pending_activities

    await eventually(all_is_answered)
    return await handle.execute_update(CommissioningWorkflow.answer, answer)


class StageMaker(Protocol):
    """Puts a charge point of some behaviour on the stage."""

    async def __call__(self, behaviour: Behaviour | None = None) -> Stage: ...


@pytest.fixture
async def set_stage(time_skipping_env: WorkflowEnvironment) -> AsyncIterator[StageMaker]:
    """Give a function that sets the stage; its workers end with the test."""
    async with AsyncExitStack() as running:

        async def make(behaviour: Behaviour | None = None) -> Stage:
            client, queue = time_skipping_env.client, uuid4().hex
            charger = ScriptedChargePoint(
                behaviour or Behaviour(), client, node_id=f"node_{uuid4().hex}"
            )
            records = MemoryRecords(charger)
            await running.enter_async_context(shared_worker(client, records, queue))
            await running.enter_async_context(node_worker(client, charger))
            return Stage(env=time_skipping_env, charger=charger, records=records, task_queue=queue)

        yield make


def shared_worker(client: Client, records: MemoryRecords, queue: str) -> Worker:
    """The worker of the shared task queue."""
    nowhere = NoMail()
    post = Post(nowhere, nowhere, secret="s", public_url="https://charging.example")
    notices = NoticeActivities(records, post)
    return Worker(
        client,
        task_queue=queue,
        workflows=[*WORKFLOWS, SupplyWorkflow],
        activities=[
            *done_by(records, RecordActivities),
            *done_by(records, DirectoryActivities),
            *activities_of(OwnerActivities(records, records, records)),
            notices.mail_verdict,
            RunActivities(Canceller(client=client)).cancel_run,
        ],
        workflow_runner=workflow_runner(),
        deployment_config=DEPLOYMENT,
    )


def node_worker(client: Client, charger: ScriptedChargePoint) -> Worker:
    """A node that holds the charge point's socket."""
    node: ChargePointActivities = charger
    return Worker(
        client,
        task_queue=node_task_queue(charger.node_id),
        activities=[*done_by(node, ChargePointActivities, under_heartbeats)],
        deployment_config=DEPLOYMENT,
    )
