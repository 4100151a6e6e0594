"""ContestNoticeWorkflow: mails about a contest of links, however long the mail server is away."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.contests import ContestActivities
    from workflows import policies


@workflow.defn
class ContestNoticeWorkflow:
    """Mails who is in charge of one charge point."""

    @workflow.run
    async def run(self, charge_point_id: str) -> None:
        """Mail it."""
        await workflow.execute_activity_method(
            ContestActivities.mail_contest,
            charge_point_id,
            start_to_close_timeout=policies.MAIL_TIMEOUT,
            retry_policy=policies.MAIL_RETRY,
            summary="Mail that several links speak as it",
        )
