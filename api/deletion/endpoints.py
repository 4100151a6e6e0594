"""Endpoints that delete an account."""

from dataclasses import asdict
from http import HTTPStatus

import structlog
from fastapi import APIRouter

from api.accounts.credentials import prove_password
from api.deletion.schemas import Deleted, Deletion, KeptShown
from api.deps import AppParts, Installer, Session, SiteOwner, now
from api.parts import Parts
from api.problems import documented_problem, problems
from api.security.tokens import Token
from domain.deletion import KEPT
from domain.errors import ConflictError
from storage.account_deletion import AccountDeletion
from storage.models.accounts import Account

installer_router = APIRouter(prefix="/installer", tags=["Installer account"])
owner_router = APIRouter(prefix="/site-owner", tags=["Site owner"])
_log = structlog.get_logger(__name__)
_IN_USE = (
    "`in_the_way` lists what has to be ended or handed on first: `code`, `detail`, `project_id`."
)


_RESPONSES = problems(400, 401, 413, 422, 429, 503, account_in_use=_IN_USE) | {
    HTTPStatus.FORBIDDEN: documented_problem(
        HTTPStatus.FORBIDDEN, "password_wrong", "The present password is wrong."
    )
}


@installer_router.post(
    "/account/delete",
    summary="Delete my account",
    operation_id="deleteInstallerAccount",
    responses=_RESPONSES,
)
async def delete_installer(
    body: Deletion, session: Session, _: Installer, parts: AppParts
) -> Deleted:
    """Delete the account for good; it needs the password. `GET …/export` first: nothing comes back.

    Name, e-mail, company, password and webhooks go at once, and every token is void. The answer
    says what is kept, why, and for how long.
    """
    return await _delete(parts, session, body)


@owner_router.post(
    "/account/delete",
    summary="Delete my account",
    operation_id="deleteSiteOwnerAccount",
    responses=_RESPONSES,
)
async def delete_owner(body: Deletion, session: Session, _: SiteOwner, parts: AppParts) -> Deleted:
    """Delete the account for good; it needs the password. `GET …/export` first: nothing comes back.

    A site of yours where vehicles can charge stands in the way: somebody has to answer for it.
    The answer says what is kept, why, and for how long.
    """
    return await _delete(parts, session, body)


async def _delete(parts: Parts, session: tuple[Token, Account], body: Deletion) -> Deleted:
    await prove_password(parts, session, body.password)
    _, account = session
    at = now()
    async with parts.database.write() as connection:
        deletion = AccountDeletion(connection)
        found = await deletion.in_the_way(account)
        if found:
            raise ConflictError(
                "account_in_use",
                "The account cannot be deleted yet. " + " ".join(one.detail for one in found[:3]),
                in_the_way=[asdict(one) for one in found],
            )
        await deletion.delete(account, password_hash=parts.passwords.nobodys, at=at)
    _log.info("account_deleted", account=account.id, role=account.role.value)
    return Deleted(deleted_at=at, kept=[KeptShown(**asdict(one)) for one in KEPT[account.role]])
