"""Mails to installers and site owners. A token of an invitation exists only in here."""

from dataclasses import dataclass

from temporalio import activity

from activities.letters import invitation_letter, verdict_letter
from domain.commissioning import (
    CompleteHandover,
    HandoverResult,
    InvitationSent,
    InviteSiteOwner,
)
from domain.ports import Mailer, ProjectRecords, RunRecords
from domain.tokens import hash_token, invitation_token


@dataclass(frozen=True, kw_only=True, slots=True)
class Invite:
    """Input of :meth:`ProjectActivities.send_invitation`."""

    project_id: str
    invitation: InviteSiteOwner


@dataclass(frozen=True, kw_only=True, slots=True)
class HandOver:
    """Input of :meth:`ProjectActivities.complete_handover`."""

    project_id: str
    request: CompleteHandover


class NoticeActivities:
    """Tells the installer the verdict of a run."""

    def __init__(self, records: RunRecords, mailer: Mailer) -> None:
        self._records = records
        self._mailer = mailer

    @activity.defn
    async def mail_verdict(self, commissioning_id: str) -> None:
        """Mail the verdict, unless that has been done."""
        notice = await self._records.notice(commissioning_id)
        if notice is None:
            return
        letter = verdict_letter(notice)
        where = await self._mailer.send(to=notice.email, subject=letter.subject, text=letter.text)
        await self._records.notice_sent(commissioning_id)
        activity.logger.info("verdict_mailed", extra={"where": where})


class ProjectActivities:
    """Invitation and handover of a project."""

    def __init__(
        self, records: ProjectRecords, mailer: Mailer, *, secret: str, public_url: str
    ) -> None:
        self._records = records
        self._mailer = mailer
        self._secret = secret
        self._public_url = public_url

    @activity.defn
    async def send_invitation(self, invite: Invite) -> InvitationSent:
        """Store the invitation and mail its link; the same invitation is mailed once."""
        request = invite.invitation
        token = invitation_token(self._secret, request.invitation_id)
        draft = await self._records.invite(invite.project_id, request, token_hash=hash_token(token))
        if not draft.sent:
            link = f"{self._public_url.rstrip('/')}/invitations/{token}"
            letter = invitation_letter(draft, link=link, token=token)
            where = await self._mailer.send(
                to=draft.email, subject=letter.subject, text=letter.text
            )
            await self._records.invitation_sent(request.invitation_id)
            activity.logger.info("invitation_mailed", extra={"where": where})
        return InvitationSent(
            invitation_id=request.invitation_id, email=draft.email, expires_at=draft.expires_at
        )

    @activity.defn
    async def complete_handover(self, hand_over: HandOver) -> HandoverResult:
        """Hand the project over, or say what stands in the way."""
        return await self._records.complete_handover(hand_over.project_id, hand_over.request)
