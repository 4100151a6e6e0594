"""Deliveries of events to webhooks: those that are due, and a log of every attempt."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, exists, select
from sqlmodel import col

from domain.errors import ConflictError, NotFoundError
from domain.states import DeliveryStatus, WebhookStatus
from domain.webhooks import Call, DeliveryAttempt
from storage.dialects import among
from storage.models.webhooks import Webhook, WebhookAttempt, WebhookDelivery
from storage.records import Records
from storage.rows import Repository, Rows, record_of
from storage.webhooks import valid_at

DISABLED_AFTER: Final = timedelta(days=3)
KEPT: Final = timedelta(days=30)
_FORGOTTEN_AT_ONCE: Final = 200
_TEXT: Final = 500
_GONE: Final = "It answered 410 Gone, which asks for no more calls."
_FAILING: Final = "No call has succeeded for days."


_delivery = record_of(WebhookDelivery)
_attempt = record_of(WebhookAttempt)


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingDelivery:
    """A delivery whose workflow is to be started; ``again``: it has had one that called."""

    id: str
    again: bool


class Deliveries(Repository):
    """Repository of deliveries."""

    async def get(self, webhook_id: str, delivery_id: str) -> WebhookDelivery:
        """Return one delivery of a webhook.

        Raises:
            NotFoundError: ``delivery_not_found``.

        """
        query = _of(webhook_id).where(col(WebhookDelivery.id) == delivery_id)
        delivery = await self._rows.read(query, _delivery)
        if delivery is None:
            raise NotFoundError("delivery_not_found", "The webhook has no delivery with this id.")
        return delivery

    async def page(
        self, webhook_id: str, *, status: DeliveryStatus | None, before: str | None, limit: int
    ) -> Sequence[WebhookDelivery]:
        """Return deliveries of a webhook, newest first, older than the id ``before``."""
        query = _of(webhook_id)
        if status is not None:
            query = query.where(col(WebhookDelivery.status) == status)
        return await self._rows.read_newest(
            query, _delivery, key=col(WebhookDelivery.id), before=before, limit=limit
        )

    async def attempts(self, delivery_id: str) -> Sequence[WebhookAttempt]:
        """Return the calls of a delivery, oldest first."""
        query = select(WebhookAttempt.__table__).where(
            col(WebhookAttempt.delivery_id) == delivery_id
        )
        return await self._rows.read_all(query.order_by(col(WebhookAttempt.id)), _attempt)

    async def reopen(self, delivery: WebhookDelivery) -> None:
        """Have an ended delivery tried again.

        Raises:
            ConflictError: ``delivery_pending``.

        """
        ended = self._rows.at(WebhookDelivery, delivery.id, ~_is_pending())
        if not await ended.set(status=DeliveryStatus.PENDING, dispatched_at=None, ended_at=None):
            raise ConflictError(
                "delivery_pending", "It is being delivered. Wait until that has ended."
            )

    async def waiting(self, *, limit: int) -> Sequence[WaitingDelivery]:
        """Return deliveries whose workflow has not been started."""
        called = exists().where(col(WebhookAttempt.delivery_id) == col(WebhookDelivery.id))
        rows = await self._rows.all(
            select(col(WebhookDelivery.id), called.label("again"))
            .where(_is_pending(), col(WebhookDelivery.dispatched_at).is_(None))
            .order_by(col(WebhookDelivery.id))
            .limit(limit)
        )
        return [WaitingDelivery(id=id_, again=again) for id_, again in rows]

    async def dispatched(self, *, before: datetime, after: str, limit: int) -> Sequence[str]:
        """Return deliveries that their workflow, started before that moment, has not ended."""
        return await self._rows.values(
            select(col(WebhookDelivery.id))
            .where(_is_pending(), col(WebhookDelivery.dispatched_at) < before)
            .where(col(WebhookDelivery.id) > after)
            .order_by(col(WebhookDelivery.id))
            .limit(limit)
        )

    async def mark_dispatched(self, delivery_ids: Sequence[str], *, at: datetime) -> None:
        """Note that their workflows were started."""
        which = among(self._connection, col(WebhookDelivery.id), delivery_ids)
        await self._rows.those(WebhookDelivery, which).set(dispatched_at=at)

    async def forget(self, *, before: datetime) -> None:
        """Delete some of what ended before that moment, the oldest: a transaction stays short."""
        oldest = (
            select(col(WebhookDelivery.id))
            .where(col(WebhookDelivery.ended_at) < before)
            .order_by(col(WebhookDelivery.ended_at))
            .limit(_FORGOTTEN_AT_ONCE)
        )
        await self._rows.those(WebhookDelivery, col(WebhookDelivery.id).in_(oldest)).remove()


class StoredDeliveries(Records):
    """Deliveries as activities ask for them; safe to repeat (an attempt is logged once more)."""

    async def call(self, delivery_id: str) -> Call | None:
        """Return the call to make; None when it was delivered or the webhook wants no more."""
        async with self._database.write() as connection:
            row = await Rows(connection).find(
                select(
                    col(WebhookDelivery.event_id),
                    col(WebhookDelivery.body),
                    col(WebhookDelivery.status).label("delivery_status"),
                    Webhook.__table__,
                )
                .join(Webhook, col(Webhook.id) == col(WebhookDelivery.webhook_id))
                .where(col(WebhookDelivery.id) == delivery_id)
            )
            if row is None or row.delivery_status != DeliveryStatus.PENDING:
                return None
            if row.status != WebhookStatus.ENABLED:
                await _end(Rows(connection), delivery_id, DeliveryStatus.FAILED, at=self._now())
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
            rows = Rows(connection)
            webhook = rows.at(Webhook, webhook_id)
            if await rows.look_up(WebhookDelivery, delivery_id) is None:
                return  # deleted in the middle of the call
            answer = attempt.answer
            await rows.add(
                WebhookAttempt,
                delivery_id=delivery_id,
                at=attempt.at,
                duration_ms=round(attempt.duration.total_seconds() * 1000),
                status_code=answer.status_code if answer else None,
                error=attempt.error[:_TEXT] if attempt.error else None,
                response=answer.text if answer else None,
            )
            if attempt.succeeded:
                await _end(rows, delivery_id, DeliveryStatus.DELIVERED, at=attempt.at)
                await webhook.set(failing_since=None)
                return
            well = rows.at(Webhook, webhook_id, col(Webhook.failing_since).is_(None))
            await well.set(failing_since=attempt.at)
            if attempt.gone:
                await _end(rows, delivery_id, DeliveryStatus.FAILED, at=attempt.at)
                await webhook.set(status=WebhookStatus.DISABLED, disabled_reason=_GONE)

    async def give_up(self, delivery_id: str) -> None:
        """End a delivery that was tried for long enough, and a webhook that fails for days."""
        now = self._now()
        async with self._database.write() as connection:
            rows = Rows(connection)
            await _end(rows, delivery_id, DeliveryStatus.FAILED, at=now)
            webhook_id = await rows.value(col(WebhookDelivery.webhook_id), delivery_id)
            too_long = col(Webhook.failing_since) < now - DISABLED_AFTER
            webhook = rows.at(Webhook, webhook_id, too_long)
            await webhook.set(status=WebhookStatus.DISABLED, disabled_reason=_FAILING)


async def _end(rows: Rows, delivery_id: str, status: DeliveryStatus, *, at: datetime) -> None:
    await rows.at(WebhookDelivery, delivery_id, _is_pending()).set(status=status, ended_at=at)


def _is_pending() -> ColumnElement[bool]:
    return col(WebhookDelivery.status) == DeliveryStatus.PENDING


def _of(webhook_id: str) -> Select[*tuple[Any, ...]]:
    return select(WebhookDelivery.__table__).where(col(WebhookDelivery.webhook_id) == webhook_id)
