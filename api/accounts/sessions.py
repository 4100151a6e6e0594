"""Where an account is logged in, and what has happened to it."""

from typing import Annotated

from fastapi import Path

from api.accounts.schemas import AccountEventShown, LoginShown
from api.accounts.visitor import Visitor
from api.call import Call
from api.deps import now
from api.pagination import Page, PageRequest
from domain.accounts import AccountEvent
from domain.errors import NotFoundError
from domain.ids import Prefix, is_id
from domain.user_agents import device_of
from storage.accounts import AccountEvents
from storage.sessions import AccountSessions

SessionId = Annotated[str, Path(examples=["ses_01HX3KABCDEFGHJKMN"])]


async def page(call: Call, paging: PageRequest) -> Page[LoginShown]:
    """One page of the sessions of an account."""
    async with call.read() as connection:
        rows = await AccountSessions(connection, call.account.id).page(
            now=now(), before=paging.after_id(Prefix.SESSION), limit=paging.fetch
        )
    return paging.page(
        rows,
        lambda one: LoginShown.of(
            one, device=device_of(one.user_agent), current=one.id == call.token.id
        ),
        lambda one: one.id,
    )


async def end(call: Call, session_id: str, visitor: Visitor) -> None:
    """Void the token of a session.

    Raises:
        NotFoundError: ``session_not_found``.

    """
    at = now()
    async with call.write() as connection:
        if not is_id(Prefix.SESSION, session_id) or not (
            await AccountSessions(connection, call.account.id).end(session_id, now=at)
        ):
            raise NotFoundError("session_not_found", "You have no session with this id.")
        await AccountEvents(connection, call.account.id).write(
            AccountEvent.SESSION_REVOKED, at=at, address=visitor.address
        )


async def end_others(call: Call, visitor: Visitor) -> None:
    """Void the tokens of all other sessions."""
    at = now()
    async with call.write() as connection:
        if await AccountSessions(connection, call.account.id).end_others(call.token.id, now=at):
            await AccountEvents(connection, call.account.id).write(
                AccountEvent.SESSIONS_REVOKED, at=at, address=visitor.address
            )


async def events(call: Call, paging: PageRequest) -> Page[AccountEventShown]:
    """One page of the history of an account."""
    async with call.read() as connection:
        rows = await AccountEvents(connection, call.account.id).page(
            before=paging.after_number(), limit=paging.fetch
        )
    return paging.page(rows, AccountEventShown.of, lambda one: str(one.id))
