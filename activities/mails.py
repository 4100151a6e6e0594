"""Activities that each send one mail, or one to each of several people."""

from typing import TYPE_CHECKING

from temporalio import activity

from activities.letters import contest_letter, gathered_letter, held_letter, verdict_letter
from activities.post import Post, Recipient
from domain.mail import GatheredMailOrder
from domain.ports import MailNotices, RunRecords

if TYPE_CHECKING:
    from storage.contest_notices import StoredContestNotices
    from storage.held_notices import StoredHeldNotices


class NoticeActivities:
    """Tells the installer the verdict of a run."""

    def __init__(self, records: RunRecords, post: Post) -> None:
        self._records = records
        self._post = post

    @activity.defn
    async def mail_verdict(self, commissioning_id: str) -> None:
        """Mail the verdict, unless that has been done."""
        notice = await self._records.notice(commissioning_id)
        if notice is None:
            return
        where = await self._post.tell(
            verdict_letter(notice),
            account_id=notice.account_id,
            to=notice.email,
            about=f"verdict:{commissioning_id}",
        )
        await self._records.notice_sent(commissioning_id)
        activity.logger.info("verdict_mailed", extra={"where": where})


class ContestActivities:
    """Tells who is in charge of a charge point that somebody has to decide."""

    def __init__(self, notices: "StoredContestNotices", post: Post, *, public_url: str) -> None:
        self._notices = notices
        self._post = post
        self._public_url = public_url

    @activity.defn
    async def mail_contest(self, charge_point_id: str) -> None:
        """Mail it to each of them; nothing, where it is over or was told.

        Each is told as somebody who uses an account here: whose address a stranger has signed up
        with stops that account's mail.
        """
        notice = await self._notices.notice(charge_point_id)
        if notice is None:
            return
        begun = f"contest:{charge_point_id}:{notice.contest.confirmed_at:%Y%m%dT%H%M%S}"
        await self._post.tell_all(
            contest_letter(notice, public_url=self._public_url),
            [
                Recipient(account_id=account_id, to=to, about=f"{begun}:{account_id}")
                for account_id, to in notice.to
            ],
        )
        await self._notices.told(notice)
        activity.logger.info("contest_mailed", extra={"charge_point": charge_point_id})


class HeldActivities:
    """Tells site owners of sessions that wait for their word."""

    def __init__(self, notices: "StoredHeldNotices", post: Post, *, public_url: str) -> None:
        self._notices = notices
        self._post = post
        self._public_url = public_url

    @activity.defn
    async def mail_held(self, project_id: str) -> None:
        """Mail what no mail has told of; nothing, where there is nothing any more."""
        digest = await self._notices.digest(project_id)
        if digest is None:
            return
        letter = held_letter(digest, public_url=self._public_url)
        where = await self._post.of_ones_own(letter, to=digest.email)
        await self._notices.told(digest)
        activity.logger.info("held_mailed", extra={"where": where})


class PostActivities:
    """Mails notices that were gathered."""

    def __init__(self, post: Post, notices: MailNotices) -> None:
        self._post = post
        self._notices = notices

    @activity.defn
    async def mail_gathered(self, order: GatheredMailOrder) -> None:
        """Mail them all in one; nothing, where an earlier try has done so."""
        gathered = await self._notices.gathered(order.notice_id)
        if gathered is None:
            return
        letter = gathered_letter(gathered)
        where = await self._post.caused(letter, account_id=gathered.account_id, to=gathered.to)
        await self._notices.gathered_sent(gathered)
        activity.logger.info("gathered_mailed", extra={"where": where, "of": len(gathered.ids)})
