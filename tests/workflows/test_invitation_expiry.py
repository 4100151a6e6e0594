"""An invitation expires on time, by the workflow's timer, whatever happened in between."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.project import Invite, Resend
from domain.handover import ProjectRequest
from domain.invitations import (
    InvitationSent,
    InvitationSettled,
    NewInvitation,
    OpenInvitation,
    ResendInvitation,
)
from domain.states import InvitationStatus
from worker import workflow_runner
from workflows.project import ProjectWorkflow

_WEEK = timedelta(days=7)
_PROJECT = ProjectRequest(project_id="prj_1", installer_id="usr_1", name="Riverside")


class Post:
    """Implements the activities of invitations, by the clock of the time-skipping server."""

    def __init__(self, environment: WorkflowEnvironment) -> None:
        self._environment = environment
        self.expires_at: dict[str, datetime] = {}
        self.expired: dict[str, timedelta] = {}
        self.looks: list[str] = []
        self.mail_is_away = False

    @activity.defn
    async def send_invitation(self, invite: Invite) -> InvitationSent:
        return self._sent(invite.invitation.invitation_id, await self._now())

    @activity.defn
    async def resend_invitation(self, resend: Resend) -> InvitationSent:
        return self._sent(resend.request.invitation_id, resend.request.asked_at)

    @activity.defn
    async def settle_invitation(self, invitation_id: str) -> InvitationSettled:
        self.looks.append(invitation_id)
        if self.mail_is_away:
            raise ApplicationError("the mail server is away")
        late = await self._now() - self.expires_at[invitation_id]
        if late >= timedelta(0):
            self.expired[invitation_id] = late
        return InvitationSettled(
            status=InvitationStatus.EXPIRED if late >= timedelta(0) else InvitationStatus.PENDING,
            expires_at=self.expires_at[invitation_id],
        )

    def _sent(self, identity: str, at: datetime) -> InvitationSent:
        self.expires_at[identity] = at + _WEEK
        return InvitationSent(invitation_id=identity, expires_at=self.expires_at[identity])

    async def _now(self) -> datetime:
        return await self._environment.get_current_time()


@pytest.fixture
async def post(time_skipping_env: WorkflowEnvironment) -> Post:
    return Post(time_skipping_env)


@pytest.fixture
async def queue(time_skipping_env: WorkflowEnvironment, post: Post) -> AsyncIterator[str]:
    name = uuid4().hex
    async with Worker(
        time_skipping_env.client,
        task_queue=name,
        workflows=[ProjectWorkflow],
        activities=[post.send_invitation, post.resend_invitation, post.settle_invitation],
        workflow_runner=workflow_runner(),
    ):
        yield name


async def _start(
    environment: WorkflowEnvironment, queue: str, request: ProjectRequest = _PROJECT
) -> WorkflowHandle[ProjectWorkflow, None]:
    await environment.client.start_workflow(
        ProjectWorkflow.run, request, id="prj_1", task_queue=queue
    )
    return environment.client.get_workflow_handle_for(ProjectWorkflow.run, "prj_1")


async def _invite(project: WorkflowHandle[ProjectWorkflow, None], identity: str) -> None:
    await project.execute_update(
        ProjectWorkflow.invite_site_owner,
        NewInvitation(invitation_id=identity, email="a@b.example", message=None),
    )


async def test_on_time(time_skipping_env: WorkflowEnvironment, post: Post, queue: str) -> None:
    await _invite(await _start(time_skipping_env, queue), "inv_1")
    await time_skipping_env.sleep(_WEEK - timedelta(minutes=1))
    assert post.looks == []
    await time_skipping_env.sleep(timedelta(minutes=2))
    assert post.expired["inv_1"] < timedelta(seconds=5)


async def test_resent_it_lives_on(
    time_skipping_env: WorkflowEnvironment, post: Post, queue: str
) -> None:
    project = await _start(time_skipping_env, queue)
    await _invite(project, "inv_1")
    await time_skipping_env.sleep(timedelta(days=6))
    now = await time_skipping_env.get_current_time()
    await project.execute_update(
        ProjectWorkflow.resend_invitation,
        ResendInvitation(invitation_id="inv_1", asked_at=now),
    )
    await time_skipping_env.sleep(timedelta(days=6))
    assert post.expired == {}
    await time_skipping_env.sleep(timedelta(days=1, minutes=1))
    assert post.expired["inv_1"] < timedelta(seconds=5)


async def test_a_replaced_one_is_left_alone(
    time_skipping_env: WorkflowEnvironment, post: Post, queue: str
) -> None:
    project = await _start(time_skipping_env, queue)
    await _invite(project, "inv_1")
    await time_skipping_env.sleep(timedelta(days=1))
    await _invite(project, "inv_2")
    await time_skipping_env.sleep(_WEEK + timedelta(minutes=1))
    assert post.looks == ["inv_2"]


async def test_what_a_run_before_has_handed_on_expires_on_time(
    time_skipping_env: WorkflowEnvironment, post: Post, queue: str
) -> None:
    due_at = datetime.now(UTC) + _WEEK
    post.expires_at["inv_1"] = due_at
    request = ProjectRequest(
        project_id="prj_1",
        installer_id="usr_1",
        name="Riverside",
        invitations=(OpenInvitation(invitation_id="inv_1", due_at=due_at),),
    )
    await _start(time_skipping_env, queue, request)
    await time_skipping_env.sleep(_WEEK + timedelta(minutes=1))
    assert post.expired["inv_1"] < timedelta(seconds=5)


async def test_the_installer_is_told_when_the_mail_server_is_back(
    time_skipping_env: WorkflowEnvironment, post: Post, queue: str
) -> None:
    await _invite(await _start(time_skipping_env, queue), "inv_1")
    post.mail_is_away = True
    await time_skipping_env.sleep(_WEEK + timedelta(hours=3))
    assert 5 < len(post.looks) <= 5 * 14
    post.mail_is_away = False
    await time_skipping_env.sleep(timedelta(minutes=20))
    assert "inv_1" in post.expired
    looks = len(post.looks)
    await time_skipping_env.sleep(timedelta(hours=1))
    assert len(post.looks) == looks
