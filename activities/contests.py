"""Mails about links that speak as one charge point."""

from temporalio import activity

from activities.letters import contest_letter
from activities.post import Post
from domain.ports import ContestNotices


class ContestActivities:
    """Tells who is in charge of a charge point that somebody has to decide."""

    def __init__(self, notices: ContestNotices, post: Post, *, public_url: str) -> None:
        self._notices = notices
        self._post = post
        self._public_url = public_url

    @activity.defn
    async def mail_contest(self, charge_point_id: str) -> None:
        """Mail it to each of them; nothing, where it is over or was told."""
        notice = await self._notices.notice(charge_point_id)
        if notice is None:
            return
        letter = contest_letter(notice, public_url=self._public_url)
        for email in notice.emails:
            where = await self._post.of_own_site(letter, to=email)
            activity.logger.info("contest_mailed", extra={"where": where})
        await self._notices.told(charge_point_id)
