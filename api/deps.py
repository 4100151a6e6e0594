"""Dependencies of endpoints: the parts, who calls, which id is meant."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.call import Call, no_charge_point, no_project, no_run
from api.parts import Parts
from api.security.tokens import Token
from domain.audit import Actor
from domain.errors import ForbiddenError, NotFoundError, UnauthorizedError
from domain.ids import Prefix, is_id
from domain.states import Role
from storage.accounts import Accounts
from storage.models.accounts import Account
from storage.sessions import RevokedTokens

PARTS: Final = "dynamo.parts"
"""Where a request has parts of its own."""

_bearer = HTTPBearer(
    auto_error=False,
    bearerFormat="JWT",
    scheme_name="bearer",
    description="The `token` of a login",
)


def _parts(request: Request) -> Parts:
    parts: Parts = request.scope.get(PARTS) or request.app.state.parts
    return parts


AppParts = Annotated[Parts, Depends(_parts)]


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"


ClientAddress = Annotated[str, Depends(_address)]


async def _call(
    parts: AppParts,
    address: ClientAddress,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Call:
    if credentials is None:
        raise UnauthorizedError(
            "token_missing", "Send your token in the header Authorization: Bearer <token>."
        )
    token = parts.tokens.read(credentials.credentials)
    account = await account_of(parts, token)
    actor = Actor(
        email=account.email, role=account.role.value, account_id=account.id, address=address
    )
    return Call(parts=parts, account=account, token=token, actor=actor)


async def account_of(parts: Parts, token: Token) -> Account:
    """Give the account of a token that was read.

    Raises:
        UnauthorizedError: ``token_revoked``.

    """
    async with parts.database.read() as connection:
        account = await Accounts(connection).get(token.account_id)
        revoked = await RevokedTokens(connection).is_revoked(token.id)
    if revoked or account is None or account.token_epoch != token.epoch:
        raise UnauthorizedError("token_revoked", "The token was revoked. Log in again.")
    return account


AnyCall = Annotated[Call, Depends(_call)]
"""For routers that are for one role anyway."""


def _as(role: Role) -> Any:
    async def call_of(call: AnyCall) -> Call:
        if call.token.role is not role or call.account.role is not role:
            yours = call.account.role.value
            raise ForbiddenError(
                "wrong_role", f"This needs the {role.value} role; yours is {yours}."
            )
        return call

    return Depends(call_of)


ONLY: Final = {role: [_as(role)] for role in Role}
"""Dependencies of a route that is for one role, and does the same for each."""
InstallerCall = Annotated[Call, *ONLY[Role.INSTALLER]]
"""First among the parameters: who may not call at all learns nothing of the others."""
OwnerCall = Annotated[Call, *ONLY[Role.SITE_OWNER]]
"""As :data:`InstallerCall`."""


def router_of(role: Role, path: str = "", *, tag: str) -> APIRouter:
    """Make a router for one role: its prefix says so, and nobody else gets in."""
    prefix = f"/{role.value.replace('_', '-')}{path}"
    return APIRouter(prefix=prefix, tags=[tag], dependencies=ONLY[role])


def path_id(
    name: str, prefix: Prefix, missing: Callable[[], NotFoundError], *, example: str
) -> Any:
    """Read an id of the path; whatever has not the form of one never reaches a query.

    Who calls is looked at first: whoever is nobody learns nothing, not even that an id is
    malformed.
    """

    async def read(given: Annotated[str, Path(alias=name, examples=[example])]) -> str:
        if not is_id(prefix, given):
            raise missing()
        return given

    return Depends(read)


ProjectId = Annotated[
    str, path_id("project_id", Prefix.PROJECT, no_project, example="prj_01HX4M7TABCDE12345")
]
ChargePointId = Annotated[
    str,
    path_id(
        "charge_point_id", Prefix.CHARGE_POINT, no_charge_point, example="cp_01HX5P2QRSTUVWXYZ0"
    ),
]
CommissioningId = Annotated[
    str,
    path_id("commissioning_id", Prefix.COMMISSIONING, no_run, example="com_01HX6RSTUVWXYZ1234"),
]


def now() -> datetime:
    """The present moment, UTC."""
    return datetime.now(UTC)
