"""Delivers events to webhooks. A signing secret exists only in here."""

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from domain.errors import InvalidError
from domain.names import WEBHOOK_FAILED
from domain.outbound import Outbound
from domain.ports import WebhookSender
from domain.tokens import webhook_secret
from domain.webhooks import Call, DeliveryAttempt, WebhookAnswer, signature

if TYPE_CHECKING:
    from storage.deliveries import StoredDeliveries

_USER_AGENT = "dynamo-webhooks/1"


class WebhookActivities:
    """Calls webhooks, and logs each call."""

    def __init__(
        self, records: "StoredDeliveries", sender: WebhookSender, outbound: Outbound, *, secret: str
    ) -> None:
        self._records = records
        self._sender = sender
        self._outbound = outbound
        self._secret = secret

    @activity.defn
    async def call_webhook(self, delivery_id: str) -> None:
        """Call a webhook once, unless the delivery has ended; what fails is called again later.

        The receiver tells a call that is repeated by its ``webhook-id``.
        """
        call = await self._records.call(delivery_id)
        if call is None:
            return
        attempt = await self._attempt(call)
        await self._records.attempted(delivery_id, call.webhook_id, attempt)
        if not attempt.succeeded and not attempt.gone:
            answer = f"It answered {attempt.answer.status_code}." if attempt.answer else None
            raise ApplicationError(
                answer or attempt.error or "",
                type=WEBHOOK_FAILED,
                category=ApplicationErrorCategory.BENIGN,  # of the receiver, and on its log
            )

    @activity.defn
    async def give_up_webhook(self, delivery_id: str) -> None:
        """End a delivery that was tried for long enough."""
        await self._records.give_up(delivery_id)

    async def _attempt(self, call: Call) -> DeliveryAttempt:
        at, began = datetime.now(UTC), time.perf_counter()
        answer: WebhookAnswer | None = None
        error: str | None = None
        try:
            destination = await self._outbound.destination(call.url)
            answer = await self._sender.post(
                destination, headers=self._headers(call, at), body=call.body
            )
        except InvalidError as refused:
            error = f"The URL is refused. {refused.detail}"
        except OSError as failed:
            error = str(failed)
        duration = timedelta(seconds=time.perf_counter() - began)
        return DeliveryAttempt(at=at, duration=duration, answer=answer, error=error)

    def _headers(self, call: Call, at: datetime) -> dict[str, str]:
        timestamp = int(at.timestamp())
        signatures = (
            signature(
                webhook_secret(self._secret, call.webhook_id, version),
                event_id=call.event_id,
                timestamp=timestamp,
                body=call.body,
            )
            for version in call.secret_versions
        )
        return {
            "Content-Type": "application/json",
            "User-Agent": _USER_AGENT,
            "webhook-id": call.event_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": " ".join(signatures),
        }
