"""Sign-up and login, the same for installers and site owners, and the mails about accounts."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from api.accounts.schemas import Signup
from api.accounts.visitor import Visitor, known_device
from api.deps import now
from api.parts import Parts
from api.security.throttling import (
    LOGIN_ACCOUNT,
    LOGIN_ACCOUNT_FROM_ADDRESS,
    LOGIN_ADDRESS,
    LOGIN_DEVICE,
    SIGNUP_ACCOUNT,
    SIGNUP_ADDRESS,
    VERIFICATION_EMAIL,
    Limit,
)
from domain.accounts import RESET_LIFETIME, VERIFICATION_LIFETIME, LetterPurpose
from domain.errors import TooManyRequestsError, UnauthorizedError
from domain.ids import Prefix, new_id
from domain.states import Role
from domain.tokens import hash_token, letter_token
from storage.account_letters import Addressed, Letters
from storage.accounts import Accounts
from storage.models.accounts import Account, AccountSession
from storage.sessions import AccountSessions


@dataclass(frozen=True, kw_only=True, slots=True)
class LogIn:
    """Who has logged in, and the token to go on with."""

    account: Account
    token: str
    expires_at: datetime


async def sign_up(parts: Parts, wanted: Signup, visitor: Visitor) -> Account:
    """Make an installer's account.

    Raises:
        ConflictError: ``email_taken``.
        TooManyRequestsError: The address or the e-mail made too many attempts.

    """
    await parts.throttle.attempt((SIGNUP_ADDRESS, visitor.network), (SIGNUP_ACCOUNT, wanted.email))
    account = Account(
        id=new_id(Prefix.ACCOUNT),
        role=Role.INSTALLER,
        email=wanted.email,
        name=wanted.name,
        company=wanted.company,
        password_hash=await parts.passwords.hash(wanted.password),
        token_epoch=0,
        created_at=now(),
    )
    async with parts.database.write() as connection:
        await Accounts(connection).create(account)
    if parts.settings.email_verification == "required":
        with suppress(TooManyRequestsError):  # they can ask for it when there is one again
            await mail_verification(parts, account)
    return account


async def mail_verification(parts: Parts, account: Account) -> None:
    """Have the mail sent that proves the address.

    Raises:
        TooManyRequestsError: It had as many in an hour as it gets.

    """
    await parts.throttle.attempt((VERIFICATION_EMAIL, account.email))
    to = Addressed(role=account.role, email=account.email)
    async with parts.database.write() as connection:
        await send_letter(parts, connection, LetterPurpose.VERIFICATION, to)


async def send_letter(
    parts: Parts, connection: AsyncConnection, purpose: LetterPurpose, to: Addressed
) -> None:
    """Put a mail about an account into the outbox, in the caller's transaction.

    A worker takes what is there within a second.
    """
    letter_id = parts.new_id(Prefix.LETTER)
    token = letter_token(parts.settings.required_secret(), letter_id)
    await Letters(connection).ask(
        letter_id,
        purpose,
        to,
        token_hash=hash_token(token),
        at=now(),
        lifetime=RESET_LIFETIME if purpose is LetterPurpose.RESET else VERIFICATION_LIFETIME,
    )


async def open_session(parts: Parts, account: Account, visitor: Visitor) -> LogIn:
    """Issue a token, with the moment it expires, and list it among the account's sessions."""
    at = now()
    token, expires_at = parts.tokens.issue(
        account_id=account.id, role=account.role, epoch=account.token_epoch, now=at
    )
    session = AccountSession(
        id=parts.tokens.read(token).id,
        account_id=account.id,
        created_at=at,
        expires_at=expires_at,
        address=visitor.address,
        user_agent=visitor.user_agent,
    )
    async with parts.database.write() as connection:
        await AccountSessions(connection, account.id).open(session)
    return LogIn(account=account, token=token, expires_at=expires_at)


async def authenticate(
    parts: Parts, *, role: Role, email: str, password: str, visitor: Visitor
) -> Account:
    """Find the account of an e-mail and check its password.

    Raises:
        UnauthorizedError: ``login_failed``, the same whether account or password is wrong.
        TooManyRequestsError: Too many attempts on the account or from the address.

    """
    async with parts.database.read() as connection:
        account = await Accounts(connection).by_email(role, email)
    device = known_device(parts, visitor, account)
    subject = f"{role}:{email}"
    # What others have guessed at the account stays counted, whoever succeeds.
    shared: Sequence[tuple[Limit, str]] = ()
    if device is not None:
        mine = [(LOGIN_DEVICE, device)]
        all_limits = mine
    else:
        mine = [(LOGIN_ACCOUNT_FROM_ADDRESS, f"{subject}:{visitor.network}")]
        shared = [(LOGIN_ACCOUNT, subject)]
        all_limits = [*mine, *shared, (LOGIN_ADDRESS, visitor.network)]
    # Counted before the password is looked at, so that guesses at once are all counted.
    await parts.throttle.attempt(*all_limits)
    known = None if account is None or device is None else account.id
    right = await parts.passwords.verify(
        account.password_hash if account else None, password, known=known
    )
    if account is None or not right:
        raise UnauthorizedError("login_failed", "The e-mail or the password is wrong.")
    await parts.throttle.succeeded(mine, alone=shared)
    if parts.passwords.needs_rehash(account.password_hash):
        stronger = await parts.passwords.hash(password, known=known)
        async with parts.database.write() as connection:
            await Accounts(connection).set_password_hash(account.id, stronger)
    return account
