"""Accounts of installers and site owners: what has happened to each, and how much it has."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, String, func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col
from sqlmodel.sql.sqltypes import UTCDateTime

from domain.accounts import AccountEvent, Counted
from domain.errors import ConflictError
from domain.states import Role
from storage.models.accounts import Account, AccountEventRow
from storage.models.charge_points import ChargePoint
from storage.models.documents import Photo
from storage.models.projects import Project
from storage.rows import AccountRepository, Repository, record_of

_EVENTS_KEPT: Final = 1000
_happened = record_of(AccountEventRow)


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


class AccountEvents(AccountRepository):
    """Repository of one account's history."""

    async def write(self, event: AccountEvent, *, at: datetime, address: str | None) -> None:
        """Add an event, in the transaction of the change."""
        await self._connection.execute(
            insert(AccountEventRow).from_select(
                ["account_id", "at", "event", "token_epoch", "address"],
                select(
                    col(Account.id),
                    literal(at, UTCDateTime),
                    literal(event.value),
                    col(Account.token_epoch),
                    literal(address, String),
                ).where(col(Account.id) == self._account_id),
            )
        )
        mine = col(AccountEventRow.account_id) == self._account_id
        beyond = (
            select(col(AccountEventRow.id))
            .where(mine)
            .order_by(col(AccountEventRow.id).desc())
            .offset(_EVENTS_KEPT)
            .limit(1)
            .scalar_subquery()
        )
        await self._rows.those(AccountEventRow, mine, col(AccountEventRow.id) <= beyond).remove()

    async def page(self, *, before: int | None, limit: int) -> Sequence[AccountEventRow]:
        """Return events, newest first, older than the number ``before``."""
        events = self._mine(AccountEventRow)
        return await self._rows.read_newest(
            events, _happened, key=col(AccountEventRow.id), before=before, limit=limit
        )


async def how_many(
    connection: AsyncConnection, account_id: str, what: Counted, *, at_most: int
) -> int:
    """Count what is in the projects that an account has made, up to ``at_most``.

    Nobody else counts for that account until the commit: what comes at once has one quota.
    """
    await connection.execute(
        select(col(Account.id)).where(col(Account.id) == account_id).with_for_update(key_share=True)
    )
    found = _all_of(what).where(col(Project.installer_id) == account_id).limit(at_most).subquery()
    return await connection.scalar(select(func.count()).select_from(found)) or 0


def _all_of(what: Counted) -> Select[Any]:
    match what:
        case Counted.PROJECTS:
            return select(col(Project.id))
        case Counted.CHARGE_POINTS:
            return select(col(ChargePoint.id)).join(
                Project, col(Project.id) == col(ChargePoint.project_id)
            )
        case Counted.PHOTOS:
            return (
                select(col(Photo.id))
                .join(ChargePoint, col(ChargePoint.id) == col(Photo.charge_point_id))
                .join(Project, col(Project.id) == col(ChargePoint.project_id))
            )
