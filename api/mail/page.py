"""The page behind the link at the end of a mail: one click stops such mail, another allows it.

Opening the link changes nothing, since mail scanners open links too; mail programs that know RFC
8058 send the POST by themselves. Who has the link has had the mail: no account is needed.
"""

from http import HTTPStatus

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from api.deps import AppParts, now
from api.invitations import rendering
from api.parts import Parts
from domain.mail import Stop, read_stop_token, recipient_key
from storage.accounts import Accounts
from storage.mail_notices import MailBlocks
from storage.models.accounts import Account

router = APIRouter(include_in_schema=False)


@router.get("/mail/stop/{token}")
async def stop_page(token: str, parts: AppParts) -> HTMLResponse:
    """Show whose mail the link is about, and whether it is stopped."""
    stop = _read(parts, token)
    return _unknown() if stop is None else await _shown(parts, token, stop)


@router.post("/mail/stop/{token}")
async def stop_mail(token: str, parts: AppParts) -> HTMLResponse:
    """Stop the mail that the account causes to the address."""
    stop = _read(parts, token)
    if stop is None:
        return _unknown()
    async with parts.database.write() as connection:
        if await _sender(connection, stop) is not None:
            await MailBlocks(connection).block(stop.account_id, stop.recipient, at=now())
    return await _shown(parts, token, stop)


@router.post("/mail/allow/{token}")
async def allow_mail(token: str, parts: AppParts) -> HTMLResponse:
    """Let the mail of the account come again."""
    stop = _read(parts, token)
    if stop is None:
        return _unknown()
    async with parts.database.write() as connection:
        await MailBlocks(connection).allow(stop.account_id, stop.recipient)
    return await _shown(parts, token, stop)


async def _shown(parts: Parts, token: str, stop: Stop) -> HTMLResponse:
    async with parts.database.read() as connection:
        account = await _sender(connection, stop)
        stopped = await MailBlocks(connection).is_blocked(stop.account_id, stop.recipient)
    if account is None:
        return rendering.notice(
            "There is no such account any more",
            "No more mail comes from it; there is no need to stop it.",
        )
    address = recipient_key(parts.settings.required_secret(), account.email)
    return rendering.stopping(
        token=token,
        stopped=stopped,
        own=account.verified_at is None and stop.recipient == address,
        names=[one for one in (account.name, account.company) if one],
    )


async def _sender(connection: AsyncConnection, stop: Stop) -> Account | None:
    account = await Accounts(connection).get(stop.account_id)
    return None if account is None or account.deleted_at is not None else account


def _read(parts: Parts, token: str) -> Stop | None:
    return read_stop_token(parts.settings.required_secret(), token)


def _unknown() -> HTMLResponse:
    return rendering.notice(
        "Not a valid link",
        "It is not one of ours, or a part of it is missing. Copy all of it out of the mail.",
        status=HTTPStatus.NOT_FOUND,
    )
