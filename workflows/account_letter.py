"""AccountLetterWorkflow: mails the owner of an account, however long the mail server is away."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.account_letters import AccountActivities
    from workflows.local_activities import mail


@workflow.defn
class AccountLetterWorkflow:
    """Mails one letter: a code to set a password or to prove an address, or news of a password."""

    @workflow.run
    async def run(self, letter_id: str) -> None:
        """Mail it."""
        await mail(
            AccountActivities.mail_account, letter_id, summary="Mail the owner of the account"
        )
