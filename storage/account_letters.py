"""Mails about accounts, from the request to the use of their code.

A row is written for whichever address was asked about, known or not: whether somebody has an
account is looked up when the mail is due, out of sight of who has asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import exists, select
from sqlmodel import col

from domain.accounts import AccountLetter, LetterPurpose
from domain.states import Role
from storage.accounts import Accounts
from storage.dialects import among
from storage.models.accounts import Account
from storage.models.accounts import AccountLetter as AccountLetterRow
from storage.read_models import read_model
from storage.records import Records
from storage.rows import Repository, Rows

_KEPT: Final = timedelta(days=1)  # after its code has expired


@dataclass(frozen=True, kw_only=True, slots=True)
class Addressed:
    """Whose mail the holder of a code has read."""

    role: Role
    email: str


_addressed = read_model(Addressed)


class Letters(Repository):
    """Repository of letters."""

    async def ask(
        self,
        letter_id: str,
        purpose: LetterPurpose,
        to: Addressed,
        *,
        token_hash: str,
        at: datetime,
        lifetime: timedelta,
    ) -> None:
        """Have a mail sent; a worker looks each second."""
        await self._rows.add(
            AccountLetterRow,
            to,
            id=letter_id,
            purpose=purpose,
            token_hash=token_hash,
            asked_at=at,
            expires_at=at + lifetime,
        )

    async def find(
        self, token_hash: str, purpose: LetterPurpose, *, now: datetime
    ) -> Addressed | None:
        """Whose code it is; None for one that is used, too old, or none at all."""
        return await self._rows.read(
            select(AccountLetterRow.__table__)
            .where(col(AccountLetterRow.token_hash) == token_hash)
            .where(col(AccountLetterRow.purpose) == purpose)
            .where(col(AccountLetterRow.used_at).is_(None))
            .where(col(AccountLetterRow.expires_at) > now),
            _addressed,
        )

    async def use(self, token_hash: str, *, now: datetime) -> bool:
        """Use a code up; True for exactly one caller."""
        is_it = col(AccountLetterRow.token_hash) == token_hash
        unused = self._rows.those(AccountLetterRow, is_it, col(AccountLetterRow.used_at).is_(None))
        return await unused.set(used_at=now)

    async def void(self, to: Addressed, purpose: LetterPurpose, *, now: datetime) -> None:
        """Let no code of that purpose, in any mail to them, do anything any more."""
        await self._rows.those(
            AccountLetterRow,
            col(AccountLetterRow.role) == to.role,
            col(AccountLetterRow.email) == to.email,
            col(AccountLetterRow.purpose) == purpose,
            col(AccountLetterRow.used_at).is_(None),
        ).set(used_at=now)

    async def drop_nobodys(self) -> None:
        """Drop those that wait and are for nobody: no workflow is started for them."""
        has_account = exists().where(
            col(Account.role) == col(AccountLetterRow.role),
            col(Account.email) == col(AccountLetterRow.email),
        )
        waits = col(AccountLetterRow.dispatched_at).is_(None)
        await self._rows.those(AccountLetterRow, waits, ~has_account).remove()

    async def waiting(self, *, limit: int) -> Sequence[str]:
        """Ids of letters that nobody has dispatched, the oldest first."""
        return await self._rows.values(
            select(col(AccountLetterRow.id))
            .where(col(AccountLetterRow.dispatched_at).is_(None))
            .order_by(col(AccountLetterRow.id))
            .limit(limit)
        )

    async def mark_dispatched(self, letter_ids: Sequence[str], *, at: datetime) -> None:
        """Note that their workflows are started."""
        which = among(self._connection, col(AccountLetterRow.id), letter_ids)
        await self._rows.those(AccountLetterRow, which).set(dispatched_at=at)

    async def forget(self, *, now: datetime) -> None:
        """Drop those whose codes have long expired."""
        too_old = col(AccountLetterRow.expires_at) < now - _KEPT
        await self._rows.those(AccountLetterRow, too_old).remove()


class StoredLetters(Records):
    """Mails about accounts that were asked for; safe to repeat."""

    async def letter(self, letter_id: str) -> AccountLetter | None:
        """What to mail; None where it was, is of no use any more, or nobody has that address."""
        async with self._database.read() as connection:
            row = await Rows(connection).look_up(AccountLetterRow, letter_id)
            if row is None or row.mailed_at or row.used_at or row.expires_at <= self._now():
                return None
            account = await Accounts(connection).by_email(row.role, row.email)
        if account is None:
            return None
        if row.purpose is LetterPurpose.VERIFICATION and account.verified_at is not None:
            return None
        return AccountLetter(
            purpose=row.purpose,
            account_id=account.id,
            is_proven=account.verified_at is not None,
            email=account.email,
            role=account.role,
            asked_at=row.asked_at,
            expires_at=row.expires_at,
        )

    async def sent(self, letter_id: str) -> None:
        """Note that the mail left."""
        async with self._database.write() as connection:
            await Rows(connection).at(AccountLetterRow, letter_id).set(mailed_at=self._now())
