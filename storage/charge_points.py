"""Charge points, as their installer sees them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.commissioning import Registered
from domain.errors import ConflictError, NotFoundError
from domain.rules.likeness import likeness, near_key, serial_key
from domain.states import ChargePointStatus, ProjectStatus
from domain.withdrawals import Withdrawal
from storage.dialects import among, at_once
from storage.models.charge_points import ChargePoint as ChargePointRow
from storage.models.charge_points import IdentityAlias
from storage.models.invitations import ServiceVisitChargePoint
from storage.models.projects import Project
from storage.models.runs import CommissioningRun
from storage.projects import Projects
from storage.rows import AnyRow, Repository, Rows, record_of
from storage.visiting import in_visit, is_project_of, refuse_outside_visit

_record = record_of(ChargePointRow)


@dataclass(frozen=True, kw_only=True, slots=True)
class Location:
    """Where a charge point stands."""

    latitude: float | None = None
    longitude: float | None = None
    address: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ChargePoint:
    """A registered charge point."""

    id: str
    project_id: str
    serial_number: str
    model: str
    vendor: str
    ocpp_version: str
    location: Location
    status: ChargePointStatus
    created_at: datetime
    connectors: int | None = None
    """How many were declared; None: as many as it reports."""
    withdrawal: Withdrawal | None = None
    replaces: str | None = None
    """Id of the withdrawn one in whose place it is; ``replaced_by`` is the other way round."""
    replaced_by: str | None = None


class ChargePoints(Repository):
    """Repository of charge points. Somebody else's charge point does not exist for the caller.

    Where one that is asked for is not there: NotFoundError, ``charge_point_not_found``.
    """

    async def register(self, charge_point: ChargePoint, *, visit: str | None = None) -> None:
        """Store a new charge point; it is in the service visit in which it is added.

        Raises:
            ConflictError: ``duplicate_serial``.

        """
        if not await self._rows.add_if_new(ChargePointRow, **_row(charge_point)):
            raise await self._duplicate(charge_point)
        await self._join(visit, [charge_point])
        await self._free_names([charge_point])

    async def register_all(self, new: Sequence[ChargePoint], *, visit: str | None = None) -> None:
        """Store new charge points of a project that is locked, and has none of their serials."""
        if new:
            await self._connection.execute(
                at_once(self._connection, insert(ChargePointRow)), [_row(one) for one in new]
            )
            await self._join(visit, new)
            await self._free_names(new)

    async def _join(self, visit: str | None, new: Sequence[ChargePoint]) -> None:
        if visit is not None:
            await self._connection.execute(
                at_once(self._connection, insert(ServiceVisitChargePoint)),
                [
                    {
                        "service_visit_id": visit,
                        "charge_point_id": one.id,
                        "joined_at": one.created_at,
                    }
                    for one in new
                ],
            )

    async def serials_of(self, project_id: str) -> dict[str, str]:
        """Those that are not withdrawn, by :func:`domain.rules.likeness.serial_key`."""
        return await self._rows.pairs(
            select(col(ChargePointRow.serial_key), col(ChargePointRow.id)).where(
                col(ChargePointRow.project_id) == project_id,
                col(ChargePointRow.withdrawn_at).is_(None),
            )
        )

    async def devices_of(self, project_id: str) -> set[tuple[str, str]]:
        """Vendors and models in a project."""
        query = (
            select(col(ChargePointRow.vendor), col(ChargePointRow.model))
            .where(col(ChargePointRow.project_id) == project_id)
            .distinct()
        )
        return {(vendor, model) for vendor, model in await self._rows.all(query)}

    async def get(
        self, charge_point_id: str, *, installer_id: str, even_handed_over: bool = False
    ) -> ChargePoint:
        """One charge point of the installer, whose access ends at the handover.

        An open service visit that it is in gives it back. ``even_handed_over`` is for the
        certificate, which the installer keeps.

        Raises:
            ForbiddenError: ``project_handed_over``; ``outside_service_visit``.

        """
        query = _of_installer(installer_id).where(col(ChargePointRow.id) == charge_point_id)
        charge_point = await self._one(query)
        project = await Projects(self._connection).get(
            charge_point.project_id,
            installer_id=installer_id,
            even_handed_over=even_handed_over,
            by_visit=True,
        )
        if project.service_visit_id is not None and not (even_handed_over and project.is_kept):
            await refuse_outside_visit(
                self._connection,
                charge_point.id,
                serial_number=charge_point.serial_number,
                project_id=project.id,
                installer_id=installer_id,
                service_visit_id=project.service_visit_id,
            )
        return charge_point

    async def owned(self, charge_point_id: str, *, site_owner_id: str) -> ChargePoint:
        """One charge point of a site owner."""
        return await self._one(
            select(ChargePointRow.__table__)
            .join(Project, col(Project.id) == col(ChargePointRow.project_id))
            .where(col(ChargePointRow.id) == charge_point_id)
            .where(col(Project.site_owner_id) == site_owner_id)
        )

    async def in_project(self, charge_point_id: str, project_id: str) -> ChargePoint:
        """One charge point of a project that the caller may see."""
        return await self._one(
            select(ChargePointRow.__table__)
            .where(col(ChargePointRow.id) == charge_point_id)
            .where(col(ChargePointRow.project_id) == project_id)
        )

    async def for_change(
        self, charge_point_id: str, *, installer_id: str, even_withdrawn: bool = False
    ) -> ChargePoint:
        """Lock the project of one charge point of the installer, for a change of it.

        ``even_withdrawn``: it is brought back, replaced or removed.

        Raises:
            ForbiddenError: ``outside_service_visit``.
            ConflictError: ``project_handed_over``; ``project_archived``; ``withdrawn``.

        """
        charge_point = await self.get(
            charge_point_id, installer_id=installer_id, even_handed_over=True
        )
        await Projects(self._connection).for_change(
            charge_point.project_id, installer_id=installer_id, by_visit=True
        )
        # Read again under the lock: another change may have come first.
        charge_point = await self.get(charge_point_id, installer_id=installer_id)
        if not even_withdrawn:
            refuse_withdrawn(charge_point)
        return charge_point

    async def change(self, charge_point: ChargePoint) -> None:
        """Store what an installer may change of a charge point.

        Raises:
            ConflictError: ``duplicate_serial``.

        """
        try:
            async with self._connection.begin_nested():
                await self._rows.at(ChargePointRow, charge_point.id).set(
                    **_changeable(charge_point)
                )
        except IntegrityError as error:
            raise await self._duplicate(charge_point) from error
        await self._end_claim_unless_alike(charge_point)
        await self._free_names([charge_point])

    async def _duplicate(self, charge_point: ChargePoint) -> ConflictError:
        existing = await self._connection.scalar(
            select(col(ChargePointRow.id))
            .where(col(ChargePointRow.project_id) == charge_point.project_id)
            .where(col(ChargePointRow.serial_key) == serial_key(charge_point.serial_number))
            .where(col(ChargePointRow.withdrawn_at).is_(None))
        )
        return ConflictError(
            "duplicate_serial",
            "The project already has a charge point with the serial number "
            f"{charge_point.serial_number}: {existing}.",
            charge_point_id=existing,
        )

    async def _end_claim_unless_alike(self, charge_point: ChargePoint) -> None:
        """An identity was claimed for the serial number that it is like, and for no other."""
        alias = await self._connection.scalar(
            select(col(IdentityAlias.identity_key)).where(
                col(IdentityAlias.charge_point_id) == charge_point.id
            )
        )
        if alias is not None and not likeness(
            alias, charge_point_id=charge_point.id, serial_number=charge_point.serial_number
        ):
            await self._rows.at(IdentityAlias, alias).remove()

    async def _free_names(self, present: Sequence[ChargePoint]) -> None:
        """End claims of withdrawn charge points that are like these: they may be theirs now."""
        like = {near_key(one.serial_number) for one in present}
        withdrawn = (
            select(col(ChargePointRow.id))
            .where(col(ChargePointRow.withdrawn_at).is_not(None))
            .where(among(self._connection, col(ChargePointRow.near_key), like))
        )
        those = self._rows.those(IdentityAlias, col(IdentityAlias.charge_point_id).in_(withdrawn))
        await those.remove()

    async def delete(self, charge_point_id: str) -> None:
        """Forget a charge point and the facts it reported."""
        await self._rows.at(ChargePointRow, charge_point_id).remove()
        replaces, replaced_by = col(ChargePointRow.replaces), col(ChargePointRow.replaced_by)
        those = self._rows.those
        await those(ChargePointRow, replaces == charge_point_id).set(replaces=None)
        await those(ChargePointRow, replaced_by == charge_point_id).set(replaced_by=None)

    async def is_in(self, charge_point_id: str, *, project_id: str) -> bool:
        """Tell whether the project has that charge point."""
        return await self._rows.value(col(ChargePointRow.project_id), charge_point_id) == project_id

    async def has_runs(self, charge_point_id: str) -> bool:
        """Tell whether commissioning was ever started."""
        mine = col(CommissioningRun.charge_point_id) == charge_point_id
        return await self._rows.count(CommissioningRun, mine) > 0

    async def page_of_installer(
        self,
        *,
        installer_id: str,
        project_id: str | None,
        status: ChargePointStatus | None,
        serial_number: str | None,
        before: str | None,
        limit: int,
    ) -> Sequence[ChargePoint]:
        """List the charge points of the installer, newest first, older than the id ``before``.

        Those of a project that was handed over are the site owner's, but for those of an open
        service visit; those of one that is archived are listed only where that project is named.
        """
        query = _of_installer(installer_id).where(
            (col(Project.status) == ProjectStatus.IN_PROGRESS)
            | in_visit(col(ChargePointRow.id), installer_id)
        )
        if project_id is not None:
            query = query.where(col(ChargePointRow.project_id) == project_id)
        else:
            query = query.where(col(Project.archived_at).is_(None))
        if status is not None:
            query = query.where(col(ChargePointRow.status) == status)
        return await self._page(query, serial_number=serial_number, before=before, limit=limit)

    async def page_of_project(
        self, project_id: str, *, serial_number: str | None, before: str | None, limit: int
    ) -> Sequence[ChargePoint]:
        """List the charge points of a project that the caller may see, newest first."""
        query = select(ChargePointRow.__table__).where(col(ChargePointRow.project_id) == project_id)
        return await self._page(query, serial_number=serial_number, before=before, limit=limit)

    async def _page(
        self,
        query: Select[*tuple[Any, ...]],
        *,
        serial_number: str | None,
        before: str | None,
        limit: int,
    ) -> Sequence[ChargePoint]:
        if serial_number is not None:
            query = query.where(col(ChargePointRow.serial_key) == serial_key(serial_number))
        return await self._rows.read_newest(
            query, _charge_point, key=col(ChargePointRow.id), before=before, limit=limit
        )

    async def _one(self, query: Select[*tuple[Any, ...]]) -> ChargePoint:
        row = await self._rows.find(query)
        if row is None:
            raise NotFoundError("charge_point_not_found", "You have no charge point with this id.")
        return _charge_point(row)


async def is_withdrawn(connection: AsyncConnection, charge_point_id: str) -> bool:
    """Tell whether it is out of its project."""
    return (
        await Rows(connection).value(col(ChargePointRow.withdrawn_at), charge_point_id) is not None
    )


def refuse_withdrawn(charge_point: ChargePoint) -> None:
    """Refuse a change of what is out of its project, or is about to be.

    Raises:
        ConflictError: ``withdrawn``.

    """
    withdrawal = charge_point.withdrawal
    if withdrawal is None:
        return
    since = (
        "is being withdrawn"
        if withdrawal.at is None
        else f"was withdrawn on {withdrawal.at:%Y-%m-%d}"
    )
    raise ConflictError(
        "withdrawn",
        f"Charge point {charge_point.serial_number} {since}, and stays as it was. "
        f"Its installer brings it back with POST …/installer/charge-points/{charge_point.id}/"
        "reinstate; after the handover, in a service visit.",
        charge_point_id=charge_point.id,
    )


async def accept_charge_point(
    connection: AsyncConnection, charge_point_id: str, *, at: datetime
) -> None:
    """Have its boots answered Accepted from then on; the first moment stands."""
    row = Rows(connection).at(
        ChargePointRow, charge_point_id, col(ChargePointRow.provisioned_at).is_(None)
    )
    await row.set(provisioned_at=at)


def _of_installer(installer_id: str) -> Select[*tuple[Any, ...]]:
    return (
        select(ChargePointRow.__table__)
        .join(Project, col(Project.id) == col(ChargePointRow.project_id))
        .where(is_project_of(col(Project.id), installer_id))
    )


def _row(charge_point: ChargePoint) -> dict[str, Any]:
    return {
        "id": charge_point.id,
        "project_id": charge_point.project_id,
        "created_at": charge_point.created_at,
        "status": charge_point.status,
        **_changeable(charge_point),
    }


def _changeable(charge_point: ChargePoint) -> Mapping[str, Any]:
    return {
        "serial_number": charge_point.serial_number,
        "serial_key": serial_key(charge_point.serial_number),
        "near_key": near_key(charge_point.serial_number),
        "model": charge_point.model,
        "vendor": charge_point.vendor,
        "ocpp_version": charge_point.ocpp_version,
        "latitude": charge_point.location.latitude,
        "longitude": charge_point.location.longitude,
        "location_address": charge_point.location.address,
        "connectors": charge_point.connectors,
    }


def _charge_point(found: AnyRow) -> ChargePoint:
    row = _record(found)
    return ChargePoint(
        id=row.id,
        project_id=row.project_id,
        serial_number=row.serial_number,
        model=row.model,
        vendor=row.vendor,
        ocpp_version=row.ocpp_version,
        location=Location(
            latitude=row.latitude, longitude=row.longitude, address=row.location_address
        ),
        status=ChargePointStatus(row.status),
        created_at=row.created_at,
        connectors=row.connectors,
        withdrawal=withdrawal_of(row),
        replaces=row.replaces,
        replaced_by=row.replaced_by,
    )


def withdrawal_of(row: ChargePointRow) -> Withdrawal | None:
    """Read when, by whom and why a charge point is out of its project, or is to be."""
    if row.withdrawn_at is not None:
        return Withdrawal(
            at=row.withdrawn_at, by=row.withdrawn_by, reason=row.withdrawn_reason or ""
        )
    if row.withdrawal is None:
        return None
    return Withdrawal(at=None, by=row.withdrawal.by.email, reason=row.withdrawal.reason)


async def read_registered(connection: AsyncConnection, charge_point_id: str) -> Registered:
    """Read the charge point as the installer registered it."""
    row = await Rows(connection).get(ChargePointRow, charge_point_id)
    return registered(row)


def registered(row: ChargePointRow) -> Registered:
    """Read a charge point as the installer registered it."""
    return Registered(
        charge_point_id=row.id,
        project_id=row.project_id,
        vendor=row.vendor,
        model=row.model,
        serial_number=row.serial_number,
        ocpp_version=row.ocpp_version,
        place=row.location_address or "",
        connectors=row.connectors,
    )
