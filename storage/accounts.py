"""Accounts of installers and site owners."""

from datetime import datetime

from sqlalchemy import select, update
from sqlmodel import col

from domain.errors import ConflictError
from domain.states import Role
from storage.models.accounts import Account
from storage.rows import Repository, record_of


class Accounts(Repository):
    """Repository of accounts."""

    async def create(self, account: Account) -> None:
        """Store a new account.

        Raises:
            ConflictError: ``email_taken``, the role has an account with that e-mail.

        """
        if not await self._rows.add_if_new(Account, account):
            raise ConflictError(
                "email_taken", "An account with this e-mail exists. Log in instead."
            )

    async def get(self, account_id: str) -> Account | None:
        """One account by its id."""
        return await self._rows.look_up(Account, account_id)

    async def by_email(self, role: Role, email: str) -> Account | None:
        """One account by its role and normalised e-mail."""
        is_it = (col(Account.role) == role) & (col(Account.email) == email)
        return await self._rows.read(select(Account.__table__).where(is_it), record_of(Account))

    async def set_password_hash(self, account_id: str, password_hash: str) -> None:
        """Replace the hash by one of the same password with stronger parameters."""
        await self._rows.at(Account, account_id).set(password_hash=password_hash)

    async def change_password(
        self, account_id: str, password_hash: str, *, of_epoch: int | None = None
    ) -> int | None:
        """Set another password: every token and remembered device is void. Return the new epoch.

        ``of_epoch``: only while that is the epoch; None when another change was faster.
        """
        query = update(Account).where(col(Account.id) == account_id)
        if of_epoch is not None:
            query = query.where(col(Account.token_epoch) == of_epoch)
        return await self._connection.scalar(
            query.values(
                password_hash=password_hash, token_epoch=col(Account.token_epoch) + 1
            ).returning(col(Account.token_epoch))
        )

    async def verify(self, account_id: str, *, at: datetime) -> bool:
        """Note that the address is shown to be its owner's; False when that was known."""
        return await self._rows.at(Account, account_id, col(Account.verified_at).is_(None)).set(
            verified_at=at
        )
