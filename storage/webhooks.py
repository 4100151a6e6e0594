"""Webhooks of an account."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select
from sqlmodel import col

from domain.errors import ConflictError, NotFoundError
from domain.states import WebhookStatus
from domain.webhooks import OLD_SECRET_VALID, WebhookEvent
from storage.models.accounts import Account
from storage.models.webhooks import Webhook as WebhookRow
from storage.read_models import read_model
from storage.rows import Repository

MOST_OF_AN_ACCOUNT: Final = 10
_OLD_SECRETS: Final = 5
"""Rotations within a day that the first receiver survives; each is one more signature."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Webhook:
    """A webhook. Its secret is derived from its id and ``secret_version``."""

    id: str
    account_id: str
    url: str
    description: str | None
    events: tuple[WebhookEvent, ...]
    status: WebhookStatus
    created_at: datetime
    secret_version: int = 1
    disabled_reason: str | None = None
    failing_since: datetime | None = None


_webhook = read_model(Webhook)


class Webhooks(Repository):
    """Repository of webhooks."""

    async def create(self, webhook: Webhook) -> None:
        """Store a webhook.

        Raises:
            ConflictError: ``too_many_webhooks``.

        """
        await self._connection.execute(  # two at once count one after the other
            select(col(Account.id)).where(col(Account.id) == webhook.account_id).with_for_update()
        )
        count = await self._connection.scalar(
            select(func.count())
            .select_from(WebhookRow)
            .where(col(WebhookRow.account_id) == webhook.account_id)
        )
        if (count or 0) >= MOST_OF_AN_ACCOUNT:
            raise ConflictError(
                "too_many_webhooks",
                f"An account has at most {MOST_OF_AN_ACCOUNT} webhooks. Delete one first.",
            )
        await self._rows.add(WebhookRow, webhook)

    async def get(self, webhook_id: str, *, account_id: str) -> Webhook:
        """One webhook of the account.

        Raises:
            NotFoundError: ``webhook_not_found``.

        """
        row = await self._rows.find(
            select(WebhookRow.__table__)
            .where(col(WebhookRow.id) == webhook_id)
            .where(col(WebhookRow.account_id) == account_id)
        )
        if row is None:
            raise NotFoundError("webhook_not_found", "You have no webhook with this id.")
        return _webhook(row)

    async def page(self, *, account_id: str, before: str | None, limit: int) -> Sequence[Webhook]:
        """Webhooks of the account, newest first, older than the id ``before``."""
        query = (
            select(WebhookRow.__table__)
            .where(col(WebhookRow.account_id) == account_id)
            .order_by(col(WebhookRow.id).desc())
            .limit(limit)
        )
        if before is not None:
            query = query.where(col(WebhookRow.id) < before)
        return await self._rows.read_all(query, _webhook)

    async def change(self, webhook_id: str, values: Mapping[str, Any]) -> None:
        """Change columns."""
        if values:
            await self._rows.at(WebhookRow, webhook_id).set(**values)

    async def rotate_secret(self, webhook_id: str, *, at: datetime) -> None:
        """Go on with the next version of the secret; each one before it is valid for its day."""
        retired = await self._connection.scalar(
            select(col(WebhookRow.retired_at))
            .where(col(WebhookRow.id) == webhook_id)
            .with_for_update()
        )
        still_valid = valid_at(retired, now=at)[: _OLD_SECRETS - 1]
        await self._rows.at(WebhookRow, webhook_id).set(
            secret_version=col(WebhookRow.secret_version) + 1,
            retired_at=[at.isoformat(), *still_valid],
        )

    async def delete(self, webhook_id: str) -> None:
        """Remove it, with its log."""
        await self._rows.at(WebhookRow, webhook_id).remove()


def valid_at(retired: Sequence[str] | None, *, now: datetime) -> list[str]:
    """Those of the secrets before the present one that calls are still signed with."""
    return [at for at in retired or () if now - datetime.fromisoformat(at) < OLD_SECRET_VALID]
