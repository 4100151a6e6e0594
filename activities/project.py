"""What a project has done for it, from its invitations to the end of its last service visit.

A token of an invitation exists only in here, and in its mail.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.handover_letter import handover_letter
from activities.invitation_letter import invitation_letter
from activities.letters import news_letter, visit_letter
from activities.post import Post, Recipient
from domain.audit import ENGINE
from domain.commissioning import CancelRequest
from domain.errors import ConflictError, NotFoundError
from domain.handover import CompleteHandover, HandoverResult, RemoveProject
from domain.invitations import (
    InvitationDraft,
    InvitationSent,
    InvitationSettled,
    NewInvitation,
    ResendInvitation,
)
from domain.ports import RunControl
from domain.service_visits import CloseVisit, VisitClosed, VisitLookedAt
from domain.tokens import hash_token, invitation_token

if TYPE_CHECKING:
    from storage.project_records import StoredProjects
    from storage.visit_records import StoredVisits

_ADDRESS: Final = re.compile(r"[^\s@]+@\S*\w")
_VISIT_OVER: Final = "The service visit is over."


@dataclass(frozen=True, kw_only=True, slots=True)
class Invite:
    """Input of :meth:`ProjectActivities.send_invitation`."""

    project_id: str
    invitation: NewInvitation


@dataclass(frozen=True, kw_only=True, slots=True)
class Resend:
    """Input of :meth:`ProjectActivities.resend_invitation`."""

    project_id: str
    request: ResendInvitation


@dataclass(frozen=True, kw_only=True, slots=True)
class HandOver:
    """Input of :meth:`ProjectActivities.complete_handover`."""

    project_id: str
    request: CompleteHandover


@dataclass(frozen=True, kw_only=True, slots=True)
class Remove:
    """Input of :meth:`ProjectActivities.remove_project`."""

    project_id: str
    request: RemoveProject


class ProjectActivities:
    """Invitation, handover and removal of a project."""

    def __init__(
        self, records: "StoredProjects", post: Post, *, secret: str, public_url: str
    ) -> None:
        self._records = records
        self._post = post
        self._secret = secret
        self._public_url = public_url

    @activity.defn
    async def send_invitation(self, invite: Invite) -> InvitationSent:
        """Store the invitation and mail its link; the same invitation is mailed once."""
        token = self._token(invite.invitation.invitation_id)
        with refusals():
            draft = await self._records.invite(
                invite.project_id, invite.invitation, token_hash=hash_token(token)
            )
        return await self._mail(draft)

    @activity.defn
    async def resend_invitation(self, resend: Resend) -> InvitationSent:
        """Begin the time of a pending invitation anew and mail its link again, once a request."""
        with refusals():
            draft = await self._records.resend(resend.project_id, resend.request)
        return await self._mail(draft)

    @activity.defn
    async def settle_invitation(self, invitation_id: str) -> InvitationSettled:
        """Let the invitation expire if its time is over, and tell the installer of its end."""
        settled = await self._records.settle_invitation(invitation_id)
        if settled.news is not None:
            where = await self._post.tell(
                news_letter(settled.news),
                account_id=settled.news.account_id,
                to=settled.news.to,
                about=f"invitation:{invitation_id}",
            )
            await self._records.invitation_told(invitation_id)
            activity.logger.info("invitation_news_mailed", extra={"where": where})
        return replace(settled, news=None)  # no more than the workflow needs goes into its history

    @activity.defn
    async def complete_handover(self, hand_over: HandOver) -> HandoverResult:
        """Hand the project over, or say what stands in the way."""
        return await self._records.complete_handover(hand_over.project_id, hand_over.request)

    @activity.defn
    async def mail_handover(self, project_id: str) -> None:
        """Tell the site owner what is handed over and what to do, unless that has been done."""
        notice = await self._records.handover_notice(project_id)
        if notice is None:
            return
        letter = handover_letter(notice, public_url=self._public_url)
        where = await self._post.of_ones_own(letter, to=notice.to)
        await self._records.handover_mailed(project_id)
        activity.logger.info("handover_mailed", extra={"where": where})

    @activity.defn
    async def remove_project(self, remove: Remove) -> None:
        """Remove the project, unless there is anything in it."""
        with refusals():
            await self._records.remove(remove.project_id, remove.request)

    async def _mail(self, draft: InvitationDraft) -> InvitationSent:
        account, to = draft.account_id, draft.email
        if not draft.sent and await self._post.wants(account_id=account, to=to):
            link = f"{self._public_url.rstrip('/')}/invitations/{self._token(draft.invitation_id)}"
            stop_link = self._post.stop_link(account_id=account, to=to)
            letter = invitation_letter(draft, link=link, stop_link=stop_link)
            where = await self._post.caused(letter, account_id=account, to=to)
            await self._records.invitation_sent(draft.invitation_id)
            activity.logger.info("invitation_mailed", extra={"where": where})
        return InvitationSent(invitation_id=draft.invitation_id, expires_at=draft.expires_at)

    def _token(self, invitation_id: str) -> str:
        return invitation_token(self._secret, invitation_id)


class VisitActivities:
    """Care of service visits: their invitation and their end; each activity is safe to repeat."""

    def __init__(
        self,
        records: "StoredVisits",
        post: Post,
        runs: RunControl,
        invitations: ProjectActivities,
    ) -> None:
        self._records = records
        self._post = post
        self._runs = runs
        self._invitations = invitations

    @activity.defn
    async def look_at_visit(self, service_visit_id: str) -> VisitLookedAt:
        """Do what is due: mail its invitation, end it, end its runs, tell of its end."""
        with refusals():
            stands = await self._records.look(service_visit_id)
        sent = None
        if stands.invitation is not None:
            sent = await self._invitations.send_invitation(
                Invite(project_id=stands.project_id, invitation=stands.invitation)
            )
        for charge_point_id in stands.run_charge_point_ids:
            cancel = CancelRequest(by=ENGINE.role, reason=_VISIT_OVER, actor=ENGINE)
            await self._runs.cancel_open(charge_point_id, cancel)
        if stands.notice is not None:
            letter = visit_letter(stands.notice)
            account_id = stands.notice.account_id
            await self._post.tell_all(
                letter,
                [
                    Recipient(
                        account_id=account_id, to=to, about=f"visit:{service_visit_id}:{role}"
                    )
                    for role, to in stands.notice.to
                ],
            )
            await self._records.told(service_visit_id)
            activity.logger.info("visit_end_mailed", extra={"service_visit": service_visit_id})
        return VisitLookedAt(status=stands.status, ends_at=stands.ends_at, invitation=sent)

    @activity.defn
    async def close_visit(self, request: CloseVisit) -> VisitClosed:
        """Close the visit, or say what stands in the way."""
        with refusals():
            return await self._records.close(request)


@contextmanager
def refusals() -> Iterator[None]:
    """Refuse with the code of the problem, so that the caller of the API learns it.

    It goes into a history, its cause too: whose address is in its words is somebody there.
    """
    try:
        yield
    except (ConflictError, NotFoundError) as error:
        said = _ADDRESS.sub("Somebody", error.detail)
        raise ApplicationError(said, error.extra, type=error.code, non_retryable=True) from None
