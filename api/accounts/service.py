"""Sign-up, login and logout, the same for installers and site owners."""

from datetime import datetime

from api.deps import now
from api.parts import Parts
from api.security.throttling import (
    LOGIN_ACCOUNT,
    LOGIN_ACCOUNT_FROM_ADDRESS,
    LOGIN_ADDRESS,
    SIGNUP_ACCOUNT,
    SIGNUP_ADDRESS,
)
from api.security.tokens import Token
from domain.errors import UnauthorizedError
from domain.ids import Prefix, new_id
from domain.states import Role
from storage.accounts import Account, Accounts
from storage.sessions import RevokedTokens


async def sign_up(
    parts: Parts, *, name: str, email: str, password: str, company: str | None, address: str
) -> Account:
    """Make an installer's account.

    Raises:
        ConflictError: ``email_taken``.
        TooManyRequestsError: The address or the e-mail made too many attempts.

    """
    await parts.throttle.attempt((SIGNUP_ADDRESS, address), (SIGNUP_ACCOUNT, email))
    account = Account(
        id=new_id(Prefix.ACCOUNT),
        role=Role.INSTALLER,
        email=email,
        name=name,
        company=company,
        password_hash=await parts.passwords.hash(password),
        token_epoch=0,
        created_at=now(),
    )
    async with parts.database.write() as connection:
        await Accounts(connection).create(account)
    return account


async def log_in(
    parts: Parts, *, role: Role, email: str, password: str, address: str
) -> tuple[str, datetime]:
    """Check a password and issue a token, with the moment it expires.

    Raises:
        UnauthorizedError: ``login_failed``, the same whether account or password is wrong.
        TooManyRequestsError: Too many attempts on the account or from the address.

    """
    account = await authenticate(parts, role=role, email=email, password=password, address=address)
    return parts.tokens.issue(
        account_id=account.id, role=role, epoch=account.token_epoch, now=now()
    )


async def authenticate(
    parts: Parts, *, role: Role, email: str, password: str, address: str
) -> Account:
    """Find the account of an e-mail and check its password; errors as :func:`log_in`."""
    subject = f"{role}:{email}"
    mine = ((LOGIN_ACCOUNT_FROM_ADDRESS, f"{subject}:{address}"), (LOGIN_ACCOUNT, subject))
    # Counted before the password is looked at, so that guesses at once are all counted.
    await parts.throttle.attempt(*mine, (LOGIN_ADDRESS, address))
    async with parts.database.read() as connection:
        account = await Accounts(connection).by_email(role, email)
    right = await parts.passwords.verify(account.password_hash if account else None, password)
    if account is None or not right:
        raise UnauthorizedError("login_failed", "The e-mail or the password is wrong.")
    await parts.throttle.succeeded(mine)
    if parts.passwords.needs_rehash(account.password_hash):
        stronger = await parts.passwords.hash(password)
        async with parts.database.write() as connection:
            await Accounts(connection).set_password_hash(account.id, stronger)
    return account


async def log_out(parts: Parts, token: Token) -> None:
    """Revoke the token."""
    async with parts.database.write() as connection:
        await RevokedTokens(connection).revoke(token.id, expires_at=token.expires_at, now=now())
