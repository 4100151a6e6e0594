"""NoticeWorkflow: mails a verdict, however long the mail server is away."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.mail import NoticeActivities
    from workflows.local_activities import mail


@workflow.defn
class NoticeWorkflow:
    """Mails the verdict of one run."""

    @workflow.run
    async def run(self, commissioning_id: str) -> None:
        """Mail it."""
        await mail(NoticeActivities.mail_verdict, commissioning_id, summary="Mail the verdict")
