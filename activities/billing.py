"""Charge detail records of transactions that have ended, and mails about those that are held."""

from typing import TYPE_CHECKING

from temporalio import activity

from activities.letters import held_letter
from activities.post import Post
from domain.billing.messages import BillTransaction, TransactionBilled

if TYPE_CHECKING:
    from storage.bill_transaction import StoredBilling
    from storage.held_notices import StoredHeldNotices


class BillingActivities:
    """Bills transactions, each once however often it is asked."""

    def __init__(self, records: "StoredBilling") -> None:
        self._records = records

    @activity.defn(name="settle")  # as histories name it
    async def bill_transaction(self, request: BillTransaction) -> TransactionBilled:
        """Issue the record of a transaction, or correct the one that was issued."""
        return await self._records.bill(request)


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
