"""Passwords that are changed, or set anew by mail, and the proof of an address."""

from collections.abc import Collection
from contextlib import suppress
from typing import Final

from api.accounts.schemas import PasswordChange, PasswordReset
from api.accounts.service import LogIn, mail_verification, open_session, send_letter
from api.accounts.visitor import Visitor, known_device
from api.call import Call
from api.deps import now
from api.parts import Parts
from api.security.throttling import (
    CODE_ADDRESS,
    PASSWORD_CHANGES,
    PASSWORD_SESSION,
    RESET_ADDRESS,
    RESET_CROWDED,
    RESET_EMAIL,
    Limit,
)
from api.verified import is_verified_enough
from domain.accounts import AccountEvent, LetterPurpose
from domain.errors import ConflictError, ForbiddenError, NotFoundError, TooManyRequestsError
from domain.mail import recipient_key
from domain.states import Role
from domain.tokens import hash_token
from storage.account_letters import Addressed, Letters
from storage.accounts import Accounts
from storage.mail_notices import MailBlocks
from storage.models.accounts import Account
from storage.new_passwords import NewPassword, prove, set_password, set_password_of_reader

ASKED: Final = (
    "If this address has an account, a mail is on its way with a link that works for an hour. If "
    "none comes, look where your mail program keeps what it takes for spam. Whoever has stopped "
    "the mail about an account gets one such link a week."
)


async def prove_password(call: Call, password: str) -> tuple[Limit, str]:
    """Check the present password once more; returns under what the attempt was counted.

    Raises:
        ForbiddenError: ``password_wrong``.
        TooManyRequestsError: Too many wrong ones with this token.

    """
    account = call.account
    limit = (PASSWORD_SESSION, call.token.id)
    await call.parts.throttle.attempt(limit)
    if not await call.parts.passwords.verify(account.password_hash, password, known=account.id):
        raise ForbiddenError(
            "password_wrong",
            "The present password is wrong. If nobody knows it any more, have the way to a new one "
            "mailed to you: POST …/password-resets.",
        )
    return limit


async def change_password(call: Call, change: PasswordChange, visitor: Visitor) -> LogIn:
    """Set another password; every token is void, and the caller gets a new one.

    Raises:
        ForbiddenError: ``password_wrong``.
        TooManyRequestsError: Too many wrong ones with this token, or too many changes.

    """
    parts, account = call.parts, call.account
    limit = await prove_password(call, change.password)
    subject = f"{account.role}:{account.email}"
    await parts.throttle.attempt((PASSWORD_CHANGES, subject))
    at = now()
    password_hash = await parts.passwords.hash(change.new_password, known=account.id)
    async with parts.database.write() as connection:
        epoch = await set_password(
            connection,
            account,
            NewPassword(password_hash=password_hash, at=at, address=visitor.address),
            event=AccountEvent.PASSWORD_CHANGED,
        )
        if epoch is None:
            raise changed_meanwhile()
        to = Addressed(role=account.role, email=account.email)
        await send_letter(parts, connection, LetterPurpose.CHANGED, to)
    # The codes in mails are void: whoever reads them may ask for others at once.
    reads = is_verified_enough(parts, account)
    await parts.throttle.succeeded([limit, (RESET_EMAIL, subject)] if reads else [limit])
    return await open_session(parts, account.model_copy(update={"token_epoch": epoch}), visitor)


async def ask_for_reset(
    parts: Parts, email: str, roles: Collection[Role], visitor: Visitor
) -> None:
    """Have codes mailed to the address, for its accounts; nothing here tells whether it has any.

    Past a few an hour no more are sent to one e-mail, and nobody is told: the codes that are there
    go on working, so a stranger who asks in the owner's place keeps nobody out. Nor does a
    neighbour who asks for many: an e-mail that had none lately gets one all the same.
    """
    crowded = False
    if not await _is_known(parts, email, roles, visitor):
        try:
            await parts.throttle.attempt((RESET_ADDRESS, visitor.network))
        except TooManyRequestsError:
            crowded = True
    for role in roles:
        subject = f"{role}:{email}"
        floor = [(RESET_CROWDED, subject)] if crowded else []
        with suppress(TooManyRequestsError):
            await parts.throttle.attempt((RESET_EMAIL, subject), *floor)
            async with parts.database.write() as connection:
                to = Addressed(role=role, email=email)
                await send_letter(parts, connection, LetterPurpose.RESET, to)


async def _is_known(parts: Parts, email: str, roles: Collection[Role], visitor: Visitor) -> bool:
    async with parts.database.read() as connection:
        accounts = [await Accounts(connection).by_email(role, email) for role in roles]
    devices = [known_device(parts, visitor, account) for account in accounts]
    return any(device is not None for device in devices)


async def reset_password(
    parts: Parts, reset: PasswordReset, visitor: Visitor, *, role: Role | None = None
) -> Account:
    """Set another password with the code of a mail; every token before is void.

    ``role``: of which kind the account has to be, where the caller offers one alone.

    Raises:
        NotFoundError: ``reset_code_invalid``.
        TooManyRequestsError: Too many were set by mail within the hour.

    """
    at = now()
    account = await account_of_code(parts, reset.token, LetterPurpose.RESET, visitor=visitor)
    if role not in {None, account.role}:
        raise invalid_code(LetterPurpose.RESET)
    subject = f"{account.role}:{account.email}"
    await parts.throttle.attempt((PASSWORD_CHANGES, f"{subject}:by-mail"))
    password_hash = await parts.passwords.hash(reset.new_password, known=account.id)
    async with parts.database.write() as connection:
        if not await Letters(connection).use(hash_token(reset.token), now=at):
            raise invalid_code(LetterPurpose.RESET)
        epoch = await set_password_of_reader(
            connection,
            account,
            NewPassword(password_hash=password_hash, at=at, address=visitor.address),
            event=AccountEvent.PASSWORD_RESET,
        )
        if epoch is None:
            raise invalid_code(LetterPurpose.RESET)
        to = Addressed(role=account.role, email=account.email)
        await send_letter(parts, connection, LetterPurpose.CHANGED, to)
    await parts.throttle.succeeded([(RESET_EMAIL, subject)])
    return account.model_copy(update={"token_epoch": epoch})


async def ask_for_verification(parts: Parts, account: Account) -> None:
    """Have the mail sent again that proves the address.

    Raises:
        ConflictError: ``already_verified``, ``recipient_blocked``.
        TooManyRequestsError: Too many mails in an hour.

    """
    if account.verified_at is not None:
        raise ConflictError("already_verified", f"{account.email} is verified already.")
    recipient = recipient_key(parts.settings.required_secret(), account.email)
    async with parts.database.read() as connection:
        blocked = await MailBlocks(connection).is_blocked(account.id, recipient)
    if blocked:
        raise ConflictError(
            "recipient_blocked",
            f"Whoever reads {account.email} has stopped the mail about your account, so nothing "
            "was sent. If that was you, open the link at the end of an earlier mail and allow it "
            "again.",
        )
    await mail_verification(parts, account)


async def verify_email(parts: Parts, *, token: str, visitor: Visitor) -> Account:
    """Prove the address of an account with the code of a mail; again, while the code is good.

    Raises:
        NotFoundError: ``verification_code_invalid``.

    """
    account = await account_of_code(parts, token, LetterPurpose.VERIFICATION, visitor=visitor)
    at = now()
    async with parts.database.write() as connection:
        await prove(connection, account, at=at, address=visitor.address)
    return account.model_copy(update={"verified_at": account.verified_at or at})


async def account_of_code(
    parts: Parts, token: str, purpose: LetterPurpose, *, visitor: Visitor
) -> Account:
    """Find the account that a code is for.

    Raises:
        NotFoundError: It is used, too old, or none at all.
        TooManyRequestsError: So many wrong ones come from there. A right one always gets through.

    """
    async with parts.database.read() as connection:
        found = await Letters(connection).find(hash_token(token), purpose, now=now())
        account = (
            None if found is None else await Accounts(connection).by_email(found.role, found.email)
        )
    if account is None:
        await parts.throttle.attempt((CODE_ADDRESS, visitor.network))
        raise invalid_code(purpose)
    return account


def invalid_code(purpose: LetterPurpose) -> NotFoundError:
    """Say that a code does nothing, and how to get a new one."""
    if purpose is LetterPurpose.VERIFICATION:
        return NotFoundError(
            "verification_code_invalid",
            "This code is not valid: it is older than three days, or was never one. Have a new one "
            "mailed to you: log in, and POST …/verification.",
        )
    return NotFoundError(
        "reset_code_invalid",
        "This code is not valid: it was used, a newer password was set since, it is older than an "
        "hour, or it was never one. Have a new one mailed to you: POST …/password-resets with your "
        "e-mail.",
    )


def changed_meanwhile() -> ConflictError:
    """Say that another request was faster, and what to go on with."""
    return ConflictError(
        "changed_meanwhile",
        "The password of the account was just changed by another request. Try again with the new "
        "one.",
    )
