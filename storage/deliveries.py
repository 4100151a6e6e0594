"""Deliveries of events to webhooks: those that are due, and a log of every attempt."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.errors import ConflictError, NotFoundError
from domain.states import DeliveryStatus, WebhookStatus
from domain.webhooks import Call, DeliveryAttempt, WebhookEvent
from storage.dialects import among
from storage.engine import Database
from storage.models.webhooks import Webhook, WebhookAttempt, WebhookDelivery
from storage.read_models import read_model
from storage.webhooks import valid_at

DISABLED_AFTER: Final = timedelta(days=3)
KEPT: Final = timedelta(days=30)
_FORGOTTEN_AT_ONCE: Final = 200
_TEXT: Final = 500
_GONE: Final = "It answered 410 Gone, which asks for no more calls."
_FAILING: Final = "No call has succeeded for days."


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """An event on its way to a webhook."""

    id: str
    webhook_id: str
    event_id: str
    event: WebhookEvent
    body: str
    status: DeliveryStatus
    created_at: datetime
    ended_at: datetime | None


_delivery = read_model(Delivery)


@dataclass(frozen=True, kw_only=True, slots=True)
class LoggedAttempt:
    """One call, as the log keeps it."""

    at: datetime
    duration_ms: int
    status_code: int | None
    error: str | None
    response: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingDelivery:
    """A delivery whose workflow is to be started; ``again``: it has had one that called."""

    id: str
    again: bool


class Deliveries:
    """Repository of deliveries."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def get(self, webhook_id: str, delivery_id: str) -> Delivery:
        """Return one delivery of a webhook.

        Raises:
            NotFoundError: ``delivery_not_found``.

        """
        row = (
            await self._connection.execute(
                select(WebhookDelivery.__table__)
                .where(col(WebhookDelivery.id) == delivery_id)
                .where(col(WebhookDelivery.webhook_id) == webhook_id)
            )
        ).one_or_none()
        if row is None:
            raise NotFoundError("delivery_not_found", "The webhook has no delivery with this id.")
        return _delivery(row)

    async def page(
        self, webhook_id: str, *, status: DeliveryStatus | None, before: str | None, limit: int
    ) -> Sequence[Delivery]:
        """Return deliveries of a webhook, newest first, older than the id ``before``."""
        query = (
            select(WebhookDelivery.__table__)
            .where(col(WebhookDelivery.webhook_id) == webhook_id)
            .order_by(col(WebhookDelivery.id).desc())
            .limit(limit)
        )
        if status is not None:
            query = query.where(col(WebhookDelivery.status) == status)
        if before is not None:
            query = query.where(col(WebhookDelivery.id) < before)
        return [_delivery(row) for row in await self._connection.execute(query)]

    async def attempts(self, delivery_id: str) -> Sequence[LoggedAttempt]:
        """Return the calls of a delivery, oldest first."""
        rows = await self._connection.execute(
            select(WebhookAttempt.__table__)
            .where(col(WebhookAttempt.delivery_id) == delivery_id)
            .order_by(col(WebhookAttempt.id))
        )
        return [
            LoggedAttempt(
                at=row.at,
                duration_ms=row.duration_ms,
                status_code=row.status_code,
                error=row.error,
                response=row.response,
            )
            for row in rows
        ]

    async def reopen(self, delivery: Delivery) -> None:
        """Have an ended delivery tried again.

        Raises:
            ConflictError: ``delivery_pending``.

        """
        reopened = await self._connection.execute(
            update(WebhookDelivery)
            .where(col(WebhookDelivery.id) == delivery.id)
            .where(col(WebhookDelivery.status) != DeliveryStatus.PENDING)
            .values(status=DeliveryStatus.PENDING, dispatched_at=None, ended_at=None)
        )
        if reopened.rowcount == 0:
            raise ConflictError(
                "delivery_pending", "It is being delivered. Wait until that has ended."
            )

    async def waiting(self, *, limit: int) -> Sequence[WaitingDelivery]:
        """Return deliveries whose workflow has not been started."""
        called = exists().where(col(WebhookAttempt.delivery_id) == col(WebhookDelivery.id))
        rows = await self._connection.execute(
            select(col(WebhookDelivery.id), called.label("again"))
            .where(col(WebhookDelivery.status) == DeliveryStatus.PENDING)
            .where(col(WebhookDelivery.dispatched_at).is_(None))
            .order_by(col(WebhookDelivery.id))
            .limit(limit)
        )
        return [WaitingDelivery(id=row.id, again=row.again) for row in rows]

    async def dispatched(self, *, before: datetime, after: str, limit: int) -> Sequence[str]:
        """Return deliveries that their workflow, started before that moment, has not ended."""
        rows = await self._connection.execute(
            select(col(WebhookDelivery.id))
            .where(col(WebhookDelivery.status) == DeliveryStatus.PENDING)
            .where(col(WebhookDelivery.dispatched_at) < before)
            .where(col(WebhookDelivery.id) > after)
            .order_by(col(WebhookDelivery.id))
            .limit(limit)
        )
        return list(rows.scalars())

    async def mark_dispatched(self, delivery_ids: Sequence[str], *, at: datetime) -> None:
        """Note that their workflows were started."""
        await self._connection.execute(
            update(WebhookDelivery)
            .where(among(self._connection, col(WebhookDelivery.id), delivery_ids))
            .values(dispatched_at=at)
        )

    async def forget(self, *, before: datetime) -> None:
        """Delete some of what ended before that moment, the oldest: a transaction stays short."""
        oldest = (
            select(col(WebhookDelivery.id))
            .where(col(WebhookDelivery.ended_at) < before)
            .order_by(col(WebhookDelivery.ended_at))
            .limit(_FORGOTTEN_AT_ONCE)
        )
        await self._connection.execute(
            delete(WebhookDelivery).where(col(WebhookDelivery.id).in_(oldest))
        )


class StoredDeliveries:
    """Implements :class:`domain.ports.DeliveryRecords`."""

    def __init__(self, database: Database, *, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    async def call(self, delivery_id: str) -> Call | None:
        """Return the call to make; None when it was delivered or the webhook wants no more."""
        async with self._database.write() as connection:
            row = (
                await connection.execute(
                    select(
                        col(WebhookDelivery.event_id),
                        col(WebhookDelivery.body),
                        col(WebhookDelivery.status).label("delivery_status"),
                        Webhook.__table__,
                    )
                    .join(Webhook, col(Webhook.id) == col(WebhookDelivery.webhook_id))
                    .where(col(WebhookDelivery.id) == delivery_id)
                )
            ).one_or_none()
            if row is None or row.delivery_status != DeliveryStatus.PENDING:
                return None
            if row.status != WebhookStatus.ENABLED:
                await _end(connection, delivery_id, DeliveryStatus.FAILED, at=self._now())
                return None
        old = len(valid_at(row.retired_at, now=self._now()))
        return Call(
            webhook_id=row.id,
            url=row.url,
            event_id=row.event_id,
            body=row.body,
            secret_versions=tuple(range(row.secret_version, row.secret_version - old - 1, -1)),
        )

    async def attempted(self, delivery_id: str, webhook_id: str, attempt: DeliveryAttempt) -> None:
        """Log a call, and note what follows: delivered, gone, or failing since then."""
        async with self._database.write() as connection:
            webhook = update(Webhook).where(col(Webhook.id) == webhook_id)
            exists = await connection.scalar(
                select(col(WebhookDelivery.id)).where(col(WebhookDelivery.id) == delivery_id)
            )
            if exists is None:  # deleted in the middle of the call
                return
            await connection.execute(
                insert(WebhookAttempt).values(delivery_id=delivery_id, **_logged(attempt))
            )
            if attempt.succeeded:
                await _end(connection, delivery_id, DeliveryStatus.DELIVERED, at=attempt.at)
                await connection.execute(webhook.values(failing_since=None))
                return
            await connection.execute(
                webhook.where(col(Webhook.failing_since).is_(None)).values(failing_since=attempt.at)
            )
            if attempt.gone:
                await _end(connection, delivery_id, DeliveryStatus.FAILED, at=attempt.at)
                await connection.execute(
                    webhook.values(status=WebhookStatus.DISABLED, disabled_reason=_GONE)
                )

    async def give_up(self, delivery_id: str) -> None:
        """End a delivery that was tried for long enough, and a webhook that fails for days."""
        now = self._now()
        async with self._database.write() as connection:
            await _end(connection, delivery_id, DeliveryStatus.FAILED, at=now)
            of_delivery = (
                select(col(WebhookDelivery.webhook_id))
                .where(col(WebhookDelivery.id) == delivery_id)
                .scalar_subquery()
            )
            await connection.execute(
                update(Webhook)
                .where(col(Webhook.id) == of_delivery)
                .where(col(Webhook.failing_since) < now - DISABLED_AFTER)
                .values(status=WebhookStatus.DISABLED, disabled_reason=_FAILING)
            )


async def _end(
    connection: AsyncConnection, delivery_id: str, status: DeliveryStatus, *, at: datetime
) -> None:
    await connection.execute(
        update(WebhookDelivery)
        .where(col(WebhookDelivery.id) == delivery_id)
        .where(col(WebhookDelivery.status) == DeliveryStatus.PENDING)
        .values(status=status, ended_at=at)
    )


def _logged(attempt: DeliveryAttempt) -> dict[str, Any]:
    answer = attempt.answer
    return {
        "at": attempt.at,
        "duration_ms": round(attempt.duration.total_seconds() * 1000),
        "status_code": answer.status_code if answer else None,
        "error": attempt.error[:_TEXT] if attempt.error else None,
        "response": answer.text if answer else None,
    }
