"""Dependencies of endpoints: the parts, who calls, which id is meant."""

from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import Depends, Path, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

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


async def _session(
    parts: AppParts,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> tuple[Token, Account]:
    if credentials is None:
        raise UnauthorizedError(
            "token_missing", "Send your token in the header Authorization: Bearer <token>."
        )
    token = parts.tokens.read(credentials.credentials)
    return token, await account_of(parts, token)


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


Session = Annotated[tuple[Token, Account], Depends(_session)]


def _as(role: Role, session: tuple[Token, Account]) -> Account:
    token, account = session
    if token.role is not role or account.role is not role:
        raise ForbiddenError(
            "wrong_role", f"This needs the {role.value} role; yours is {account.role.value}."
        )
    return account


async def _installer(session: Session) -> Account:
    return _as(Role.INSTALLER, session)


async def _site_owner(session: Session) -> Account:
    return _as(Role.SITE_OWNER, session)


Installer = Annotated[Account, Depends(_installer)]
SiteOwner = Annotated[Account, Depends(_site_owner)]
ONLY: Final = {Role.INSTALLER: Depends(_installer), Role.SITE_OWNER: Depends(_site_owner)}
"""What a route depends on that is for one role, and does the same for each."""


async def _actor(session: Session, address: ClientAddress) -> Actor:
    _, account = session
    return Actor(
        email=account.email, role=account.role.value, account_id=account.id, address=address
    )


Acting = Annotated[Actor, Depends(_actor)]


def _project_id(
    _: Installer,  # first: who is nobody learns nothing, not even that an id is malformed
    project_id: Annotated[str, Path(examples=["prj_01HX4M7TABCDE12345"])],
) -> str:
    # Whatever has not the form of an id never reaches a query.
    if not is_id(Prefix.PROJECT, project_id):
        raise NotFoundError("project_not_found", "You have no project with this id.")
    return project_id


def _owned_project_id(
    _: SiteOwner,
    project_id: Annotated[str, Path(examples=["prj_01HX4M7TABCDE12345"])],
) -> str:
    if not is_id(Prefix.PROJECT, project_id):
        raise NotFoundError("project_not_found", "You have no project with this id.")
    return project_id


OwnedProjectId = Annotated[str, Depends(_owned_project_id)]


def _charge_point_id(
    _: Installer,
    charge_point_id: Annotated[str, Path(examples=["cp_01HX5P2QRSTUVWXYZ0"])],
) -> str:
    if not is_id(Prefix.CHARGE_POINT, charge_point_id):
        raise NotFoundError("charge_point_not_found", "You have no charge point with this id.")
    return charge_point_id


def _owned_charge_point_id(
    _: OwnedProjectId,
    charge_point_id: Annotated[str, Path(examples=["cp_01HX5P2QRSTUVWXYZ0"])],
) -> str:
    if not is_id(Prefix.CHARGE_POINT, charge_point_id):
        raise NotFoundError("charge_point_not_found", "You have no charge point with this id.")
    return charge_point_id


def _owned_run_id(
    _: OwnedProjectId,
    commissioning_id: Annotated[str, Path(examples=["com_01HX6RSTUVWXYZ1234"])],
) -> str:
    if not is_id(Prefix.COMMISSIONING, commissioning_id):
        raise NotFoundError("run_not_found", "The charge point has no run with this id.")
    return commissioning_id


def _commissioning_id(
    _: Installer,
    commissioning_id: Annotated[str, Path(examples=["com_01HX6RSTUVWXYZ1234"])],
) -> str:
    if not is_id(Prefix.COMMISSIONING, commissioning_id):
        raise NotFoundError("run_not_found", "The charge point has no run with this id.")
    return commissioning_id


def _webhook_id(
    _: Installer,
    webhook_id: Annotated[str, Path(examples=["whk_01HX7A2BCDEFGHJKM0"])],
) -> str:
    if not is_id(Prefix.WEBHOOK, webhook_id):
        raise NotFoundError("webhook_not_found", "You have no webhook with this id.")
    return webhook_id


def _delivery_id(
    _: Installer,
    delivery_id: Annotated[str, Path(examples=["dlv_01HX7B3CDEFGHJKMN0"])],
) -> str:
    if not is_id(Prefix.DELIVERY, delivery_id):
        raise NotFoundError("delivery_not_found", "The webhook has no delivery with this id.")
    return delivery_id


def _owned_webhook_id(
    _: SiteOwner,
    webhook_id: Annotated[str, Path(examples=["whk_01HX7A2BCDEFGHJKM0"])],
) -> str:
    if not is_id(Prefix.WEBHOOK, webhook_id):
        raise NotFoundError("webhook_not_found", "You have no webhook with this id.")
    return webhook_id


def _owned_delivery_id(
    _: SiteOwner,
    delivery_id: Annotated[str, Path(examples=["dlv_01HX7B3CDEFGHJKMN0"])],
) -> str:
    if not is_id(Prefix.DELIVERY, delivery_id):
        raise NotFoundError("delivery_not_found", "The webhook has no delivery with this id.")
    return delivery_id


def _held_record_id(
    _: SiteOwner,
    held_record_id: Annotated[str, Path(examples=["hld_01HX9HELDABCDEFGHJ"])],
) -> str:
    if not is_id(Prefix.HELD_RECORD, held_record_id):
        raise NotFoundError("held_record_not_found", "The project has no held record with this id.")
    return held_record_id


HeldRecordId = Annotated[str, Depends(_held_record_id)]
ProjectId = Annotated[str, Depends(_project_id)]
ChargePointId = Annotated[str, Depends(_charge_point_id)]
OwnedChargePointId = Annotated[str, Depends(_owned_charge_point_id)]
OwnedRunId = Annotated[str, Depends(_owned_run_id)]
CommissioningId = Annotated[str, Depends(_commissioning_id)]
WebhookId = Annotated[str, Depends(_webhook_id)]
DeliveryId = Annotated[str, Depends(_delivery_id)]
OwnedWebhookId = Annotated[str, Depends(_owned_webhook_id)]
OwnedDeliveryId = Annotated[str, Depends(_owned_delivery_id)]


def now() -> datetime:
    """The present moment, UTC."""
    return datetime.now(UTC)
