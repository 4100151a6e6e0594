"""Accounts of installers and site owners."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from domain.errors import ConflictError
from domain.states import Role
from storage.models.accounts import Account as AccountRow
from storage.read_models import read_model
from storage.rows import Repository


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """An account. ``email`` is normalised; a token of an epoch before ``token_epoch`` is void.

    ``verified_at``: when somebody first showed to read the mail of the address; None: nobody has.
    ``deleted_at``: since when nobody is behind it; its row stays, for others point to it.
    """

    id: str
    role: Role
    email: str
    name: str
    company: str | None
    password_hash: str
    token_epoch: int
    created_at: datetime
    verified_at: datetime | None = None
    deleted_at: datetime | None = None


_account = read_model(Account)


class Accounts(Repository):
    """Repository of accounts."""

    async def create(self, account: Account) -> None:
        """Store a new account.

        Raises:
            ConflictError: ``email_taken``, the role has an account with that e-mail.

        """
        try:
            async with self._connection.begin_nested():
                await self._rows.add(AccountRow, account)
        except IntegrityError as error:
            raise ConflictError(
                "email_taken", "An account with this e-mail exists. Log in instead."
            ) from error

    async def get(self, account_id: str) -> Account | None:
        """One account by its id."""
        return await self._one(col(AccountRow.id) == account_id)

    async def by_email(self, role: Role, email: str) -> Account | None:
        """One account by its role and normalised e-mail."""
        return await self._one((col(AccountRow.role) == role) & (col(AccountRow.email) == email))

    async def set_password_hash(self, account_id: str, password_hash: str) -> None:
        """Replace the hash by one of the same password with stronger parameters."""
        await self._rows.at(AccountRow, account_id).set(password_hash=password_hash)

    async def change_password(
        self, account_id: str, password_hash: str, *, of_epoch: int | None = None
    ) -> int | None:
        """Set another password: every token and remembered device is void. Return the new epoch.

        ``of_epoch``: only while that is the epoch; None when another change was faster.
        """
        query = update(AccountRow).where(col(AccountRow.id) == account_id)
        if of_epoch is not None:
            query = query.where(col(AccountRow.token_epoch) == of_epoch)
        return await self._connection.scalar(
            query.values(
                password_hash=password_hash, token_epoch=col(AccountRow.token_epoch) + 1
            ).returning(col(AccountRow.token_epoch))
        )

    async def verify(self, account_id: str, *, at: datetime) -> bool:
        """Note that the address is shown to be its owner's; False when that was known."""
        return await self._rows.at(
            AccountRow, account_id, col(AccountRow.verified_at).is_(None)
        ).set(verified_at=at)

    async def _one(self, condition: ColumnElement[bool]) -> Account | None:
        return await self._rows.read(select(AccountRow.__table__).where(condition), _account)
