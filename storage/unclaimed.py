"""Identities that nobody has, and the charge points that they may be meant to be.

An identity is claimable by a project when it equals the serial number of a charge point of it, and
no other installer has registered the same; or when it is that number or the id of the charge point,
spelt otherwise, and is like no other charge point of anybody. The charge point must never have
connected. See ADR "A knocking charge point is claimed by its serial number".
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    and_,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import ConflictError, NotFoundError
from domain.ids import Prefix
from domain.rules.likeness import likeness, serial_key
from domain.states import IdentityMatch
from storage.charge_points import ChargePoint
from storage.dialects import among
from storage.members import works_on
from storage.tables import (
    charge_points,
    connection_attempts,
    connections,
    identity_aliases,
)

_PREFIX: Final = len(f"{Prefix.CHARGE_POINT}_")


@dataclass(frozen=True, kw_only=True, slots=True)
class UnclaimedIdentity:
    """An identity that knocked, with the charge point that it may be, and why it may."""

    identity: str
    matches: IdentityMatch
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
        found = (await self._connection.scalars(query)).all()
        knocks: defaultdict[str, list[Row[Any]]] = defaultdict(list)
        for row in await self._connection.execute(self._knocks(found)):
            knocks[row.charge_point].append(row)
        return [_likeliest(knocks[identity]) for identity in found if identity in knocks]

    async def claim(self, identity: str, charge_point: ChargePoint, *, at: datetime) -> datetime:
        """Let this identity be that charge point of a locked project; returns since when it is.

        Raises:
            NotFoundError: ``identity_not_found``: it has not knocked, or is another tenant's.
            ConflictError: ``serial_mismatch``; ``has_connected``; ``identity_claimed``.

        """
        key = serial_key(identity)
        if not likeness(
            identity,
            charge_point_id=charge_point.id,
            serial_number=charge_point.serial_number,
        ):
            raise ConflictError(
                "serial_mismatch",
                "The identity is like neither the serial number nor the id of this charge point. "
                "Correct its serial number first, if the type plate says so.",
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
        query = self._claimable(key).where(charge_points.c.id == charge_point.id)
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
            # Somebody was faster; whose it is now is said, or kept, as ever.
            since = await self._since(key, charge_point.id)
            if since is None:
                raise _not_found() from error
            return since
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
        raise _claimed(row.charge_point_id) if row.is_mine else _not_found()

    def _claimable(self, identity_key: str | None = None) -> Select[Any]:
        """Ids of charge points that an identity, or this one, may be claimed for."""
        knocked = exists().where(self._may_be())
        if identity_key is not None:
            knocked = knocked.where(connection_attempts.c.identity_key == identity_key)
        alias = identity_aliases.c
        return (
            select(charge_points.c.id)
            .where(knocked)
            .where(~exists().where(connections.c.charge_point_id == charge_points.c.id))
            .where(~exists().where(alias.charge_point_id == charge_points.c.id))
        )

    def _knocks(self, charge_point_ids: Sequence[str]) -> Select[Any]:
        """Attempts that may be of these charge points, the newest first."""
        return (
            select(
                connection_attempts,
                charge_points.c.id.label("charge_point"),
                charge_points.c.serial_number,
            )
            .select_from(charge_points)
            .join(connection_attempts, self._may_be())
            .where(among(self._connection, charge_points.c.id, charge_point_ids))
            .order_by(connection_attempts.c.at.desc(), connection_attempts.c.id.desc())
        )

    def _may_be(self) -> ColumnElement[bool]:
        """Predicate: the attempt is nobody's, and may be the charge point's."""
        attempt, other = connection_attempts.c, charge_points.alias().c
        has_its_id = other.id == literal(f"{Prefix.CHARGE_POINT}_") + func.upper(attempt.near_key)
        another = other.id != charge_points.c.id
        is_its_serial = and_(
            attempt.identity_key == charge_points.c.serial_key,
            ~exists()
            .where(other.serial_key == attempt.identity_key)
            .where(~works_on(other.project_id, self._installer_id)),
            ~exists().where(another).where(has_its_id),
        )
        is_like_it_alone = and_(
            attempt.near_key != "",
            or_(
                attempt.near_key == charge_points.c.near_key,
                attempt.near_key == func.lower(func.substr(charge_points.c.id, _PREFIX + 1)),
            ),
            ~exists().where(another).where(or_(other.near_key == attempt.near_key, has_its_id)),
        )
        return and_(
            attempt.charge_point_id.is_(None),
            ~exists().where(identity_aliases.c.identity_key == attempt.identity_key),
            or_(is_its_serial, is_like_it_alone),
        )


def _likeliest(knocks: Sequence[Row[Any]]) -> UnclaimedIdentity:
    """Choose the identity that is the serial number, else the one that knocked last."""

    def match(row: Row[Any]) -> IdentityMatch:
        found = likeness(
            row.identity, charge_point_id=row.charge_point, serial_number=row.serial_number
        )
        return found or IdentityMatch.SIMILAR_SERIAL_NUMBER

    newest = next((one for one in knocks if match(one) is IdentityMatch.SERIAL_NUMBER), knocks[0])
    return UnclaimedIdentity(
        identity=newest.identity,
        matches=match(newest),
        charge_point_id=newest.charge_point,
        serial_number=newest.serial_number,
        attempts=sum(one.identity_key == newest.identity_key for one in knocks),
        last_at=newest.at,
        remote_address=newest.remote_address,
    )


def _claimed(charge_point_id: str) -> ConflictError:
    return ConflictError(
        "identity_claimed",
        f"The identity was claimed for another charge point of yours: {charge_point_id}.",
        charge_point_id=charge_point_id,
    )


def _not_found() -> NotFoundError:
    return NotFoundError(
        "identity_not_found", "No unknown charge point has knocked here with this identity."
    )
