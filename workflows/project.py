"""ProjectWorkflow: a project from its creation to its handover, and its service visits."""

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, FailureError

with workflow.unsafe.imports_passed_through():
    import asyncio
    from collections.abc import Awaitable
    from dataclasses import replace
    from datetime import datetime, timedelta
    from typing import TypeVar

    from activities.project import (
        HandOver,
        Invite,
        ProjectActivities,
        Remove,
        Resend,
        VisitActivities,
    )
    from activities.runs import RunActivities
    from domain.commissioning import RetryOrder, RetryRun, RunStarted
    from domain.handover import (
        CompleteHandover,
        HandoverResult,
        OpenVisit,
        ProjectRequest,
        RemoveProject,
    )
    from domain.ids import Prefix, id_of, is_id
    from domain.invitations import (
        InvitationSent,
        InvitationSettled,
        NewInvitation,
        OpenInvitation,
        ResendInvitation,
    )
    from domain.names import site_workflow_id
    from domain.power.facts import SiteRequest
    from domain.service_visits import CloseVisit, VisitClosed, VisitLookedAt
    from domain.states import InvitationStatus, ProjectRole
    from domain.summaries import site_summary
    from workflows import policies
    from workflows.site import SiteWorkflow
    from workflows.temporal_calls import history_is_long, mail, record, start_outliving, wait_until

R = TypeVar("R")
_OWNER, _COLLABORATORS, _END = "owner", "collaborators", "end"
"""What of a project is done one at a time, beside what has an id: its invitations, and its end."""


@workflow.defn
class ProjectWorkflow:
    """Open until the project is handed over, or removed. Both are updates on it, and invitations.

    It looks at each open invitation when that expires, and when it hears that it has ended. After
    the handover the site owner's service visits start it again, under its id: it is open until the
    last of them is over.
    """

    @workflow.init
    def __init__(self, request: ProjectRequest) -> None:
        self._request = request
        self._handed_over = request.handed_over
        self._just_handed_over = False
        self._removed = False
        self._visits = {one.service_visit_id: one for one in request.visits}
        self._told = list(request.told)
        self._open = {one.invitation_id: one for one in request.invitations}
        self._locks: dict[str, asyncio.Lock] = {}

    @workflow.run
    async def run(self, request: ProjectRequest) -> None:
        """Look after invitations and visits until it ends; a long life continues as new."""
        self._present(request)
        while not self._over():
            await self._wait_for_what_is_due()
            await self._check_due_invitations()
            await self._look_at_visits_that_are_due()
        await workflow.wait_condition(workflow.all_handlers_finished)
        if self._just_handed_over or (self._handed_over and not self._visits):
            mails = [self._mail_the_owner()] if self._just_handed_over else []
            await asyncio.gather(*mails, self._tell_the_last_news())
            # Someone who asked again meanwhile is answered before it ends.
            await workflow.wait_condition(workflow.all_handlers_finished)
        if not self._ended():
            workflow.continue_as_new(
                replace(
                    request,
                    told=tuple(self._told),
                    invitations=tuple(self._open.values()),
                    handed_over=self._handed_over,
                    visits=tuple(self._visits.values()),
                )
            )

    @workflow.update
    async def invite_site_owner(self, invitation: NewInvitation) -> InvitationSent:
        """Invite the site owner; an earlier pending invitation is replaced."""
        async with self._alone(_OWNER):
            sent = await self._invited(invitation)
            for one in list(self._open.values()):
                if one.role is ProjectRole.SITE_OWNER:
                    del self._open[one.invitation_id]  # it is replaced
            self._look_at(sent.invitation_id, sent.expires_at)
            self._tell(f"Invited {sent.invitation_id}")
            return sent

    @workflow.update
    async def invite_collaborator(self, invitation: NewInvitation) -> InvitationSent:
        """Invite somebody to work on the project, as a lead or as a technician."""
        async with self._alone(_COLLABORATORS):
            sent = await self._invited(invitation)
            self._look_at(sent.invitation_id, sent.expires_at, invitation.role)
            self._tell(f"Invited {sent.invitation_id} as {invitation.role.value}")
            return sent

    @invite_collaborator.validator
    def _is_a_collaborator(self, invitation: NewInvitation) -> None:
        if invitation.role is ProjectRole.SITE_OWNER:
            raise ApplicationError(
                "A collaborator is a lead or a technician.", type="role_refused", non_retryable=True
            )

    @workflow.update
    async def resend_invitation(self, request: ResendInvitation) -> InvitationSent:
        """Mail the link of a pending invitation again; its time begins anew."""
        async with self._alone(request.invitation_id):
            sent = await self._unless_refused(
                mail(
                    ProjectActivities.resend_invitation,
                    Resend(project_id=self._request.project_id, request=request),
                    summary="Mail the invitation again",
                    retry=policies.INVITATION_RETRY,
                )
            )
            self._look_at(sent.invitation_id, sent.expires_at)
            self._tell(f"Sent {sent.invitation_id} again")
            return sent

    @workflow.signal
    def invitation_ended(self, invitation_id: str) -> None:
        """The invitation was accepted, declined or revoked, or its end was missed."""
        self._look_at(invitation_id, workflow.now())

    @workflow.update
    async def complete_handover(self, request: CompleteHandover) -> HandoverResult:
        """Hand over, or be refused with what stands in the way."""
        async with self._alone(_END):
            result = await record(
                ProjectActivities.complete_handover,
                HandOver(project_id=self._request.project_id, request=request),
                summary="Complete the handover",
            )
            if result.completed_at is None:
                self._tell("Handover refused")
                return result
            first = not self._handed_over
            self._just_handed_over = first or self._just_handed_over
            self._handed_over = True  # whatever comes of the rest: it cannot be refused any more
            self._tell("Handed over")
            if first:
                await self._share_power()
            return result

    @workflow.update
    async def open_visit(self, visit: OpenVisit) -> None:
        """Look after a service visit, whose row is there: have its installer invited."""
        self._visits[visit.service_visit_id] = visit  # before anything else: it keeps this open
        async with self._alone(visit.service_visit_id):
            await self._unless_refused(self._look_at_visit(visit.service_visit_id))
            self._tell(f"Service visit {visit.service_visit_id} opened")

    @workflow.update
    async def close_visit(self, request: CloseVisit) -> VisitClosed:
        """Close a service visit, or be refused with what stands in the way."""
        async with self._alone(request.service_visit_id):
            closed = await self._unless_refused(
                record(VisitActivities.close_visit, request, summary="Close the service visit")
            )
            if closed.closed_at is None:
                self._tell(f"Service visit {request.service_visit_id} not closed yet")
            else:
                self._look_at_visit_at(request.service_visit_id, workflow.now())
            return closed

    @workflow.signal
    def visit_changed(self, visit: OpenVisit) -> None:
        """The end of a visit was moved, or it has ended: look at it then."""
        self._look_at_visit_at(visit.service_visit_id, visit.due_at)

    @workflow.update
    async def remove(self, request: RemoveProject) -> None:
        """Remove the project if it has nothing in it; its life ends with that."""
        async with self._alone(_END):
            await self._unless_refused(
                record(
                    ProjectActivities.remove_project,
                    Remove(project_id=self._request.project_id, request=request),
                    summary="Remove the project",
                )
            )
            self._removed = True
            self._tell("Removed")

    @workflow.update
    async def retry_run(self, request: RetryRun) -> RunStarted:
        """Run again as the newest run of a charge point was started.

        It is for operators: a run that has ended takes no update itself.
        """
        started = await self._retried(
            RetryOrder(
                commissioning_id=id_of(
                    Prefix.COMMISSIONING, int(workflow.time() * 1000), workflow.uuid4().int
                ),
                charge_point_id=request.charge_point_id,
                installer_id=self._request.installer_id,
                started_by=request.by,
                from_scratch=request.from_scratch,
                update_firmware=request.update_firmware,
                test_connectors=request.test_connectors,
                project_id=self._request.project_id,
            )
        )
        self._tell(f"Retried `{started.charge_point_id}` as run `{started.commissioning_id}`")
        return started

    @retry_run.validator
    def _can_be_retried(self, request: RetryRun) -> None:
        if self._handed_over and not self._visits:
            raise _refused(
                "The project is handed over; nothing of it is commissioned any more, unless its "
                "owner opens a service visit."
            )
        if not is_id(Prefix.CHARGE_POINT, request.charge_point_id):
            raise _refused("charge_point_id is the id of a charge point: cp_ and 26 characters.")
        if not request.by.strip():
            raise _refused("by says who retries; leave it out if nobody has a name.")

    def _alone(self, what: str) -> asyncio.Lock:
        """Return the lock of what must not be done twice at once; a mail holds up its like alone.

        What else must not meet, the registry keeps apart by the project's row.
        """
        return self._locks.setdefault(what, asyncio.Lock())

    async def _share_power(self) -> None:
        """Start the workflow that shares its power, unless the reconciler was faster."""
        site = SiteRequest(project_id=self._request.project_id, name=self._request.name)
        try:
            await start_outliving(
                SiteWorkflow.run,
                site,
                id=site_workflow_id(site.project_id),
                summary=site_summary(site.name),
            )
        except FailureError as error:
            workflow.logger.warning("power_not_shared", extra={"detail": repr(error)})
            self._tell("Sharing the power did not begin; the reconciler begins it")

    def _over(self) -> bool:
        return self._ended() or self._just_handed_over or history_is_long()

    def _ended(self) -> bool:
        return (self._handed_over and not self._visits) or self._removed

    async def _wait_for_what_is_due(self) -> None:
        """Wait until an invitation or a visit is due, a new one comes, or the project ends."""
        first = self._first_due()
        left = None if first is None else first - workflow.now()
        if left is not None and left <= timedelta(0):
            return
        await wait_until(
            lambda: self._over() or self._first_due() != first,
            timeout=left,
            why="A service visit ends" if self._visits else "The invitation expires",
        )

    def _first_due(self) -> datetime | None:
        due = [one.due_at for one in self._open.values()]
        due += [one.due_at for one in self._visits.values()]
        return min(due, default=None)

    def _look_at(
        self, invitation_id: str, due_at: datetime, role: ProjectRole | None = None
    ) -> None:
        """Look at the invitation at that time; its role stays as it is if none is given."""
        known = self._open.get(invitation_id)
        if role is None:
            role = ProjectRole.SITE_OWNER if known is None else known.role
        self._open[invitation_id] = OpenInvitation(
            invitation_id=invitation_id, due_at=due_at, role=role
        )

    async def _check_due_invitations(self) -> None:
        now = workflow.now()
        for one in list(self._open.values()):
            if one.due_at <= now:
                again_at = await self._check_invitation(one.invitation_id)
                if self._open.get(one.invitation_id) != one:
                    continue  # heard of again, or replaced, meanwhile
                if again_at is None:
                    del self._open[one.invitation_id]
                else:
                    self._look_at(one.invitation_id, again_at)

    def _look_at_visit_at(self, service_visit_id: str, due_at: datetime) -> None:
        if service_visit_id in self._visits:
            self._visits[service_visit_id] = OpenVisit(
                service_visit_id=service_visit_id, due_at=due_at
            )

    async def _look_at_visits_that_are_due(self) -> None:
        for one in list(self._visits.values()):
            if one.due_at > workflow.now():
                continue
            async with self._alone(one.service_visit_id):
                try:
                    await self._look_at_visit(one.service_visit_id)
                except ActivityError as error:
                    workflow.logger.warning(
                        "visit_not_looked_at", extra={"detail": repr(error.cause)}
                    )
                    later = workflow.now() + policies.INVITATION_PAUSE
                    self._look_at_visit_at(one.service_visit_id, later)

    async def _look_at_visit(self, service_visit_id: str) -> None:
        """Do what is due for a visit, and say when to look at it again."""
        asked = self._visits.get(service_visit_id)
        looked: VisitLookedAt = await mail(
            VisitActivities.look_at_visit,
            service_visit_id,
            summary="Look how the service visit stands",
            retry=policies.INVITATION_RETRY,
        )
        if looked.invitation is not None:
            self._look_at(
                looked.invitation.invitation_id,
                looked.invitation.expires_at,
                ProjectRole.SERVICE,
            )
        if not looked.status.is_running:
            self._visits.pop(service_visit_id, None)
            self._tell(f"Service visit {service_visit_id} is over: {looked.status.value}")
        elif self._visits.get(service_visit_id) == asked:  # else it was changed meanwhile
            again_at = max(looked.ends_at, workflow.now() + policies.INVITATION_CLOCK_SKEW)
            self._look_at_visit_at(service_visit_id, again_at)

    async def _tell_the_last_news(self) -> None:
        """Tell of answers that came right before the handover; those still open are let go.

        The inviter is told as soon as the mail server is there: after a day it is no news.
        """
        for invitation_id in self._open:
            while await self._looked_at(invitation_id) is None:
                await workflow.sleep(policies.INVITATION_PAUSE, summary="The mail server is away")

    async def _mail_the_owner(self) -> None:
        """Tell the site owner what is theirs now, once the mail server is there."""
        try:
            await mail(
                ProjectActivities.mail_handover,
                self._request.project_id,
                summary="Mail the owner that the site is theirs",
            )
        except ActivityError as error:
            workflow.logger.warning("handover_not_mailed", extra={"detail": repr(error.cause)})
            self._tell("The mail of the handover was given up")

    async def _check_invitation(self, invitation_id: str) -> datetime | None:
        """Look at an invitation; returns when to look again, None when it has ended."""
        settled = await self._looked_at(invitation_id)
        if settled is None:
            return workflow.now() + policies.INVITATION_PAUSE
        if settled.status is InvitationStatus.PENDING:
            return max(settled.expires_at, workflow.now() + policies.INVITATION_CLOCK_SKEW)
        self._tell(f"{settled.status.value.capitalize()} {invitation_id}")
        return None

    async def _looked_at(self, invitation_id: str) -> InvitationSettled | None:
        """Have it looked at, and its news told; None while the mail server is away."""
        try:
            return await mail(
                ProjectActivities.settle_invitation,
                invitation_id,
                summary="Look how the invitation stands",
                retry=policies.INVITATION_RETRY,
            )
        except ActivityError:
            return None

    async def _invited(self, invitation: NewInvitation) -> InvitationSent:
        return await self._unless_refused(
            mail(
                ProjectActivities.send_invitation,
                Invite(project_id=self._request.project_id, invitation=invitation),
                summary="Mail the invitation",
                retry=policies.INVITATION_RETRY,
            )
        )

    @staticmethod
    async def _unless_refused(asked: Awaitable[R]) -> R:
        """Refuse in the words of the registry."""
        try:
            return await asked
        except ActivityError as error:
            cause = error.cause
            if isinstance(cause, ApplicationError) and cause.non_retryable and cause.type:
                raise ApplicationError(
                    cause.message, *cause.details, type=cause.type, non_retryable=True
                ) from error
            raise

    async def _retried(self, order: RetryOrder) -> RunStarted:
        try:
            return await record(
                RunActivities.retry_run, order, summary=f"Retry the run of {order.charge_point_id}"
            )
        except ActivityError as error:
            cause = error.cause
            if isinstance(cause, ApplicationError):
                raise _refused(cause.message) from error
            raise

    def _tell(self, what: str) -> None:
        self._told = [*self._told, f"{workflow.now():%Y-%m-%d %H:%M:%S} {what}"][-20:]
        self._present(self._request)

    def _present(self, request: ProjectRequest) -> None:
        lines = [f"**{request.name}**", "", *(f"- {line}" for line in self._told)]
        workflow.set_current_details("\n".join(lines))


def _refused(why: str) -> ApplicationError:
    return ApplicationError(why, type="retry_refused", non_retryable=True)
