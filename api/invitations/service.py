"""Accepting and declining an invitation: one token, one grant."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from api.accounts.credentials import changed_meanwhile
from api.accounts.service import authenticate, send_letter
from api.accounts.visitor import Visitor
from api.deps import now
from api.invitations.schemas import Accept, Decline
from api.parts import Parts
from api.security.throttling import ACCEPT_ADDRESS
from domain.accounts import AccountEvent, LetterPurpose
from domain.errors import ConflictError, NotFoundError
from domain.ids import Prefix, new_id
from domain.states import InvitationStatus, ProjectRole, Role
from domain.tokens import hash_token
from storage.account_letters import Addressed
from storage.accounts import Accounts
from storage.invitation_ends import InvitationEnds, why_not_pending
from storage.invitations import Invitations, unknown_invitation
from storage.members import Members
from storage.models.accounts import Account
from storage.models.invitations import Invitation
from storage.new_passwords import NewPassword, prove, rename, set_password_of_reader


@dataclass(frozen=True, kw_only=True, slots=True)
class Acceptance:
    """Who has accepted, and what they are to the project; ``made`` when the account is new."""

    account: Account
    invitation_id: str
    project_id: str
    role: ProjectRole
    made: bool


async def accept(
    parts: Parts, body: Accept, visitor: Visitor, *, side: Role | None = None
) -> Acceptance:
    """Grant the project of an invitation to the account of its e-mail, which is proven by it.

    An account whose address nobody has proven gives way: if the password is not its own, it is its
    new one. ``side``: for which accounts the invitation has to be, where the caller offers one
    kind alone.

    Raises:
        NotFoundError: ``invitation_unknown``.
        ConflictError: It is not pending; see :func:`storage.invitation_ends.why_not_pending`.
            ``project_archived``.
        UnauthorizedError: There is a proven account already, and the password is not its own.
        TooManyRequestsError: So many unknown tokens come from there. A right one gets through.

    """
    async with _guesses_counted(parts, visitor):
        try:
            accepted = await _accept(parts, body, visitor, side)
        except ConflictError as error:
            if error.code not in {"email_taken", "changed_meanwhile"}:
                raise
            # Another request has just made or changed the account.
            accepted = await _accept(parts, body, visitor, side)
    await parts.temporal.invitation_ended(accepted.project_id, accepted.invitation_id)
    return accepted


async def _accept(parts: Parts, body: Accept, visitor: Visitor, side: Role | None) -> Acceptance:
    token_hash, password = hash_token(body.token), body.password
    async with parts.database.read() as connection:
        invitation = await _pending(connection, token_hash, side)
        await Invitations(connection).refuse_archived(invitation)
        role = invitation.role.account_role
        existing = await Accounts(connection).by_email(role, invitation.email)
        company = await _company(connection, invitation)
    new = None
    if existing is not None and existing.verified_at is not None:
        account = await authenticate(
            parts, role=role, email=invitation.email, password=password, visitor=visitor
        )
    elif existing is not None and await parts.passwords.verify(
        existing.password_hash, password, known=invitation.id
    ):
        account = existing
    else:
        new = Account(
            id=new_id(Prefix.ACCOUNT),
            role=role,
            email=invitation.email,
            name=body.name or invitation.email.partition("@")[0],
            company=company,
            password_hash=await parts.passwords.hash(password, known=invitation.id),
            token_epoch=0,
            created_at=now(),
            verified_at=now(),
        )
        account = existing or new
    at = now()
    async with parts.database.write() as connection:
        await Invitations(connection).lock(invitation)
        await _pending(connection, token_hash, side)  # another call may have been faster
        await Invitations(connection).refuse_archived(invitation)
        if existing is None:
            await Accounts(connection).create(account)
        elif new is not None:
            await _displace(connection, existing, by=new, at=at, address=visitor.address)
            to = Addressed(role=existing.role, email=existing.email)
            await send_letter(parts, connection, LetterPurpose.CHANGED, to)
        else:
            await prove(connection, account, at=at, address=visitor.address)
        granted = await InvitationEnds(connection).accept(
            invitation.id, account_id=account.id, at=now(), address=visitor.address
        )
        if not granted:  # it has expired just now; the new account is not made either
            raise await _ended_meanwhile(connection, token_hash)
    return Acceptance(
        invitation_id=invitation.id,
        account=account,
        project_id=invitation.project_id,
        role=invitation.role,
        made=existing is None,
    )


async def _displace(
    connection: AsyncConnection, squatted: Account, *, by: Account, at: datetime, address: str
) -> None:
    """Give an account that nobody has proven to who holds the invitation; all in it stays."""
    new = NewPassword(password_hash=by.password_hash, at=at, address=address)
    epoch = await set_password_of_reader(connection, squatted, new, event=AccountEvent.TAKEN_OVER)
    if epoch is None:
        raise changed_meanwhile()
    await rename(connection, squatted.id, name=by.name, company=by.company)


@asynccontextmanager
async def _guesses_counted(parts: Parts, visitor: Visitor) -> AsyncIterator[None]:
    """Count unknown tokens, and those alone: whoever holds a right one is held up by nobody."""
    try:
        yield
    except NotFoundError:
        await parts.throttle.attempt((ACCEPT_ADDRESS, visitor.network))
        raise


async def decline(
    parts: Parts, body: Decline, visitor: Visitor, *, side: Role | None = None
) -> Invitation:
    """Refuse the project of an invitation, for good; it needs no account.

    Raises:
        NotFoundError: ``invitation_unknown``.
        ConflictError: It is not pending; see :func:`storage.invitation_ends.why_not_pending`.

    """
    token_hash = hash_token(body.token)
    async with _guesses_counted(parts, visitor), parts.database.write() as connection:
        invitations = InvitationEnds(connection)
        invitation = await _pending(connection, token_hash, side)
        if not await invitations.decline(
            invitation.id, reason=body.reason, at=now(), address=visitor.address
        ):
            raise await _ended_meanwhile(connection, token_hash)
        declined = await invitations.by_token(token_hash)
    await parts.temporal.invitation_ended(declined.project_id, declined.id)
    return declined


async def _pending(connection: AsyncConnection, token_hash: str, side: Role | None) -> Invitation:
    invitation = await Invitations(connection).by_token(token_hash)
    if side not in {None, invitation.role.account_role}:
        raise unknown_invitation()
    status = invitation.status_at(now())
    if status is not InvitationStatus.PENDING:
        raise why_not_pending(status)
    return invitation


async def _ended_meanwhile(connection: AsyncConnection, token_hash: str) -> ConflictError:
    """Say what was faster."""
    return why_not_pending((await Invitations(connection).by_token(token_hash)).status_at(now()))


async def _company(connection: AsyncConnection, invitation: Invitation) -> str | None:
    """Of which company the invited is: that of the colleague who invites, and none of others."""
    if invitation.role in {ProjectRole.SITE_OWNER, ProjectRole.SERVICE}:
        return None
    members = Members(connection, invitation.project_id)
    inviter = await members.member_or_maker(invitation.invited_by)
    return None if inviter is None else inviter.company
