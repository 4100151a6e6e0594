"""Identities that nobody has, and the charge points that they may be meant to be.

An identity is claimable by a project when it equals the serial number of a charge point of it, when
that has never connected, and when no other installer has registered the same serial number. See ADR
"A knocking charge point is claimed by its serial number".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import ConflictError, NotFoundError
from storage.charge_points import ChargePoint, serial_key
from storage.dialects import among
from storage.members import works_on
from storage.tables import (
    charge_points,
    connection_attempts,
    connections,
    identity_aliases,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class UnclaimedIdentity:
    """An identity that knocked, with the charge point that has it as its serial number."""

    identity: str
    charge_point_id: str
    serial_number: str
    attempts: int
    last_at: datetime
    remote_address: str | None


class Unclaimed:
    """Repository of what knocked and is nobody's, as one installer may see it."""

    def __init__(self, connection: AsyncConnection, *, installer_id: str) -> None:
        self._connection = connection
        self._installer_id = installer_id

    async def page(
        self, project_id: str, *, before: str | None, limit: int
    ) -> Sequence[UnclaimedIdentity]:
        """Claimable identities of a project, the newest charge point first."""
        query = self._claimable().where(charge_points.c.project_id == project_id)
        if before is not None:
            query = query.where(charge_points.c.id < before)
        query = query.order_by(charge_points.c.id.desc()).limit(limit)
        found = (await self._connection.execute(query)).all()
        newest = {
            row.identity_key: row for row in await self._newest({r.serial_key for r in found})
        }
        return [
            UnclaimedIdentity(
                identity=newest[row.serial_key].identity,
                charge_point_id=row.id,
                serial_number=row.serial_number,
                attempts=newest[row.serial_key].attempts,
                last_at=newest[row.serial_key].at,
                remote_address=newest[row.serial_key].remote_address,
            )
            for row in found
        ]

    async def claim(self, identity: str, charge_point: ChargePoint, *, at: datetime) -> datetime:
        """Let this identity be that charge point of a locked project; returns since when it is.

        Raises:
            NotFoundError: ``identity_not_found``: it has not knocked, or is another tenant's.
            ConflictError: ``serial_mismatch``; ``has_connected``; ``identity_claimed``.

        """
        key = serial_key(identity)
        if key != serial_key(charge_point.serial_number):
            raise ConflictError(
                "serial_mismatch",
                "The identity is not the serial number of this charge point. Correct its serial "
                "number first, if the type plate says so.",
            )
        since = await self._since(key, charge_point.id)
        if since is not None:
            return since
        if await self._connection.scalar(
            select(exists().where(connections.c.charge_point_id == charge_point.id))
        ):
            raise ConflictError(
                "has_connected", "The charge point has connected already; it needs no claim."
            )
        query = self._claimable().where(charge_points.c.id == charge_point.id)
        if (await self._connection.execute(query)).first() is None:
            raise _not_found()
        try:
            async with self._connection.begin_nested():
                await self._connection.execute(
                    insert(identity_aliases).values(
                        identity_key=key,
                        charge_point_id=charge_point.id,
                        claimed_by=self._installer_id,
                        claimed_at=at,
                    )
                )
        except IntegrityError as error:
            raise _claimed() from error
        await self._connection.execute(
            update(connection_attempts)
            .where(connection_attempts.c.identity_key == key)
            .where(connection_attempts.c.charge_point_id.is_(None))
            .values(charge_point_id=charge_point.id)
        )
        return at

    async def _since(self, key: str, charge_point_id: str) -> datetime | None:
        """Since when the identity is this charge point; None when it is nobody yet."""
        query = (
            select(
                identity_aliases,
                works_on(charge_points.c.project_id, self._installer_id).label("is_mine"),
            )
            .join(charge_points, charge_points.c.id == identity_aliases.c.charge_point_id)
            .where(identity_aliases.c.identity_key == key)
        )
        row = (await self._connection.execute(query)).one_or_none()
        if row is None:
            return None
        if row.charge_point_id == charge_point_id:
            since: datetime = row.claimed_at
            return since
        # Of somebody else's claim not even the words tell.
        raise _claimed() if row.is_mine else _not_found()

    def _claimable(self) -> Select[Any]:
        other = charge_points.alias()
        return (
            select(charge_points.c.id, charge_points.c.serial_number, charge_points.c.serial_key)
            .where(exists().where(_knocked_as(charge_points.c.serial_key)))
            .where(~exists().where(connections.c.charge_point_id == charge_points.c.id))
            .where(~exists().where(identity_aliases.c.identity_key == charge_points.c.serial_key))
            .where(
                ~exists()
                .where(other.c.serial_key == charge_points.c.serial_key)
                .where(~works_on(other.c.project_id, self._installer_id))
            )
        )

    async def _newest(self, keys: set[str]) -> Sequence[Any]:
        by_time = (connection_attempts.c.at.desc(), connection_attempts.c.id.desc())
        key = connection_attempts.c.identity_key
        ranked = (
            select(
                connection_attempts,
                func.row_number().over(partition_by=key, order_by=by_time).label("place"),
                func.count().over(partition_by=key).label("attempts"),
            )
            .where(among(self._connection, key, keys))
            .where(_unknown())
            .subquery()
        )
        rows = await self._connection.execute(select(ranked).where(ranked.c.place == 1))
        return rows.all()


def _knocked_as(key: ColumnElement[str]) -> ColumnElement[bool]:
    return and_(connection_attempts.c.identity_key == key, _unknown())


def _unknown() -> ColumnElement[bool]:
    """Predicate: no charge point was known by that identity."""
    return connection_attempts.c.charge_point_id.is_(None)


def _claimed() -> ConflictError:
    return ConflictError(
        "identity_claimed", "The identity was claimed for another charge point of yours."
    )


def _not_found() -> NotFoundError:
    return NotFoundError(
        "identity_not_found", "No unknown charge point has knocked here with this identity."
    )
