"""Care of service visits: their invitation, their end, and the mails about it."""

from typing import TYPE_CHECKING

from temporalio import activity

from activities.letters import visit_letter
from activities.mail import Invite, ProjectActivities, refusals
from activities.post import Post, Recipient
from domain.audit import ENGINE
from domain.commissioning import CancelRequest
from domain.ports import RunControl
from domain.service_visits import CloseVisit, VisitClosed, VisitLookedAt

if TYPE_CHECKING:
    from storage.visit_records import StoredVisits

_OVER = "The service visit is over."


class VisitActivities:
    """Each activity is safe to repeat."""

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
            cancel = CancelRequest(by=ENGINE.role, reason=_OVER, actor=ENGINE)
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
