"""NoticeWorkflow: mails a verdict, however long the mail server is away."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.mail import NoticeActivities
    from workflows import policies


@workflow.defn
class NoticeWorkflow:
    """Mails the verdict of one run."""

    @workflow.run
    async def run(self, commissioning_id: str) -> None:
        """Mail it."""
        await workflow.execute_activity_method(
            NoticeActivities.mail_verdict,
            commissioning_id,
            start_to_close_timeout=policies.MAIL_TIMEOUT,
            retry_policy=policies.MAIL_RETRY,
            summary="Mail the verdict",
        )
