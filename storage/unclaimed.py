"""Identities that nobody has, and their claim; see :mod:`storage.unclaimed_attempts`."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import exists, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.errors import ConflictError, NotFoundError
from domain.rules.likeness import likeness, serial_key
from domain.states import ProjectStatus
from storage.charge_points import ChargePoint
from storage.members import works_on
from storage.models.charge_points import ChargePoint as ChargePointRow
from storage.models.charge_points import IdentityAlias
from storage.models.connections import ChargePointConnection, ConnectionAttempt
from storage.models.projects import Project
from storage.rows import Repository
from storage.unclaimed_attempts import UnclaimedIdentity, claimable, names_of_claimable
from storage.visiting import in_visit


class Unclaimed(Repository):
    """Repository of identities that tried to connect and nobody has, as one installer sees them."""

    def __init__(self, connection: AsyncConnection, *, installer_id: str) -> None:
        super().__init__(connection)
        self._installer_id = installer_id

    async def page(
        self, project_id: str, *, before: str | None, limit: int
    ) -> Sequence[UnclaimedIdentity]:
        """Return claimable identities, newest charge point first; of visits after the handover."""
        query = claimable().where(col(ChargePointRow.project_id) == project_id)
        before_handover = select(col(Project.id)).where(
            col(Project.id) == project_id, col(Project.status) == ProjectStatus.IN_PROGRESS
        )
        query = query.where(
            before_handover.exists() | in_visit(col(ChargePointRow.id), self._installer_id)
        )
        if before is not None:
            query = query.where(col(ChargePointRow.id) < before)
        query = query.order_by(col(ChargePointRow.id).desc()).limit(limit)
        found = await self._rows.values(query)
        names = await names_of_claimable(self._connection, found)
        return [names[identity] for identity in found if identity in names]

    async def claim(self, identity: str, charge_point: ChargePoint, *, at: datetime) -> datetime:
        """Let this identity be that charge point of a locked project; returns since when it is.

        Raises:
            NotFoundError: ``identity_not_found``: it has not tried, or is another tenant's.
            ConflictError: ``serial_mismatch``; ``has_connected``; ``identity_claimed``.

        """
        key = serial_key(identity)
        if not likeness(
            identity, charge_point_id=charge_point.id, serial_number=charge_point.serial_number
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
            select(exists().where(col(ChargePointConnection.charge_point_id) == charge_point.id))
        ):
            raise ConflictError(
                "has_connected", "The charge point has connected already; it needs no claim."
            )
        query = claimable(key).where(col(ChargePointRow.id) == charge_point.id)
        if (await self._connection.execute(query)).first() is None:
            raise _not_found()
        if not await self._rows.add_if_new(
            IdentityAlias,
            identity_key=key,
            charge_point_id=charge_point.id,
            claimed_by=self._installer_id,
            claimed_at=at,
        ):
            # Somebody was faster: the answer is as for any identity that is claimed already.
            since = await self._since(key, charge_point.id)
            if since is None:
                raise _not_found()
            return since
        await self._connection.execute(
            update(ConnectionAttempt)
            .where(col(ConnectionAttempt.identity_key) == key)
            .where(col(ConnectionAttempt.charge_point_id).is_(None))
            # Attempts under this name once nobody has it again are not among these.
            .values(charge_point_id=charge_point.id, digest=col(ConnectionAttempt.id))
        )
        return at

    async def _since(self, key: str, charge_point_id: str) -> datetime | None:
        """Return since when the identity is this charge point; None when nobody has it yet."""
        query = (
            select(
                IdentityAlias.__table__,
                (
                    works_on(col(ChargePointRow.project_id), self._installer_id)
                    | in_visit(col(ChargePointRow.id), self._installer_id)
                ).label("is_mine"),
            )
            .join(ChargePointRow, col(ChargePointRow.id) == col(IdentityAlias.charge_point_id))
            .where(col(IdentityAlias.identity_key) == key)
        )
        row = await self._rows.find(query)
        if row is None:
            return None
        if row.charge_point_id == charge_point_id:
            since: datetime = row.claimed_at
            return since
        # The words do not tell that somebody else has claimed it.
        raise _claimed(row.charge_point_id) if row.is_mine else _not_found()


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
