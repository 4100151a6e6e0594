"""What the API asks of workflows, one method a question."""

from collections.abc import Awaitable, Callable
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

import structlog
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
    WorkflowUpdateFailedError,
)
from temporalio.common import QueryRejectCondition, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.types import MethodAsyncSingleParam
from temporalio.workflow import UpdateMethodMultiParam

from api.temporal.link import (
    ANSWER_TIMEOUT,
    RPC_TIMEOUT,
    PrecededLink,
    TemporalLink,
    no_answer,
    temporal_away,
)
from api.temporal.sites import SiteGateway
from domain.batch import BatchOwner
from domain.checks import RunView, Waiting
from domain.commands import Command, CommandResult
from domain.commissioning import Answer, CancelRequest
from domain.configuration import (
    ConfigurationRequest,
    ConfigurationResult,
    ConnectionTest,
    ConnectionTestRequest,
    PushNow,
)
from domain.errors import ConflictError, UnavailableError
from domain.handover import (
    CompleteHandover,
    HandoverResult,
    OpenVisit,
    ProjectRequest,
    RemoveProject,
)
from domain.invitations import InvitationSent, NewInvitation, ResendInvitation
from domain.names import (
    OTHER_RUN,
    SHARED_TASK_QUEUE,
    command_workflow_id,
    commissioning_workflow_id,
    configuration_workflow_id,
    connection_test_workflow_id,
)
from domain.service_visits import CloseVisit, VisitClosed
from workflows.batch_start import wake_batch
from workflows.command import CommandWorkflow
from workflows.commissioning import CommissioningWorkflow
from workflows.configuration import ConfigurationWorkflow
from workflows.connection_test import ConnectionTestWorkflow
from workflows.project import ProjectWorkflow
from workflows.run_start import RunStart, start_when_free

_SHORT_WORKFLOW_TIMEOUT: Final = timedelta(minutes=5)
_POLLER_FRESH: Final = timedelta(seconds=75)  # a poll lasts 60 s; older ones are of the dead
_ENDS_MEANWHILE: Final = 3  # so often an update that a workflow's end cut off begins anew
_log = structlog.get_logger()
W = TypeVar("W")
P = TypeVar("P")
R = TypeVar("R")


class TemporalGateway:
    """Starts, asks and tells the workflows.

    Every method raises UnavailableError when Temporal, or the worker that must answer, is away.
    """

    def __init__(
        self, connect: Callable[[], Awaitable[Client]], *, task_queue: str = SHARED_TASK_QUEUE
    ) -> None:
        self._task_queue = task_queue
        self._link = TemporalLink(connect)
        self.use(self._link)

    def use(self, link: TemporalLink) -> None:
        """Ask over that connection from now on."""
        self._link = link
        self.sites = SiteGateway(link, self._task_queue)

    def after(self, before: Callable[[], Awaitable[None]]) -> "TemporalGateway":
        """The same, but that something is done before each question."""
        other = copy(self)
        other.use(PrecededLink(self._link, before))
        return other

    async def check(self) -> None:
        """Make sure that Temporal is there, before anything is written that needs it."""
        await self._link.check()

    async def has_worker(self) -> bool:
        """Tell whether a worker polls the shared task queue."""
        async with self._link.client() as client:
            answer = await client.workflow_service.describe_task_queue(
                DescribeTaskQueueRequest(
                    namespace=client.namespace,
                    task_queue=TaskQueue(name=self._task_queue),
                    task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
                ),
                timeout=RPC_TIMEOUT,
            )
        fresh = datetime.now(UTC) - _POLLER_FRESH
        return any(
            poller.last_access_time.ToDatetime(tzinfo=UTC) > fresh for poller in answer.pollers
        )

    async def ensure_project(self, request: ProjectRequest) -> None:
        """Start the project's workflow, unless it runs."""
        async with self._link.client() as client:
            await self._ensure_project(client, request)

    async def invite_site_owner(
        self, project: ProjectRequest, invitation: NewInvitation
    ) -> InvitationSent:
        """Have the invitation stored and mailed."""
        return await self._update_project(
            project, ProjectWorkflow.invite_site_owner, invitation, invitation.invitation_id
        )

    async def invite_collaborator(
        self, project: ProjectRequest, invitation: NewInvitation
    ) -> InvitationSent:
        """Have the invitation of somebody who is to work on the project stored and mailed."""
        return await self._update_project(
            project, ProjectWorkflow.invite_collaborator, invitation, invitation.invitation_id
        )

    async def complete_handover(
        self, project: ProjectRequest, handover: CompleteHandover
    ) -> HandoverResult:
        """Have the project handed over, or hear what stands in the way."""
        return await self._update_project(project, ProjectWorkflow.complete_handover, handover)

    async def open_visit(self, project: ProjectRequest, visit: OpenVisit) -> None:
        """Have a service visit looked after, and its installer invited."""
        await self._update_project(
            replace(project, handed_over=True, visits=(visit,)),
            ProjectWorkflow.open_visit,
            visit,
            visit.service_visit_id,
        )

    async def close_visit(
        self, project: ProjectRequest, visit: OpenVisit, request: CloseVisit
    ) -> VisitClosed:
        """Have a service visit closed, or hear what stands in the way."""
        return await self._update_project(
            replace(project, handed_over=True, visits=(visit,)),
            ProjectWorkflow.close_visit,
            request,
        )

    async def visit_changed(self, project_id: str, visit: OpenVisit) -> None:
        """Tell the project's workflow, if it can be told: it looks at its end otherwise."""
        try:
            async with self._link.client() as client:
                await client.get_workflow_handle(project_id).signal(
                    ProjectWorkflow.visit_changed, visit, rpc_timeout=RPC_TIMEOUT
                )
        except (UnavailableError, RPCError) as error:
            _log.info("visit_signal_not_delivered", project=project_id, error=repr(error))

    async def remove_project(self, project: ProjectRequest, removal: RemoveProject) -> None:
        """Have the project removed, or hear what is in it."""
        await self._update_project(project, ProjectWorkflow.remove, removal)

    async def resend_invitation(
        self, project: ProjectRequest, request: ResendInvitation
    ) -> InvitationSent:
        """Have the invitation mailed again."""
        return await self._update_project(project, ProjectWorkflow.resend_invitation, request)

    async def invitation_ended(self, project_id: str, invitation_id: str) -> None:
        """Tell the project's workflow, if it can be told: the reconciler tells it otherwise."""
        try:
            async with self._link.client() as client:
                await client.get_workflow_handle(project_id).signal(
                    ProjectWorkflow.invitation_ended, invitation_id, rpc_timeout=RPC_TIMEOUT
                )
        except (UnavailableError, RPCError) as error:
            _log.info("invitation_signal_not_delivered", project=project_id, error=repr(error))

    async def start_run(self, start: RunStart) -> None:
        """Start a run's workflow; harmless when it was started already.

        A workflow that is still closing holds the id for a moment, so that is waited for.
        """
        await start_when_free(
            self._link.client, start, task_queue=self._task_queue, rpc_timeout=RPC_TIMEOUT
        )

    async def run_view(self, charge_point_id: str) -> RunView | None:
        """Ask the open run how it stands; None when no run is open."""
        try:
            async with self._link.client() as client:
                return await self._run(client, charge_point_id).query(
                    CommissioningWorkflow.status,
                    reject_condition=QueryRejectCondition.NOT_OPEN,
                    rpc_timeout=RPC_TIMEOUT,
                )
        except WorkflowQueryRejectedError:
            return None
        except WorkflowQueryFailedError as error:
            raise no_answer() from error
        except RPCError:
            return None

    async def cancel_run(self, charge_point_id: str, request: CancelRequest) -> bool:
        """Cancel the run that is meant; False when its workflow is not there."""
        try:
            async with self._link.client(within=ANSWER_TIMEOUT) as client:
                run = self._run(client, charge_point_id)
                await run.execute_update(CommissioningWorkflow.cancel, request)
        except RPCError as error:
            _unless_busy(error)
            return False
        except WorkflowUpdateFailedError as error:
            if _is_of_another_run(error):
                return False
            raise _refusal(error) from error
        return True

    async def answer_run(self, charge_point_id: str, given: Answer) -> Waiting | None:
        """Answer the run that is meant; None when its workflow is not there.

        Raises:
            ConflictError: it asks nothing, or something else.

        """
        try:
            async with self._link.client(within=ANSWER_TIMEOUT) as client:
                run = self._run(client, charge_point_id)
                return await run.execute_update(CommissioningWorkflow.answer, given)
        except RPCError as error:
            _unless_busy(error)
            return None
        except WorkflowUpdateFailedError as error:
            if _is_of_another_run(error):
                return None
            raise _refusal(error) from error

    async def wake_batch(self, owner: BatchOwner) -> None:
        """Have the project's open batch looked at, by a workflow that runs or is started."""
        async with self._link.client() as client:
            await wake_batch(client, owner, task_queue=self._task_queue, rpc_timeout=RPC_TIMEOUT)

    async def test_connection(self, charge_point_id: str) -> ConnectionTest:
        """Measure a round trip to the charge point, or hear why there is none."""
        return await self._execute(
            ConnectionTestWorkflow.run,
            ConnectionTestRequest(charge_point_id=charge_point_id),
            connection_test_workflow_id(charge_point_id),
        )

    async def command(self, command: Command) -> CommandResult:
        """Have a charge point do something, or hear why it cannot be asked."""
        return await self._execute(
            CommandWorkflow.run, command, command_workflow_id(command.command_id)
        )

    async def push_configuration(
        self, charge_point_id: str, *, restart: bool
    ) -> ConfigurationResult:
        """Push the stored values to the charge point now; a restart goes on by itself."""
        workflow_id = configuration_workflow_id(charge_point_id)
        start = WithStartWorkflowOperation(
            ConfigurationWorkflow.run,
            ConfigurationRequest(charge_point_id=charge_point_id, restart=restart),
            id=workflow_id,
            task_queue=self._task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )
        try:
            async with self._link.client(within=ANSWER_TIMEOUT) as client:
                return await client.execute_update_with_start_workflow(
                    ConfigurationWorkflow.push_now,
                    PushNow(restart=restart),
                    start_workflow_operation=start,
                )
        except (WorkflowUpdateFailedError, RPCError) as error:
            _log.warning("workflow_gave_no_answer", workflow_id=workflow_id, error=repr(error))
            raise no_answer() from error

    async def _execute(
        self, workflow: MethodAsyncSingleParam[W, P, R], request: P, workflow_id: str
    ) -> R:
        """Run a short workflow to its end; callers at the same time share one."""
        try:
            async with self._link.client(within=ANSWER_TIMEOUT) as client:
                return await client.execute_workflow(
                    workflow,
                    request,
                    id=workflow_id,
                    task_queue=self._task_queue,
                    id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                    execution_timeout=_SHORT_WORKFLOW_TIMEOUT,
                )
        except (WorkflowFailureError, RPCError) as error:
            _log.warning("workflow_gave_no_answer", workflow_id=workflow_id, error=repr(error))
            raise no_answer() from error

    async def _update_project(
        self,
        project: ProjectRequest,
        update: UpdateMethodMultiParam[[ProjectWorkflow, P], R],
        request: P,
        update_id: str | None = None,
    ) -> R:
        try:
            async with self._link.client(within=ANSWER_TIMEOUT) as client:
                for _ in range(_ENDS_MEANWHILE):
                    try:
                        return await self._asked_once(client, project, update, request, update_id)
                    except RPCError as error:
                        if error.status is not RPCStatusCode.NOT_FOUND:
                            raise
                        _log.info("project_ended_meanwhile", project=project.project_id)
                return await self._asked_once(client, project, update, request, update_id)
        except WorkflowUpdateFailedError as error:
            raise _refusal(error) from error
        except RPCError as error:
            raise temporal_away() from error

    async def _asked_once(
        self,
        client: Client,
        project: ProjectRequest,
        update: UpdateMethodMultiParam[[ProjectWorkflow, P], R],
        request: P,
        update_id: str | None,
    ) -> R:
        await self._ensure_project(client, project)
        handle: WorkflowHandle[ProjectWorkflow, None] = client.get_workflow_handle_for(
            ProjectWorkflow.run, project.project_id
        )
        return await handle.execute_update(update, request, id=update_id)

    async def _ensure_project(self, client: Client, request: ProjectRequest) -> None:
        await client.start_workflow(
            ProjectWorkflow.run,
            request,
            id=request.project_id,
            task_queue=self._task_queue,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            static_summary=request.name.encode()[:200].decode(errors="ignore"),
            rpc_timeout=RPC_TIMEOUT,
        )

    @staticmethod
    def _run(
        client: Client, charge_point_id: str
    ) -> WorkflowHandle[CommissioningWorkflow, RunView | None]:
        return client.get_workflow_handle_for(
            CommissioningWorkflow.run, commissioning_workflow_id(charge_point_id)
        )


def _unless_busy(error: RPCError) -> None:
    """Raise the 503 of a workflow that is there, and whose step just failed or must be redone."""
    if error.status is RPCStatusCode.FAILED_PRECONDITION:
        raise no_answer() from error


def _is_of_another_run(error: WorkflowUpdateFailedError) -> bool:
    """Tell whether the run before still holds the workflow id."""
    return isinstance(error.cause, ApplicationError) and error.cause.type == OTHER_RUN


def _refusal(error: WorkflowUpdateFailedError) -> ConflictError | UnavailableError:
    """Say what a workflow refused; what it could not do is a 503."""
    cause = error.cause
    if isinstance(cause, ApplicationError) and cause.type and cause.non_retryable:
        extra = cause.details[0] if cause.details else {}
        return ConflictError(cause.type, cause.message, **extra)
    _log.warning("update_failed", error=repr(cause))
    return UnavailableError("update_failed", "That could not be done right now. Try again shortly.")
