"""Shapes of webhooks and of the log of their deliveries."""

import json
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from api.fields import Name, PreciseTimestamp, Request, Timestamp
from domain.outbound import MAX_URL
from domain.states import DeliveryStatus, WebhookStatus
from domain.webhooks import CHOOSABLE, WebhookEvent
from storage.models.webhooks import Webhook, WebhookAttempt, WebhookDelivery

_WHK = "whk_01HX7A2BCDEFGHJKM0"
_URL = "https://hooks.acme.example/dynamo"
_SECRET = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="  # noqa: S105 - an example

_DELIVERY: dict[str, Any] = {
    "id": "dlv_01HX7B3CDEFGHJKMN0",
    "event_id": "evt_01HX7B3CDEFGHJKMP0",
    "event": "project.handed_over",
    "status": "delivered",
    "created_at": "2026-05-01T10:15:00Z",
    "ended_at": "2026-05-01T10:15:01Z",
}


def _choosable(events: list[WebhookEvent]) -> list[WebhookEvent]:
    if WebhookEvent.WEBHOOK_TEST in events:
        raise ValueError(f"{WebhookEvent.WEBHOOK_TEST} is sent on demand and cannot be chosen")
    return list(dict.fromkeys(events))


Url = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_URL)]
Events = Annotated[
    list[WebhookEvent],
    Field(min_length=1, max_length=len(WebhookEvent)),
    AfterValidator(_choosable),
]


class NewWebhook(Request):
    """Where events go, and which."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"url": _URL, "events": ["commissioning.completed", "commissioning.failed"]}
            ]
        }
    )

    url: Url = Field(description="https://…, a public address")
    events: Events = Field(default=list(CHOOSABLE), description="All, if left out")
    description: Name | None = None


class WebhookChange(Request):
    """What is to be changed; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"enabled": True}]})

    url: Url | None = None
    events: Events | None = None
    description: Name | None = None
    enabled: bool | None = Field(default=None, description="Disabled, it gets no events")


class WebhookShown(BaseModel):
    """A webhook; its secret is told only when it is made."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": _WHK,
                    "url": _URL,
                    "description": None,
                    "events": ["commissioning.completed", "commissioning.failed"],
                    "status": "enabled",
                    "disabled_reason": None,
                    "failing_since": None,
                    "created_at": "2026-05-01T09:00:00Z",
                }
            ]
        }
    )

    id: str
    url: str
    description: str | None
    events: list[WebhookEvent]
    status: WebhookStatus
    disabled_reason: str | None = Field(description="Why the engine has disabled it")
    failing_since: Timestamp | None = Field(description="No call has succeeded since then")
    created_at: Timestamp

    @classmethod
    def of(cls, webhook: Webhook) -> "WebhookShown":
        """Show a webhook."""
        return cls(**_fields(webhook))


class WebhookWithSecret(WebhookShown):
    """A webhook with the secret that signs its calls. Keep it now: it is not told again."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": _WHK,
                    "url": _URL,
                    "description": None,
                    "events": ["commissioning.completed", "commissioning.failed"],
                    "status": "enabled",
                    "disabled_reason": None,
                    "failing_since": None,
                    "created_at": "2026-05-01T09:00:00Z",
                    "secret": _SECRET,
                }
            ]
        }
    )

    secret: str

    @classmethod
    def with_secret(cls, webhook: Webhook, secret: str) -> "WebhookWithSecret":
        """Show a webhook and its secret."""
        return cls(**_fields(webhook), secret=secret)


class DeliveryShown(BaseModel):
    """An event and whether it has arrived."""

    model_config = ConfigDict(json_schema_extra={"examples": [_DELIVERY]})

    id: str
    event_id: str = Field(description="Sent as `webhook-id`; the same at every attempt")
    event: WebhookEvent
    status: DeliveryStatus
    created_at: Timestamp
    ended_at: Timestamp | None

    @classmethod
    def of(cls, delivery: WebhookDelivery) -> "DeliveryShown":
        """Show a delivery."""
        return cls(
            id=delivery.id,
            event_id=delivery.event_id,
            event=delivery.event,
            status=delivery.status,
            created_at=delivery.created_at,
            ended_at=delivery.ended_at,
        )


class DeliveryAttempt(BaseModel):
    """One call, and what came of it."""

    at: PreciseTimestamp
    duration_ms: int
    status_code: int | None = Field(description="Of the answer; null: there was none")
    error: str | None = Field(description="Why there was no answer")
    response: str | None = Field(description="The beginning of the answer")


class DeliveryDetail(DeliveryShown):
    """A delivery with what is sent and every attempt."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                _DELIVERY
                | {
                    "body": {
                        "type": "project.handed_over",
                        "timestamp": "2026-05-01T10:15:00Z",
                        "data": {
                            "project_id": "prj_01HX4M7TABCDE12345",
                            "status": "handed_over",
                            "completed_at": "2026-05-01T10:15:00Z",
                        },
                    },
                    "attempts": [
                        {
                            "at": "2026-05-01T10:15:00.740Z",
                            "duration_ms": 212,
                            "status_code": 204,
                            "error": None,
                            "response": "",
                        }
                    ],
                }
            ]
        }
    )

    body: dict[str, Any]
    attempts: list[DeliveryAttempt]

    @classmethod
    def with_attempts(
        cls, delivery: WebhookDelivery, attempts: Sequence[WebhookAttempt]
    ) -> "DeliveryDetail":
        """Show a delivery in full."""
        return cls(
            **DeliveryShown.of(delivery).model_dump(),
            body=json.loads(delivery.body),
            attempts=[
                DeliveryAttempt(
                    at=attempt.at,
                    duration_ms=attempt.duration_ms,
                    status_code=attempt.status_code,
                    error=attempt.error,
                    response=attempt.response,
                )
                for attempt in attempts
            ],
        )


def _fields(webhook: Webhook) -> dict[str, Any]:
    return {
        "id": webhook.id,
        "url": webhook.url,
        "description": webhook.description,
        "events": list(webhook.events),
        "status": webhook.status,
        "disabled_reason": webhook.disabled_reason,
        "failing_since": webhook.failing_since,
        "created_at": webhook.created_at,
    }
