"""What the API asks of workflows, one method a question."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
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
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
    WorkflowUpdateFailedError,
)
from temporalio.common import QueryRejectCondition
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.workflow import UpdateMethodMultiParam

from api.temporal.link import ANSWER_TIMEOUT, PrecededLink, TemporalLink, no_answer, temporal_away
from api.temporal.sites import SiteGateway
from domain.batch import BatchOwner
from domain.checks import RunView, Waiting
from domain.commands import Command, CommandResult
from domain.commissioning import CancelRequest, RunAnswer
from domain.configuration import ConfigurationResult, ConnectionTest, PushNow
from domain.errors import ConflictError, UnavailableError
from domain.handover import (
    CompleteHandover,
    HandoverResult,
    OpenVisit,
    ProjectRequest,
    RemoveProject,
)
from domain.invitations import InvitationSent, NewInvitation, ResendInvitation
from domain.names import OTHER_RUN, SHARED_TASK_QUEUE
from domain.service_visits import CloseVisit, VisitClosed
from temporal import starts
from temporal.client import RPC_TIMEOUT
from temporal.run_starter import run_of
from temporal.start import Start
from workflows.commissioning import CommissioningWorkflow
from workflows.configuration import ConfigurationWorkflow
from workflows.project import ProjectWorkflow

_POLLER_FRESH: Final = timedelta(seconds=75)  # a poll lasts 60 s; older ones are of the dead
_ENDS_MEANWHILE: Final = 3  # so often an update that a workflow's end cut off begins anew
_log = structlog.get_logger()
P = TypeVar("P")
R = TypeVar("R")


class TemporalGateway:
    """Starts, asks and tells the workflows.

    Every method raises UnavailableError when Temporal, or the worker that must answer, is away.
    """

    def __init__(
        self, connect: Callable[[], Awaitable[Client]], *, task_queue: str = SHARED_TASK_QUEUE
    ) -> None:
        self.task_queue = task_queue
        self._link = TemporalLink(connect)
        self.use(self._link)

    def use(self, link: TemporalLink) -> None:
        """Ask over that connection from now on."""
        self._link = link
        self.sites = SiteGateway(link, self.task_queue)

    def after(self, before: Callable[[], Awaitable[None]]) -> "TemporalGateway":
        """The same, but that something is done before each question."""
        other = copy(self)
        other.use(PrecededLink(self._link, before))
        return other

    def client(self) -> AbstractAsyncContextManager[Client]:
        """Give the client to who begins a workflow of :mod:`temporal.starts` without a question."""
        return self._link.client()

    async def check(self) -> None:
        """Make sure that Temporal is there, before anything is written that needs it."""
        await self._link.check()

    async def has_worker(self) -> bool:
        """Tell whether a worker polls the shared task queue."""
        async with self._link.client() as client:
            answer = await client.workflow_service.describe_task_queue(
                DescribeTaskQueueRequest(
                    namespace=client.namespace,
                    task_queue=TaskQueue(name=self.task_queue),
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
            await starts.project(request).begin(client, self.task_queue)

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
        await self._tell_project(project_id, ProjectWorkflow.visit_changed, visit)

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
        await self._tell_project(project_id, ProjectWorkflow.invitation_ended, invitation_id)

    async def run_view(self, charge_point_id: str) -> RunView | None:
        """Ask the open run how it stands; None when no run is open."""
        try:
            async with self._link.client() as client:
                return await run_of(client, charge_point_id).query(
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
        async with self._if_there(charge_point_id) as run:
            await run.execute_update(CommissioningWorkflow.cancel, request)
            return True
        return False

    async def answer_run(self, charge_point_id: str, given: RunAnswer) -> Waiting | None:
        """Answer the run that is meant; None when its workflow is not there.

        Raises:
            ConflictError: it asks nothing, or something else.

        """
        async with self._if_there(charge_point_id) as run:
            return await run.execute_update(CommissioningWorkflow.answer, given)
        return None

    @asynccontextmanager
    async def _if_there(
        self, charge_point_id: str
    ) -> AsyncIterator[WorkflowHandle[CommissioningWorkflow, RunView | None]]:
        """Give the open run, and end the block early when the run that is meant is not there."""
        try:
            async with self._link.client(within=ANSWER_TIMEOUT) as client:
                yield run_of(client, charge_point_id)
        except RPCError as error:
            # It is there, and its step just failed or must be redone.
            if error.status is RPCStatusCode.FAILED_PRECONDITION:
                raise no_answer() from error
        except WorkflowUpdateFailedError as error:
            cause = error.cause  # or the run before still holds the workflow id
            if not isinstance(cause, ApplicationError) or cause.type != OTHER_RUN:
                raise _refusal(error) from error

    async def wake_batch(self, owner: BatchOwner) -> None:
        """Have the project's open batch looked at, by a workflow that runs or is started."""
        async with self._link.client() as client:
            await starts.batch(owner).begin(client, self.task_queue)

    async def test_connection(self, charge_point_id: str) -> ConnectionTest:
        """Measure a round trip to the charge point, or hear why there is none."""
        return await self._result(starts.connection_test(charge_point_id), ConnectionTest)

    async def command(self, command: Command) -> CommandResult:
        """Have a charge point do something, or hear why it cannot be asked."""
        return await self._result(starts.command(command), CommandResult)

    async def push_configuration(
        self, charge_point_id: str, *, restart: bool
    ) -> ConfigurationResult:
        """Push the stored values to the charge point now; a restart goes on by itself."""
        start = starts.configuration(charge_point_id, restart=restart)
        try:
            async with self._link.client(within=ANSWER_TIMEOUT) as client:
                return await client.execute_update_with_start_workflow(
                    ConfigurationWorkflow.push_now,
                    PushNow(restart=restart),
                    start_workflow_operation=start.before_update(self.task_queue),
                )
        except (WorkflowUpdateFailedError, RPCError) as error:
            _log.warning("workflow_gave_no_answer", workflow_id=start.id, error=repr(error))
            raise no_answer() from error

    async def _result(self, start: Start, kind: type[R]) -> R:
        """Run a short workflow to its end; callers at the same time share one."""
        try:
            async with self._link.client(within=ANSWER_TIMEOUT) as client:
                return await start.result(client, self.task_queue, kind)
        except (WorkflowFailureError, RPCError) as error:
            _log.warning("workflow_gave_no_answer", workflow_id=start.id, error=repr(error))
            raise no_answer() from error

    async def _tell_project(
        self, project_id: str, signal: Callable[[ProjectWorkflow, P], None], about: P
    ) -> None:
        try:
            async with self._link.client() as client:
                await client.get_workflow_handle(project_id).signal(
                    signal, about, rpc_timeout=RPC_TIMEOUT
                )
        except (UnavailableError, RPCError) as error:
            _log.info("project_not_told", project=project_id, error=repr(error))

    async def _update_project(
        self,
        project: ProjectRequest,
        update: UpdateMethodMultiParam[[ProjectWorkflow, P], R],
        request: P,
        update_id: str | None = None,
    ) -> R:
        try:
            async with self._link.client(within=ANSWER_TIMEOUT) as client:
                handle: WorkflowHandle[ProjectWorkflow, None] = client.get_workflow_handle_for(
                    ProjectWorkflow.run, project.project_id
                )
                for _ in range(_ENDS_MEANWHILE + 1):
                    await starts.project(project).begin(client, self.task_queue)
                    try:
                        return await handle.execute_update(update, request, id=update_id)
                    except RPCError as error:
                        if error.status is not RPCStatusCode.NOT_FOUND:
                            raise
                        _log.info("project_ended_meanwhile", project=project.project_id)
        except WorkflowUpdateFailedError as error:
            raise _refusal(error) from error
        except RPCError as error:
            raise temporal_away() from error
        raise temporal_away()


def _refusal(error: WorkflowUpdateFailedError) -> ConflictError | UnavailableError:
    """Say what a workflow refused; what it could not do is a 503."""
    cause = error.cause
    if isinstance(cause, ApplicationError) and cause.type and cause.non_retryable:
        extra = cause.details[0] if cause.details else {}
        return ConflictError(cause.type, cause.message, **extra)
    _log.warning("update_failed", error=repr(cause))
    return UnavailableError("update_failed", "That could not be done right now. Try again shortly.")
