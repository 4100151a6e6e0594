"""Workflows that each send one mail, however long the mail server is away."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.account_letters import AccountActivities
    from activities.mails import ContestActivities, HeldActivities, NoticeActivities, PostActivities
    from domain.mail import GatheredMailOrder
    from workflows.temporal_calls import mail


@workflow.defn
class NoticeWorkflow:
    """Mails the verdict of one run."""

    @workflow.run
    async def run(self, commissioning_id: str) -> None:
        """Mail it."""
        await mail(NoticeActivities.mail_verdict, commissioning_id, summary="Mail the verdict")


@workflow.defn
class ContestNoticeWorkflow:
    """Mails who is in charge of one charge point that several links speak as it."""

    @workflow.run
    async def run(self, charge_point_id: str) -> None:
        """Mail it."""
        summary = "Mail that several links speak as it"
        await mail(ContestActivities.mail_contest, charge_point_id, summary=summary)


@workflow.defn
class HeldDigestWorkflow:
    """Mails a site owner what no mail has told of one project's held records."""

    @workflow.run
    async def run(self, project_id: str) -> None:
        """Mail it."""
        await mail(HeldActivities.mail_held, project_id, summary="Mail the held records")


@workflow.defn
class GatheredMailWorkflow:
    """Mails all notices that wait with the one that it is given: too many for one mail each."""

    @workflow.run
    async def run(self, order: GatheredMailOrder) -> None:
        """Mail them."""
        await mail(PostActivities.mail_gathered, order, summary="Mail the gathered notices")


@workflow.defn
class AccountLetterWorkflow:
    """Mails one letter: a code to set a password or to prove an address, or news of a password."""

    @workflow.run
    async def run(self, letter_id: str) -> None:
        """Mail it."""
        summary = "Mail the owner of the account"
        await mail(AccountActivities.mail_account, letter_id, summary=summary)
