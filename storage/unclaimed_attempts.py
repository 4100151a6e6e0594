"""Attempts of identities that nobody has, as the people of a project may see them.

An identity may be a charge point when it equals its serial number, and nobody but the people of
its project has registered the same; or when it is that number or the id of the charge point, spelt
otherwise, and is like no other charge point of anybody. The charge point must never have connected.
See ADR "A charge point that tries to connect is claimed by its serial number".
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, exists, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased
from sqlmodel import col

from domain.connection_attempts import Claimed, rhythm
from domain.ids import Prefix
from domain.rules.likeness import likeness
from domain.states import IdentityMatch
from storage.dialects import among
from storage.members import works_on
from storage.models.charge_points import ChargePoint, IdentityAlias
from storage.models.connections import ChargePointConnection, ConnectionAttempt
from storage.models.projects import Project
from storage.rows import AnyRow, Rows

MOMENTS_KEPT: Final = 12
"""Moments of the refusals that one row counts: they tell how often one tries."""
_PREFIX: Final = len(f"{Prefix.CHARGE_POINT}_")


@dataclass(frozen=True, kw_only=True, slots=True)
class UnclaimedIdentity:
    """An identity that tried to connect, with the charge point that it may be, and why."""

    identity: str
    matches: IdentityMatch
    project_id: str
    charge_point_id: str
    serial_number: str
    attempts: int
    last_at: datetime
    remote_address: str | None


def claimable(identity_key: str | None = None) -> Select[Any]:
    """Select the charge points that any identity, or this one, may be claimed for."""
    tried = exists().where(_may_be())
    if identity_key is not None:
        tried = tried.where(col(ConnectionAttempt.identity_key) == identity_key)
    alias = IdentityAlias.__table__.c
    return (
        select(col(ChargePoint.id))
        .where(tried, col(ChargePoint.withdrawn_at).is_(None))
        .where(~exists().where(col(ChargePointConnection.charge_point_id) == col(ChargePoint.id)))
        .where(~exists().where(alias.charge_point_id == col(ChargePoint.id)))
    )


async def unclaimed_names(
    connection: AsyncConnection, charge_point_ids: Collection[str]
) -> Mapping[str, UnclaimedIdentity]:
    """Return the name that each of these seems to try, of those that seem to try one."""
    query = claimable().where(among(connection, col(ChargePoint.id), charge_point_ids))
    return await names_of_claimable(connection, await Rows(connection).values(query))


async def names_of_claimable(
    connection: AsyncConnection, claimable_ids: Sequence[str]
) -> Mapping[str, UnclaimedIdentity]:
    """Return the name that each of these tries; all are known to be claimable."""
    if not claimable_ids:
        return {}
    # The newest first.
    query = (
        select(
            ConnectionAttempt.__table__,
            col(ChargePoint.id).label("charge_point"),
            col(ChargePoint.project_id).label("project"),
            col(ChargePoint.serial_number),
        )
        .select_from(ChargePoint)
        .join(ConnectionAttempt, _may_be())
        .where(among(connection, col(ChargePoint.id), claimable_ids))
        .order_by(col(ConnectionAttempt.at).desc(), col(ConnectionAttempt.id).desc())
    )
    attempts: defaultdict[str, list[AnyRow]] = defaultdict(list)
    for row in await connection.execute(query):
        attempts[row.charge_point].append(row)
    return {identity: _likeliest(rows) for identity, rows in attempts.items()}


async def claimed_names(
    connection: AsyncConnection, charge_point_ids: Collection[str]
) -> Mapping[str, Claimed]:
    """Return the name that each of these was claimed under, if it has not connected since."""
    alias, attempt = IdentityAlias.__table__.c, ConnectionAttempt.__table__.c
    query = (
        select(alias.charge_point_id, alias.identity_key, alias.claimed_at)
        .add_columns(attempt.identity, attempt.at, attempt.moments)
        .select_from(IdentityAlias)
        .outerjoin(
            ConnectionAttempt,
            and_(
                attempt.identity_key == alias.identity_key,
                attempt.charge_point_id == alias.charge_point_id,
                attempt.at <= alias.claimed_at,
            ),
        )
        .where(among(connection, alias.charge_point_id, charge_point_ids))
        .where(
            ~exists()
            .where(col(ChargePointConnection.charge_point_id) == alias.charge_point_id)
            .where(col(ChargePointConnection.connected_at) >= alias.claimed_at)
        )
        .order_by(attempt.at.desc(), attempt.id.desc())
    )
    attempts: defaultdict[str, list[AnyRow]] = defaultdict(list)
    for row in await connection.execute(query):
        attempts[row.charge_point_id].append(row)
    return {
        charge_point_id: Claimed(
            identity=rows[0].identity or rows[0].identity_key,
            at=rows[0].claimed_at,
            tried_at=rows[0].at,
            every=rhythm(_all_moments([row for row in rows if row.at is not None])),
        )
        for charge_point_id, rows in attempts.items()
    }


def moments_of(stored: Sequence[str] | None) -> list[datetime]:
    """Read the newest few moments of a refusal before the last one, of the row's ``moments``."""
    return [datetime.fromisoformat(at) for at in stored or ()]


def _all_moments(rows: Sequence[AnyRow]) -> list[datetime]:
    return sorted((at for row in rows for at in (row.at, *moments_of(row.moments))), reverse=True)


def _may_be() -> ColumnElement[bool]:
    """Predicate: the attempt is nobody's, and may be the charge point's."""
    attempt, other = ConnectionAttempt.__table__.c, aliased(ChargePoint.__table__).c
    # Everybody who works on the project sees what its maker may see.
    maker = (
        select(col(Project.installer_id))
        .where(col(Project.id) == col(ChargePoint.project_id))
        .correlate(ChargePoint)
        .scalar_subquery()
    )
    # SQLAlchemy correlates by itself one level up only, and callers nest deeper.
    there_is = exists().correlate(ChargePoint, ConnectionAttempt)
    has_its_id = other.id == literal(f"{Prefix.CHARGE_POINT}_") + func.upper(attempt.near_key)
    another = other.id != col(ChargePoint.id)
    is_its_serial = and_(
        attempt.identity_key == col(ChargePoint.serial_key),
        ~there_is.where(other.serial_key == attempt.identity_key)
        .where(other.withdrawn_at.is_(None))
        .where(~works_on(other.project_id, maker)),
        ~there_is.where(another).where(has_its_id),
    )
    is_like_it_alone = and_(
        attempt.near_key != "",
        or_(
            attempt.near_key == col(ChargePoint.near_key),
            attempt.near_key == func.lower(func.substr(col(ChargePoint.id), _PREFIX + 1)),
        ),
        ~there_is.where(another).where(
            or_(and_(other.near_key == attempt.near_key, other.withdrawn_at.is_(None)), has_its_id)
        ),
    )
    return and_(
        attempt.charge_point_id.is_(None),
        ~there_is.where(col(IdentityAlias.identity_key) == attempt.identity_key),
        or_(is_its_serial, is_like_it_alone),
    )


def _likeliest(attempts: Sequence[AnyRow]) -> UnclaimedIdentity:
    """Choose the identity that is the serial number, else the one that tried last."""

    def match(row: AnyRow) -> IdentityMatch:
        found = likeness(
            row.identity, charge_point_id=row.charge_point, serial_number=row.serial_number
        )
        return found or IdentityMatch.SIMILAR_SERIAL_NUMBER

    newest = next(
        (one for one in attempts if match(one) is IdentityMatch.SERIAL_NUMBER), attempts[0]
    )
    return UnclaimedIdentity(
        identity=newest.identity,
        matches=match(newest),
        project_id=newest.project,
        charge_point_id=newest.charge_point,
        serial_number=newest.serial_number,
        attempts=sum(one.times for one in attempts if one.identity_key == newest.identity_key),
        last_at=newest.at,
        remote_address=newest.remote_address,
    )
