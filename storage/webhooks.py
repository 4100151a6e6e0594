"""Webhooks of an account."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, select
from sqlmodel import col

from domain.errors import ConflictError, NotFoundError
from domain.webhooks import OLD_SECRET_VALID
from storage.models.accounts import Account
from storage.models.webhooks import Webhook
from storage.rows import Repository, record_of

MOST_OF_AN_ACCOUNT: Final = 10
_OLD_SECRETS: Final = 5
"""Rotations within a day that the first receiver survives; each is one more signature."""


_webhook = record_of(Webhook)


class Webhooks(Repository):
    """Repository of webhooks."""

    async def create(self, webhook: Webhook) -> None:
        """Store a webhook.

        Raises:
            ConflictError: ``too_many_webhooks``.

        """
        # Two at once count one after the other.
        await self._rows.at(Account, webhook.account_id).lock()
        mine = col(Webhook.account_id) == webhook.account_id
        if await self._rows.count(Webhook, mine) >= MOST_OF_AN_ACCOUNT:
            raise ConflictError(
                "too_many_webhooks",
                f"An account has at most {MOST_OF_AN_ACCOUNT} webhooks. Delete one first.",
            )
        await self._rows.add(Webhook, webhook)

    async def get(self, webhook_id: str, *, account_id: str) -> Webhook:
        """One webhook of the account.

        Raises:
            NotFoundError: ``webhook_not_found``.

        """
        query = _of(account_id).where(col(Webhook.id) == webhook_id)
        webhook = await self._rows.read(query, _webhook)
        if webhook is None:
            raise NotFoundError("webhook_not_found", "You have no webhook with this id.")
        return webhook

    async def page(self, *, account_id: str, before: str | None, limit: int) -> Sequence[Webhook]:
        """Webhooks of the account, newest first, older than the id ``before``."""
        return await self._rows.read_newest(
            _of(account_id), _webhook, key=col(Webhook.id), before=before, limit=limit
        )

    async def change(self, webhook_id: str, values: Mapping[str, Any]) -> None:
        """Change columns."""
        if values:
            await self._rows.at(Webhook, webhook_id).set(**values)

    async def rotate_secret(self, webhook_id: str, *, at: datetime) -> None:
        """Go on with the next version of the secret; each one before it is valid for its day."""
        webhook = self._rows.at(Webhook, webhook_id)
        await webhook.lock()
        retired = await self._rows.value(col(Webhook.retired_at), webhook_id)
        still_valid = valid_at(retired, now=at)[: _OLD_SECRETS - 1]
        await webhook.set(
            secret_version=col(Webhook.secret_version) + 1,
            retired_at=[at.isoformat(), *still_valid],
        )

    async def delete(self, webhook_id: str) -> None:
        """Remove it, with its log."""
        await self._rows.at(Webhook, webhook_id).remove()


def _of(account_id: str) -> Select[*tuple[Any, ...]]:
    return select(Webhook.__table__).where(col(Webhook.account_id) == account_id)


def valid_at(retired: Sequence[str] | None, *, now: datetime) -> list[str]:
    """Those of the secrets before the present one that calls are still signed with."""
    return [at for at in retired or () if now - datetime.fromisoformat(at) < OLD_SECRET_VALID]
