"""Tariffs of projects: one version after the other, none of them ever changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import col

from domain.audit import Actor, AuditAction
from domain.billing.tariff import Tariff, TariffVersion
from domain.errors import ConflictError
from domain.states import Role
from storage.audit import Audit
from storage.models.billing import BillingAccount
from storage.models.billing import Tariff as TariffRow
from storage.models.projects import Project
from storage.rows import AnyRow, ProjectRepository


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredTariff:
    """A version, and who set it."""

    version: TariffVersion
    set_by: str
    set_as: Role
    created_at: datetime


class Tariffs(ProjectRepository):
    """Repository of one project's tariffs."""

    async def add(self, new: StoredTariff, *, by: Actor) -> None:
        """Let a tariff hold from a moment on.

        Until billing is active, one in another currency begins the list anew: nothing was billed by
        the tariffs before it.

        Raises:
            ConflictError: ``currency_fixed``, or ``tariff_set_by_owner`` for an installer.

        """
        # The project's row is the lock: two who set a tariff at once take turns.
        await self._rows.at(Project, self._project_id).lock()
        stored = await self.all()
        if new.set_as is Role.INSTALLER and any(one.set_as is not Role.INSTALLER for one in stored):
            raise ConflictError(
                "tariff_set_by_owner",
                "The site owner has set a tariff, so a default has no place any more.",
            )
        currency = new.version.tariff.currency
        if any(one.version.tariff.currency != currency for one in stored):
            await self._begin_anew(stored[0].version.tariff.currency)
        await self._rows.add(
            TariffRow,
            id=new.version.id,
            project_id=self._project_id,
            valid_from=new.version.valid_from,
            currency=currency,
            elements=new.version.tariff.model_dump(mode="json", exclude_none=True)["elements"],
            set_by=new.set_by,
            set_as=new.set_as,
            created_at=new.created_at,
        )
        await Audit(self._connection, self._project_id).write(
            AuditAction.TARIFF_SET,
            by,
            target=new.version.id,
            at=new.created_at,
            before=_told(stored[-1]) if stored else None,
            after=_told(new),
        )

    async def _begin_anew(self, currency: str) -> None:
        bills = await self._rows.value(col(BillingAccount.project_id), self._project_id)
        if bills is not None:
            raise ConflictError(
                "currency_fixed",
                f"The project bills in {currency}, and a session has one currency. "
                f"Give the prices in {currency}.",
            )
        await self._rows.those(TariffRow, col(TariffRow.project_id) == self._project_id).remove()

    async def all(self) -> Sequence[StoredTariff]:
        """Every version, in the order in which they hold."""
        return await self._rows.read_all(
            self._mine(TariffRow).order_by(col(TariffRow.valid_from), col(TariffRow.id)), _stored
        )

    async def page(self, *, before: str | None, limit: int) -> Sequence[StoredTariff]:
        """Versions in the order in which they were set, newest first."""
        return await self._rows.read_newest(
            self._mine(TariffRow), _stored, key=col(TariffRow.id), before=before, limit=limit
        )

    async def valid_at(self, moment: datetime) -> StoredTariff | None:
        """The version that holds at a moment."""
        return await self._rows.read(
            self._mine(TariffRow)
            .where(col(TariffRow.valid_from) <= moment)
            .order_by(col(TariffRow.valid_from).desc(), col(TariffRow.id).desc())
            .limit(1),
            _stored,
        )


def _told(one: StoredTariff) -> dict[str, Any]:
    """What the trail says of a version: its prices; its conditions are in the version itself."""
    components = [
        component
        for element in one.version.tariff.elements
        for component in element.price_components
    ]
    return {
        "tariff": one.version.id,
        "valid_from": one.version.valid_from.isoformat(),
        "currency": one.version.tariff.currency,
        "prices": [f"{component.type} {component.price}" for component in components],
    }


def _stored(row: AnyRow) -> StoredTariff:
    return StoredTariff(
        version=TariffVersion(
            id=row.id,
            valid_from=row.valid_from,
            tariff=Tariff.model_validate({"currency": row.currency, "elements": row.elements}),
        ),
        set_by=row.set_by,
        set_as=row.set_as,
        created_at=row.created_at,
    )
