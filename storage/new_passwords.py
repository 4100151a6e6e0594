"""Setting another password, and what goes with it: every token, code and remembered device."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.accounts import AccountEvent, LetterPurpose
from domain.states import WebhookStatus
from storage.account_letters import Addressed, Letters
from storage.accounts import AccountEvents, Accounts
from storage.models.accounts import Account
from storage.models.webhooks import Webhook
from storage.rows import Rows
from storage.sessions import AccountSessions

_NOT_THE_OWNERS: Final = (
    "It was there before the owner of the e-mail address had the account. Look at its URL before "
    "you enable it."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class NewPassword:
    """What to set, when, and from which address it was asked for."""

    password_hash: str
    at: datetime
    address: str


async def set_password(
    connection: AsyncConnection, account: Account, new: NewPassword, *, event: AccountEvent
) -> int | None:
    """Set it and raise the epoch; return that, or None when another change was faster.

    All tokens are void, and all codes in mails that would set a password.
    """
    epoch = await Accounts(connection).change_password(
        account.id, new.password_hash, of_epoch=account.token_epoch
    )
    if epoch is None:
        return None
    await AccountSessions(connection, account.id).forget_all()
    await Letters(connection).void(
        Addressed(role=account.role, email=account.email), LetterPurpose.RESET, now=new.at
    )
    await AccountEvents(connection, account.id).write(event, at=new.at, address=new.address)
    return epoch


async def set_password_of_reader(
    connection: AsyncConnection, account: Account, new: NewPassword, *, event: AccountEvent
) -> int | None:
    """Set it for somebody who has shown to read the mail of the address.

    Where nobody had shown that before, the account may have been a stranger's until now: its
    webhooks are disabled, so that they hear nothing of what comes.
    """
    epoch = await set_password(connection, account, new, event=event)
    if epoch is not None and await prove(connection, account, at=new.at, address=new.address):
        is_its = col(Webhook.account_id) == account.id
        enabled = Rows(connection).those(
            Webhook, is_its, col(Webhook.status) == WebhookStatus.ENABLED
        )
        await enabled.set(status=WebhookStatus.DISABLED, disabled_reason=_NOT_THE_OWNERS)
    return epoch


async def prove(
    connection: AsyncConnection, account: Account, *, at: datetime, address: str
) -> bool:
    """Note that the address is its owner's; False when that was known."""
    if not await Accounts(connection).verify(account.id, at=at):
        return False
    await AccountEvents(connection, account.id).write(
        AccountEvent.EMAIL_VERIFIED, at=at, address=address
    )
    return True


async def rename(
    connection: AsyncConnection, account_id: str, *, name: str, company: str | None
) -> None:
    """Call an account as its owner says."""
    await Rows(connection).at(Account, account_id).set(name=name, company=company)
