"""A project that is handed over is over, whatever comes of what begins then.

And whoever invited hears of an answer, though the handover comes right behind it.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from temporalio import activity
from temporalio.client import WorkflowHandle, WorkflowUpdateStage
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.project import HandOver, Invite
from domain.handover import CompleteHandover, HandoverResult, ProjectRequest
from domain.invitations import (
    InvitationSent,
    InvitationSettled,
    NewInvitation,
    OpenInvitation,
)
from domain.power.facts import SiteRequest
from domain.states import InvitationStatus, ProjectRole
from workflows import project
from workflows.project import ProjectWorkflow

_AT = datetime(2026, 5, 1, 10, 15, tzinfo=UTC)
_INVITED = ProjectRequest(
    project_id="prj_1",
    installer_id="usr_1",
    name="Riverside",
    invitations=(
        OpenInvitation(invitation_id="inv_1", due_at=datetime.now(UTC) + timedelta(days=7)),
    ),
)
_REQUEST = CompleteHandover(sign_off_notes=None, installer_signature="J. Smith")


class Post:
    """Looks at invitations; its mail server is away for the first few looks."""

    def __init__(self, away_for: int) -> None:
        self._away_for = away_for
        self.looks = 0
        self.told = 0
        self.mails = 0
        self.mailed: list[str] = []
        self.hangs, self.answers = asyncio.Event(), asyncio.Event()

    @activity.defn
    async def send_invitation(self, invite: Invite) -> InvitationSent:
        self.hangs.set()
        await self.answers.wait()
        return InvitationSent(invitation_id=invite.invitation.invitation_id, expires_at=_AT)

    @activity.defn
    async def settle_invitation(self, _invitation_id: str) -> InvitationSettled:
        self.looks += 1
        if self.looks <= self._away_for:
            raise ApplicationError("the mail server is away")
        self.told += 1
        return InvitationSettled(status=InvitationStatus.ACCEPTED, expires_at=_AT)

    @activity.defn
    async def mail_handover(self, project_id: str) -> None:
        self.mails += 1
        if self.mails <= self._away_for:
            raise ApplicationError("the mail server is away")
        self.mailed.append(project_id)

    @property
    def activities(self) -> Sequence[Any]:
        return [
            self.settle_invitation,
            complete_handover,
            self.mail_handover,
            self.send_invitation,
        ]


@activity.defn
async def complete_handover(hand_over: HandOver) -> HandoverResult:
    return HandoverResult(project_id=hand_over.project_id, completed_at=_AT)


async def _no_site(_run: object, request: SiteRequest, **_more: object) -> None:
    raise ApplicationError(f"{request.project_id} has no site")


@pytest.fixture
def away_for() -> int:
    """How often the mail server is away."""
    return 0


@pytest.fixture
def post(away_for: int) -> Post:
    return Post(away_for)


@pytest.fixture
async def handle(
    time_skipping_env: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch, post: Post
) -> AsyncIterator[WorkflowHandle[ProjectWorkflow, None]]:
    """A project with an invitation that is open for a week; power is never shared there."""
    monkeypatch.setattr(project, "start_outliving", _no_site)
    client = time_skipping_env.client
    async with Worker(
        client,
        task_queue=uuid4().hex,
        workflows=[ProjectWorkflow],
        activities=post.activities,
        workflow_runner=UnsandboxedWorkflowRunner(),  # the sandbox would not see the patch
    ) as worker:
        yield await client.start_workflow(
            ProjectWorkflow.run, _INVITED, id="prj_1", task_queue=worker.task_queue
        )


async def test_it_ends_though_the_power_is_not_shared(
    handle: WorkflowHandle[ProjectWorkflow, None],
) -> None:
    result = await handle.execute_update(ProjectWorkflow.complete_handover, _REQUEST)
    assert result.completed_at == _AT
    await handle.result()


async def test_an_answer_of_which_no_signal_came_is_told_at_the_handover(
    handle: WorkflowHandle[ProjectWorkflow, None], post: Post
) -> None:
    await handle.execute_update(ProjectWorkflow.complete_handover, _REQUEST)
    await handle.result()
    assert post.told == 1


@pytest.mark.parametrize("away_for", [7])
async def test_an_answer_is_told_when_the_mail_server_is_back(
    handle: WorkflowHandle[ProjectWorkflow, None], post: Post
) -> None:
    await handle.signal(ProjectWorkflow.invitation_ended, "inv_1")
    await handle.execute_update(ProjectWorkflow.complete_handover, _REQUEST)
    await handle.result()
    assert post.told == 1


@pytest.mark.parametrize("away_for", [0, 7, 1000])
async def test_its_owner_is_mailed_once_and_a_mail_server_that_is_gone_stops_nothing(
    handle: WorkflowHandle[ProjectWorkflow, None], post: Post, away_for: int
) -> None:
    post.looks = away_for  # of invitations there is other news
    await handle.execute_update(ProjectWorkflow.complete_handover, _REQUEST)
    await handle.result()
    assert post.mailed == (["prj_1"] if away_for < 100 else [])


async def test_a_mail_that_hangs_does_not_hold_the_handover_up(
    handle: WorkflowHandle[ProjectWorkflow, None], post: Post
) -> None:
    invited = await handle.start_update(
        ProjectWorkflow.invite_collaborator,
        NewInvitation(invitation_id="inv_2", role=ProjectRole.TECHNICIAN),
        wait_for_stage=WorkflowUpdateStage.ACCEPTED,
    )
    await post.hangs.wait()
    result = await handle.execute_update(ProjectWorkflow.complete_handover, _REQUEST)
    assert result.completed_at == _AT
    post.answers.set()
    assert (await invited.result()).invitation_id == "inv_2"
    await handle.result()
    assert post.told == 2, "that of which the news is asked is the new one, too"
