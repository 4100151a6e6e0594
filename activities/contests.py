"""Mails about links that speak as one charge point."""

from typing import TYPE_CHECKING

from temporalio import activity

from activities.letters import contest_letter
from activities.post import Post, Recipient

if TYPE_CHECKING:
    from storage.contest_notices import StoredContestNotices


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
