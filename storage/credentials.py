"""Whom an identity names, and by which key it is known."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.rules.likeness import serial_key
from storage.dialects import among
from storage.tables import charge_points, connections, identity_aliases


@dataclass(frozen=True, kw_only=True, slots=True)
class Credential:
    """What admission needs to know of a charge point; ``hash`` None: an unauthenticated link."""

    charge_point_id: str
    hash: str | None
    withdrawn_at: datetime | None = None


_CREDENTIAL: Final = (
    charge_points.c.id,
    charge_points.c.credential_hash,
    charge_points.c.withdrawn_at,
)


def _credential(row: Any) -> Credential:
    return Credential(
        charge_point_id=row.id, hash=row.credential_hash, withdrawn_at=row.withdrawn_at
    )


async def read_credentials(
    connection: AsyncConnection, identities: Collection[str]
) -> dict[str, Credential]:
    """Return the charge points that these identities name, by their id or by a claimed one."""
    rows = await connection.execute(
        select(*_CREDENTIAL).where(among(connection, charge_points.c.id, identities))
    )
    found = {row.id: _credential(row) for row in rows}
    unknown = [identity for identity in identities if identity not in found]
    return found | (await _read_claimed(connection, unknown) if unknown else {})


async def sole_project_at(connection: AsyncConnection, remote_address: str) -> str | None:
    """Return the project whose charge points last came from there, if it is one project alone."""
    found = await connection.scalars(
        select(charge_points.c.project_id)
        .join(connections, connections.c.charge_point_id == charge_points.c.id)
        .where(connections.c.remote_address == remote_address)
        .distinct()
        .limit(2)
    )
    projects = found.all()
    return projects[0] if len(projects) == 1 else None


async def _read_claimed(
    connection: AsyncConnection, identities: Collection[str]
) -> dict[str, Credential]:
    keys = {identity: serial_key(identity) for identity in identities}
    rows = await connection.execute(
        select(identity_aliases.c.identity_key, *_CREDENTIAL)
        .join(charge_points, charge_points.c.id == identity_aliases.c.charge_point_id)
        .where(among(connection, identity_aliases.c.identity_key, set(keys.values())))
    )
    claimed = {row.identity_key: _credential(row) for row in rows}
    return {identity: claimed[key] for identity, key in keys.items() if key in claimed}
