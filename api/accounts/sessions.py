"""Where an account is logged in, and what has happened to it."""

from typing import Annotated

from fastapi import Path

from api.accounts.schemas import AccountEventShown, LoginShown
from api.accounts.visitor import Visitor
from api.deps import now
from api.pagination import Page, PageRequest
from api.parts import Parts
from api.security.tokens import Token
from domain.accounts import AccountEvent
from domain.errors import NotFoundError
from domain.ids import Prefix, is_id
from domain.user_agents import device_of
from storage.account_events import AccountEvents
from storage.account_sessions import AccountSessions
from storage.models.accounts import Account

SessionId = Annotated[str, Path(examples=["ses_01HX3KABCDEFGHJKMN"])]


async def page(
    parts: Parts, session: tuple[Token, Account], paging: PageRequest
) -> Page[LoginShown]:
    """One page of the sessions of an account."""
    token, account = session
    async with parts.database.read() as connection:
        rows = await AccountSessions(connection, account.id).page(
            now=now(), before=paging.after_id(Prefix.SESSION), limit=paging.fetch
        )
    return paging.page(
        rows,
        lambda one: LoginShown(
            id=one.id,
            created_at=one.created_at,
            expires_at=one.expires_at,
            address=one.address,
            device=device_of(one.user_agent),
            user_agent=one.user_agent,
            current=one.id == token.id,
        ),
        lambda one: one.id,
    )


async def end(
    parts: Parts, session: tuple[Token, Account], session_id: str, visitor: Visitor
) -> None:
    """Void the token of a session.

    Raises:
        NotFoundError: ``session_not_found``.

    """
    _, account = session
    at = now()
    async with parts.database.write() as connection:
        if not is_id(Prefix.SESSION, session_id) or not (
            await AccountSessions(connection, account.id).end(session_id, now=at)
        ):
            raise NotFoundError("session_not_found", "You have no session with this id.")
        await AccountEvents(connection, account.id).write(
            AccountEvent.SESSION_REVOKED, at=at, address=visitor.address
        )


async def end_others(parts: Parts, session: tuple[Token, Account], visitor: Visitor) -> None:
    """Void the tokens of all other sessions."""
    token, account = session
    at = now()
    async with parts.database.write() as connection:
        if await AccountSessions(connection, account.id).end_others(token.id, now=at):
            await AccountEvents(connection, account.id).write(
                AccountEvent.SESSIONS_REVOKED, at=at, address=visitor.address
            )


async def events(
    parts: Parts, session: tuple[Token, Account], paging: PageRequest
) -> Page[AccountEventShown]:
    """One page of the history of an account."""
    _, account = session
    async with parts.database.read() as connection:
        rows = await AccountEvents(connection, account.id).page(
            before=paging.after_number(), limit=paging.fetch
        )
    return paging.page(
        rows,
        lambda one: AccountEventShown(
            at=one.at, event=one.event, token_epoch=one.token_epoch, address=one.address
        ),
        lambda one: str(one.id),
    )
