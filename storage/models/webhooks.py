"""Webhooks, their deliveries, and the attempts at these."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, Text
from sqlmodel import Field

from domain.states import DeliveryStatus, WebhookStatus
from domain.webhooks import WebhookEvent
from storage.models.base import SERIAL, Document, TableModel, part_of, partial_index, words


class Webhook(TableModel, table=True):
    """An address that is told of events."""

    __tablename__ = "webhooks"
    __table_args__ = (Index(None, "account_id", "id"),)

    id: str = Field(primary_key=True, max_length=40)
    account_id: str = Field(max_length=40, foreign_key="accounts.id")
    url: str = Field(max_length=1000)
    description: str | None = Field(default=None, max_length=200)
    events: list[WebhookEvent] = Field(sa_type=Document(list[WebhookEvent]))
    status: WebhookStatus = Field(sa_type=words(WebhookStatus, 20))
    disabled_reason: str | None = Field(default=None, max_length=500)
    secret_version: int = 1  # the secret itself is derived
    # when the secrets before this one were, the newest first
    retired_at: Any = Field(default=None, sa_type=JSON, nullable=True)
    failing_since: datetime | None = None  # since then no call has succeeded
    created_at: datetime


class WebhookDelivery(TableModel, table=True):
    """An event that a webhook is told of."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        Index(None, "webhook_id", "id"),
        partial_index("ix_webhook_deliveries_pending", "id", where="status = 'pending'"),
        Index(None, "ended_at"),
    )

    id: str = Field(primary_key=True, max_length=40)
    webhook_id: str = part_of("webhooks")
    event_id: str = Field(max_length=40)  # the same for every webhook that gets it
    event: WebhookEvent = Field(sa_type=words(WebhookEvent, 50))
    body: str = Field(sa_type=Text)  # as it is signed and sent, at every attempt
    status: DeliveryStatus = Field(sa_type=words(DeliveryStatus, 20))
    created_at: datetime
    dispatched_at: datetime | None = None  # its workflow was started
    ended_at: datetime | None = None


class WebhookAttempt(TableModel, table=True):
    """An attempt at a delivery."""

    __tablename__ = "webhook_attempts"

    id: int = Field(primary_key=True, sa_type=SERIAL, sa_column_kwargs={"autoincrement": True})
    delivery_id: str = part_of("webhook_deliveries", index=True)
    at: datetime
    duration_ms: int
    status_code: int | None = None
    error: str | None = Field(default=None, max_length=500)
    # the beginning of what was answered
    response: str | None = Field(default=None, max_length=1000)
