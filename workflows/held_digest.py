"""HeldDigestWorkflow: mails the site owner about held records, however long the server is away."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.billing import HeldActivities
    from workflows import policies


@workflow.defn
class HeldDigestWorkflow:
    """Mails what no mail has told of one project's held records."""

    @workflow.run
    async def run(self, project_id: str) -> None:
        """Mail it."""
        await workflow.execute_activity_method(
            HeldActivities.mail_held,
            project_id,
            start_to_close_timeout=policies.MAIL_TIMEOUT,
            retry_policy=policies.MAIL_RETRY,
            summary="Mail the held records",
        )
