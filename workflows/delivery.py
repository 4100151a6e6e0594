"""WebhookDeliveryWorkflow: takes an event to a webhook, for a day if need be."""

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.webhooks import WebhookActivities
    from domain.names import DELIVER_AGAIN_SIGNAL, webhook_task_queue
    from workflows import policies


@workflow.defn
class WebhookDeliveryWorkflow:
    """Delivers one event to one webhook. Whatever comes of it is on the log of the webhook."""

    @workflow.init
    def __init__(self, _delivery_id: str) -> None:
        self._again = True

    @workflow.signal(name=DELIVER_AGAIN_SIGNAL)
    def deliver_again(self) -> None:
        """Somebody asked for it once more, right behind its end."""
        self._again = True

    @workflow.run
    async def run(self, delivery_id: str) -> None:
        """Call until it is taken, or for long enough."""
        while self._again:
            self._again = False
            await self._deliver(delivery_id)

    @staticmethod
    async def _deliver(delivery_id: str) -> None:
        queue = webhook_task_queue(workflow.info().task_queue)
        try:
            await workflow.execute_activity_method(
                WebhookActivities.call_webhook,
                delivery_id,
                task_queue=queue,
                start_to_close_timeout=policies.WEBHOOK_CALL_TIMEOUT,
                schedule_to_close_timeout=policies.WEBHOOK_PERIOD,
                retry_policy=policies.WEBHOOK_RETRY,
                summary="Call the webhook",
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            await workflow.execute_activity_method(
                WebhookActivities.give_up_webhook,
                delivery_id,
                task_queue=queue,
                start_to_close_timeout=policies.RECORD_TIMEOUT,
                retry_policy=policies.RECORD_RETRY,
                summary="Give the delivery up",
            )
