"""Whom an identity names, and by which key it is known."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import SQLColumnExpression, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.rules.likeness import serial_key
from storage.dialects import among
from storage.models.charge_points import ChargePoint, IdentityAlias
from storage.models.connections import ChargePointConnection
from storage.read_models import read_model
from storage.rows import Rows


@dataclass(frozen=True, kw_only=True, slots=True)
class Credential:
    """What admission needs to know of a charge point; ``hash`` None: an unauthenticated link."""

    charge_point_id: str
    hash: str | None
    withdrawn_at: datetime | None = None


_CREDENTIAL: Final[Sequence[SQLColumnExpression[Any]]] = (
    col(ChargePoint.id).label("charge_point_id"),
    col(ChargePoint.credential_hash).label("hash"),
    col(ChargePoint.withdrawn_at),
)
_credential = read_model(Credential)


async def read_credentials(
    connection: AsyncConnection, identities: Collection[str]
) -> dict[str, Credential]:
    """Return the charge points that these identities name, by their id or by a claimed one."""
    named = among(connection, col(ChargePoint.id), identities)
    rows = await Rows(connection).read_all(select(*_CREDENTIAL).where(named), _credential)
    found = {one.charge_point_id: one for one in rows}
    unknown = [identity for identity in identities if identity not in found]
    return found | (await _read_claimed(connection, unknown) if unknown else {})


async def sole_project_at(connection: AsyncConnection, remote_address: str) -> str | None:
    """Return the project whose charge points last came from there, if it is one project alone."""
    projects = await Rows(connection).values(
        select(col(ChargePoint.project_id))
        .join(
            ChargePointConnection, col(ChargePointConnection.charge_point_id) == col(ChargePoint.id)
        )
        .where(col(ChargePointConnection.remote_address) == remote_address)
        .distinct()
        .limit(2)
    )
    return projects[0] if len(projects) == 1 else None


async def _read_claimed(
    connection: AsyncConnection, identities: Collection[str]
) -> dict[str, Credential]:
    keys = {identity: serial_key(identity) for identity in identities}
    rows = await connection.execute(
        select(col(IdentityAlias.identity_key), *_CREDENTIAL)
        .join(ChargePoint, col(ChargePoint.id) == col(IdentityAlias.charge_point_id))
        .where(among(connection, col(IdentityAlias.identity_key), set(keys.values())))
    )
    claimed = {row.identity_key: _credential(row) for row in rows}
    return {identity: claimed[key] for identity, key in keys.items() if key in claimed}
