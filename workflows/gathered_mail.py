"""GatheredMailWorkflow: mails notices that were too many for one mail each."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.post import PostActivities
    from domain.mail import GatheredMailOrder
    from workflows.local_activities import mail


@workflow.defn
class GatheredMailWorkflow:
    """Mails all notices that wait with the one that it is given."""

    @workflow.run
    async def run(self, order: GatheredMailOrder) -> None:
        """Mail them."""
        await mail(PostActivities.mail_gathered, order, summary="Mail the gathered notices")
