"""Endpoints that delete an account."""

from dataclasses import asdict

import structlog
from pydantic import BaseModel

from api.accounts.credentials import prove_password
from api.accounts.schemas import GivenPassword
from api.accounts.security import PASSWORD_WRONG
from api.deps import AnyCall, now, router_of
from api.fields import Request, Shown, Timestamp, example
from api.problems import problems
from domain.deletion import KEPT
from domain.errors import ConflictError
from domain.states import Role
from storage.account_deletion import AccountDeletion

installer_router = router_of(Role.INSTALLER, tag="Installer account")
owner_router = router_of(Role.SITE_OWNER, tag="Site owner")
_log = structlog.get_logger(__name__)
_OF_AN_OWNER = """\
Delete the account for good; it needs the password. `GET …/export` first: nothing comes back.

A site of yours where vehicles can charge stands in the way: somebody has to answer for it.
The answer says what is kept, why, and for how long."""
_IN_USE = (
    "`in_the_way` lists what has to be ended or handed on first: `code`, `detail`, `project_id`."
)
_RESPONSES = problems(429, account_in_use=_IN_USE) | PASSWORD_WRONG


class Deletion(Request):
    """Delete the account that the token is of."""

    model_config = example({"password": "s3cur3P@ssword!"})

    password: GivenPassword


class KeptShown(Shown):
    """Something that stays, why, and for how long."""

    what: str
    why: str
    until: str


class Deleted(BaseModel):
    """The account is deleted. ``kept`` says what stays."""

    model_config = example(
        deleted_at="2026-05-01T09:00:00Z",
        kept=[
            {
                "what": "The id of the account, without name, e-mail and password",
                "why": "Other people's records point to it.",
                "until": "As long as those records.",
            }
        ],
    )

    deleted_at: Timestamp
    kept: list[KeptShown]


@owner_router.post(
    "/account/delete",
    summary="Delete my account",
    operation_id="deleteSiteOwnerAccount",
    description=_OF_AN_OWNER,
    responses=_RESPONSES,
)
@installer_router.post(
    "/account/delete",
    summary="Delete my account",
    operation_id="deleteInstallerAccount",
    responses=_RESPONSES,
)
async def delete_account(call: AnyCall, body: Deletion) -> Deleted:
    """Delete the account for good; it needs the password. `GET …/export` first: nothing comes back.

    Name, e-mail, company, password and webhooks go at once, and every token is void. The answer
    says what is kept, why, and for how long.
    """
    await prove_password(call, body.password)
    account = call.account
    at = now()
    async with call.write() as connection:
        deletion = AccountDeletion(connection)
        found = await deletion.in_the_way(account)
        if found:
            raise ConflictError(
                "account_in_use",
                "The account cannot be deleted yet. " + " ".join(one.detail for one in found[:3]),
                in_the_way=[asdict(one) for one in found],
            )
        await deletion.delete(account, password_hash=call.parts.passwords.nobodys, at=at)
    _log.info("account_deleted", account=account.id, role=account.role.value)
    return Deleted(deleted_at=at, kept=[KeptShown.of(one) for one in KEPT[account.role]])
