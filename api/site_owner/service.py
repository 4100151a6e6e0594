"""Accepting and declining an invitation: one token, one grant."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from api.accounts.service import authenticate
from api.deps import now
from api.parts import Parts
from api.security.throttling import ACCEPT_ADDRESS
from domain.errors import ConflictError
from domain.ids import Prefix, new_id
from domain.states import InvitationStatus, Role
from domain.tokens import hash_token
from storage.accounts import Account, Accounts
from storage.invitations import Invitation, Invitations, why_not_pending


@dataclass(frozen=True, kw_only=True, slots=True)
class Acceptance:
    """Whose project it is now; ``made`` when the account is new."""

    account: Account
    project_id: str
    made: bool


async def accept(
    parts: Parts, *, token: str, name: str | None, password: str, address: str
) -> Acceptance:
    """Grant the project of an invitation to the account of its e-mail.

    Raises:
        NotFoundError: ``invitation_unknown``.
        ConflictError: It is not pending; see :func:`storage.invitations.why_not_pending`.
        UnauthorizedError: There is an account already, and the password is not its own.

    """
    await parts.throttle.attempt((ACCEPT_ADDRESS, address))
    token_hash = hash_token(token)
    async with parts.database.read() as connection:
        invitation = await _pending(connection, token_hash)
        existing = await Accounts(connection).by_email(Role.SITE_OWNER, invitation.email)
    if existing is not None:
        account = await authenticate(
            parts,
            role=Role.SITE_OWNER,
            email=invitation.email,
            password=password,
            address=address,
        )
    else:
        account = await _new_account(parts, invitation, name=name, password=password)
    async with parts.database.write() as connection:
        if existing is None:
            await Accounts(connection).create(account)
        granted = await Invitations(connection).accept(
            invitation.id, account_id=account.id, at=now(), address=address
        )
        if not granted:  # another call was faster; the new account is not made either
            raise await _ended_meanwhile(connection, token_hash)
    await parts.temporal.invitation_ended(invitation.project_id, invitation.id)
    return Acceptance(account=account, project_id=invitation.project_id, made=existing is None)


async def decline(parts: Parts, *, token: str, reason: str | None, address: str) -> Invitation:
    """Refuse the project of an invitation, for good; it needs no account.

    Raises:
        NotFoundError: ``invitation_unknown``.
        ConflictError: It is not pending; see :func:`storage.invitations.why_not_pending`.

    """
    await parts.throttle.attempt((ACCEPT_ADDRESS, address))
    token_hash = hash_token(token)
    async with parts.database.write() as connection:
        invitations = Invitations(connection)
        invitation = await _pending(connection, token_hash)
        if not await invitations.decline(invitation.id, reason=reason, at=now(), address=address):
            raise await _ended_meanwhile(connection, token_hash)
        declined = await invitations.by_token(token_hash)
    await parts.temporal.invitation_ended(declined.project_id, declined.id)
    return declined


async def _pending(connection: AsyncConnection, token_hash: str) -> Invitation:
    invitation = await Invitations(connection).by_token(token_hash)
    status = invitation.status_at(now())
    if status is not InvitationStatus.PENDING:
        raise why_not_pending(status)
    return invitation


async def _ended_meanwhile(connection: AsyncConnection, token_hash: str) -> ConflictError:
    """Say what was faster."""
    return why_not_pending((await Invitations(connection).by_token(token_hash)).status_at(now()))


async def _new_account(
    parts: Parts, invitation: Invitation, *, name: str | None, password: str
) -> Account:
    return Account(
        id=new_id(Prefix.ACCOUNT),
        role=Role.SITE_OWNER,
        email=invitation.email,
        name=name or invitation.email.partition("@")[0],
        company=None,
        password_hash=await parts.passwords.hash(password),
        token_epoch=0,
        created_at=now(),
    )
