"""HeldDigestWorkflow: mails the site owner about held records, however long the server is away."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.billing import HeldActivities
    from workflows.local_activities import mail


@workflow.defn
class HeldDigestWorkflow:
    """Mails what no mail has told of one project's held records."""

    @workflow.run
    async def run(self, project_id: str) -> None:
        """Mail it."""
        await mail(HeldActivities.mail_held, project_id, summary="Mail the held records")
