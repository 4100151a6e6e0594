"""A project with a year of events stays far below the limits of a history."""

from datetime import UTC, datetime
from uuid import uuid4

from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.project import HandOver, Invite
from domain.handover import Blocker, CompleteHandover, HandoverResult, ProjectRequest
from domain.invitations import InvitationSent, InvitationSettled, NewInvitation
from domain.states import InvitationStatus
from tests.support.histories import life
from worker import workflow_runner
from workflows.project import ProjectWorkflow

_DAYS, _LIMIT = 365, 2_000
_AT = datetime(2026, 5, 1, 9, tzinfo=UTC)
_HAND_OVER = CompleteHandover(sign_off_notes=None, installer_signature="Alex")


class Site:
    """Implements the project's activities; it is ready when the year is over."""

    def __init__(self) -> None:
        self.ready = False
        self.invited: list[str] = []
        self.mailed: list[str] = []

    @activity.defn
    async def send_invitation(self, invite: Invite) -> InvitationSent:
        identity = invite.invitation.invitation_id
        self.invited.append(identity)
        return InvitationSent(invitation_id=identity, expires_at=_AT)

    @activity.defn
    async def settle_invitation(self, invitation_id: str) -> InvitationSettled:
        return InvitationSettled(status=InvitationStatus.ACCEPTED, expires_at=_AT)

    @activity.defn
    async def mail_handover(self, project_id: str) -> None:
        self.mailed.append(project_id)

    @activity.defn
    async def complete_handover(self, hand_over: HandOver) -> HandoverResult:
        blocker = Blocker(code="not_commissioned", detail="Charge point 1 has not been.")
        return HandoverResult(
            project_id=hand_over.project_id,
            completed_at=_AT if self.ready else None,
            blockers=() if self.ready else (blocker,),
        )


async def test_a_year_of_a_project(time_skipping_env: WorkflowEnvironment) -> None:
    """Each day an invitation, an acceptance, a handover too early; nothing of it is lost."""
    client, site, queue = time_skipping_env.client, Site(), uuid4().hex
    worker = Worker(
        client,
        task_queue=queue,
        workflows=[ProjectWorkflow],
        activities=[
            site.send_invitation,
            site.settle_invitation,
            site.complete_handover,
            site.mail_handover,
        ],
        workflow_runner=workflow_runner(),
    )
    async with worker:
        started = await client.start_workflow(
            ProjectWorkflow.run,
            ProjectRequest(project_id="prj_1", installer_id="usr_1", name="Riverside"),
            id="prj_1",
            task_queue=queue,
        )
        handle: WorkflowHandle[ProjectWorkflow, None] = client.get_workflow_handle_for(
            ProjectWorkflow.run, "prj_1"
        )
        for day in range(_DAYS):
            invitation = NewInvitation(
                invitation_id=f"inv_{day}", email="owner@site.example", message=None
            )
            sent = await handle.execute_update(ProjectWorkflow.invite_site_owner, invitation)
            assert sent.invitation_id == f"inv_{day}"
            await handle.signal(ProjectWorkflow.invitation_ended, f"inv_{day}")
            result = await handle.execute_update(ProjectWorkflow.complete_handover, _HAND_OVER)
            assert result.blockers
        site.ready = True
        await handle.execute_update(ProjectWorkflow.complete_handover, _HAND_OVER)
        await handle.result()
    assert started.first_execution_run_id is not None
    runs = await life(client, "prj_1", first=started.first_execution_run_id)
    lengths = [len(events) for events in runs]
    assert sum(lengths) > _LIMIT, "a year that proves nothing"
    assert max(lengths) < _LIMIT, lengths
    begun = runs[-1][0].workflow_execution_started_event_attributes
    assert b"Invited inv_" in begun.input.payloads[0].data  # what operators read goes along
    assert site.mailed == ["prj_1"]
    assert site.invited == [f"inv_{day}" for day in range(_DAYS)]
