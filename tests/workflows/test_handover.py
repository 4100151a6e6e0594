"""A project that is handed over is over, whatever comes of what begins then."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.mail import HandOver
from domain.handover import CompleteHandover, HandoverResult, ProjectRequest
from workflows import project
from workflows.project import ProjectWorkflow

_AT = datetime(2026, 5, 1, 10, 15, tzinfo=UTC)
_PROJECT = ProjectRequest(project_id="prj_1", installer_id="usr_1", name="Riverside")
_REQUEST = CompleteHandover(sign_off_notes=None, installer_signature="J. Smith")


@activity.defn
async def complete_handover(hand_over: HandOver) -> HandoverResult:
    return HandoverResult(project_id=hand_over.project_id, completed_at=_AT)


async def _no_site(request: ProjectRequest) -> None:
    raise ApplicationError(f"{request.project_id} has no site")


async def test_it_ends_though_the_power_is_not_shared(
    time_skipping_env: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project, "share_power", _no_site)
    async with Worker(
        time_skipping_env.client,
        task_queue=uuid4().hex,
        workflows=[ProjectWorkflow],
        activities=[complete_handover],
        workflow_runner=UnsandboxedWorkflowRunner(),  # the sandbox would not see the patch
    ) as worker:
        handle = await time_skipping_env.client.start_workflow(
            ProjectWorkflow.run, _PROJECT, id="prj_1", task_queue=worker.task_queue
        )
        result = await handle.execute_update(ProjectWorkflow.complete_handover, _REQUEST)
        assert result.completed_at == _AT
        await handle.result()
