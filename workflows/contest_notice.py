"""ContestNoticeWorkflow: mails about a contest of links, however long the mail server is away."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.contests import ContestActivities
    from workflows.local_activities import mail


@workflow.defn
class ContestNoticeWorkflow:
    """Mails who is in charge of one charge point."""

    @workflow.run
    async def run(self, charge_point_id: str) -> None:
        """Mail it."""
        await mail(
            ContestActivities.mail_contest,
            charge_point_id,
            summary="Mail that several links speak as it",
        )
