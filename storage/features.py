"""What came alive at the handover, how far it is, and the electrical facts that it needs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.audit import Actor, AuditAction
from domain.power.site import DEFAULT_MAX_AMPS, NOMINAL_VOLTAGE, Electrical, Phase, SiteLimit
from domain.rules.offline import NOT_IN_USE, Wish, judge_offline
from domain.states import Feature, FeatureState
from storage.access import Access
from storage.audit import Audit
from storage.billing_activation import BillingActivation
from storage.held import HeldRecords
from storage.local_lists import read_lists
from storage.models.charge_points import ChargePoint, ChargePointFeature
from storage.models.projects import Project
from storage.read_models import read_model
from storage.rows import ProjectRepository, Rows

_WORST_FIRST = (
    FeatureState.FAILED,
    FeatureState.ACTIVATING,
    FeatureState.LIMITED,
    FeatureState.PENDING,
)
_NO_TARIFF = (
    "There is no tariff, so sessions are free. Billing begins with the first one: "
    "PUT …/site-owner/projects/{}/tariff."
)
_HELD = "Sessions that wait for the site owner's word before they are billed: {}. See held records."
_DETAIL = "What drivers can do at each charge point while this engine cannot be reached."


@dataclass(frozen=True, kw_only=True, slots=True)
class ChargePointFeatureStatus:
    """How far a feature is on one charge point; why it is not simply active, and what to do."""

    charge_point_id: str
    state: FeatureState
    cause: str | None
    action: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureStatus:
    """How far a feature of a project is, and the charge points where it is not simply active."""

    feature: Feature
    state: FeatureState
    detail: str | None = None
    charge_points: tuple[ChargePointFeatureStatus, ...] = ()


def worst(found: Sequence[ChargePointFeatureStatus]) -> FeatureState:
    """How far it is of all of them."""
    states = {one.state for one in found}
    return next((state for state in _WORST_FIRST if state in states), FeatureState.ACTIVE)


_status = read_model(ChargePointFeatureStatus)


async def read_features(connection: AsyncConnection, project_id: str) -> Sequence[FeatureStatus]:
    """What came alive at the handover of a project, and how far each is."""
    return [
        await billing_status(connection, project_id),
        await Power(connection, project_id).smart_charging(),
        await offline_charging(connection, project_id),
    ]


async def billing_status(connection: AsyncConnection, project_id: str) -> FeatureStatus:
    """How far billing is. It needs nothing of the charge points, and so is active at once."""
    state = await BillingActivation(connection, project_id).state()
    if state is None:
        return FeatureStatus(
            feature=Feature.BILLING,
            state=FeatureState.NOT_SET,
            detail=_NO_TARIFF.format(project_id),
        )
    paused = state.paused_at is not None
    held = await HeldRecords(connection, project_id).count()
    return FeatureStatus(
        feature=Feature.BILLING,
        state=FeatureState.PAUSED if paused else FeatureState.ACTIVE,
        detail=_HELD.format(held) if held else None,
    )


class Power(ProjectRepository):
    """Repository of the supply of one project."""

    async def limit(self) -> SiteLimit:
        """What the supply carries."""
        row = await self._rows.get(Project, self._project_id)
        return SiteLimit(amps=row.max_amps, phases=row.phases)

    async def set_limit(self, limit: SiteLimit, *, by: Actor, at: datetime) -> None:
        """Note what the supply carries; a repeat changes nothing."""
        await self._lock()
        before = await self.limit()
        if before == limit:
            return
        await self._set(max_amps=limit.amps, phases=limit.phases)
        await Audit(self._connection, self._project_id).write(
            AuditAction.POWER_CHANGED,
            by,
            target=self._project_id,
            at=at,
            before=asdict(before),
            after=asdict(limit),
        )

    async def set_paused(self, *, paused: bool, by: Actor, at: datetime) -> None:
        """Note since when smart charging is paused; a repeat does not move that."""
        await self._lock()
        if (await self._paused_at() is not None) == paused:
            return
        await self._set(smart_charging_paused_at=at if paused else None)
        await Audit(self._connection, self._project_id).write(
            AuditAction.FEATURE_PAUSED if paused else AuditAction.FEATURE_RESUMED,
            by,
            target=Feature.SMART_CHARGING,
            at=at,
        )

    async def smart_charging(self) -> FeatureStatus:
        """How far smart charging is."""
        paused = await self._paused_at()
        state = func.coalesce(col(ChargePointFeature.state), FeatureState.ACTIVATING)
        found = await self._rows.read_all(
            select(
                col(ChargePoint.id).label("charge_point_id"),
                state.label("state"),
                col(ChargePointFeature.cause),
                col(ChargePointFeature.action),
            )
            .outerjoin(
                ChargePointFeature,
                (col(ChargePointFeature.charge_point_id) == col(ChargePoint.id))
                & (col(ChargePointFeature.feature) == Feature.SMART_CHARGING),
            )
            .where(col(ChargePoint.project_id) == self._project_id)
            .where(col(ChargePoint.withdrawn_at).is_(None))
            .order_by(col(ChargePoint.id)),
            _status,
        )
        return FeatureStatus(
            feature=Feature.SMART_CHARGING,
            state=FeatureState.PAUSED if paused is not None else worst(found),
            charge_points=tuple(
                one for one in found if one.state is not FeatureState.ACTIVE or one.cause
            ),
        )

    async def _paused_at(self) -> datetime | None:
        return await self._rows.value(col(Project.smart_charging_paused_at), self._project_id)

    async def _lock(self) -> None:
        await self._rows.at(Project, self._project_id).lock()

    async def _set(self, **values: object) -> None:
        await self._rows.at(Project, self._project_id).set(**values)


async def read_electrical(connection: AsyncConnection, charge_point_id: str) -> Electrical:
    """How a charge point is connected."""
    row = await Rows(connection).get(ChargePoint, charge_point_id)
    return electrical(row.max_amps, row.phases, row.voltage)


def electrical(max_amps: int | None, phases: str | None, voltage: float | None) -> Electrical:
    """Read the columns of a charge point."""
    return Electrical(
        max_amps=max_amps or DEFAULT_MAX_AMPS,
        phases=None if phases is None else tuple(Phase(name) for name in phases.split(",")),
        voltage=voltage or NOMINAL_VOLTAGE,
        declared=max_amps is not None,
    )


async def store_electrical(
    connection: AsyncConnection,
    charge_point: tuple[str, str],
    electrical: Electrical,
    *,
    by: Actor,
    at: datetime,
) -> None:
    """Note how a charge point of a project, by the ids of both, is connected.

    A repeat changes nothing.
    """
    project_id, charge_point_id = charge_point
    before = await read_electrical(connection, charge_point_id)
    if before == electrical:
        return
    phases = None if electrical.phases is None else ",".join(electrical.phases)
    of_project = col(ChargePoint.project_id) == project_id
    row = Rows(connection).at(ChargePoint, charge_point_id, of_project)
    await row.set(max_amps=electrical.max_amps, phases=phases, voltage=electrical.voltage)
    await Audit(connection, project_id).write(
        AuditAction.ELECTRICAL_CHANGED,
        by,
        target=charge_point_id,
        at=at,
        before=asdict(before),
        after=asdict(electrical),
    )


async def offline_charging(connection: AsyncConnection, project_id: str) -> FeatureStatus:
    """Say it of each charge point, by what that has reported."""
    access = Access(connection, project_id)
    mode, tags = await access.mode()
    wish = Wish(
        mode=mode,
        choice=await access.offline(),
        id_tags=tags,
        path=f"…/site-owner/projects/{project_id}/access",
    )
    found = []
    for charge_point_id, held, is_current, in_use in await read_lists(connection, project_id):
        said = judge_offline(held, wish, is_current=is_current) if in_use else NOT_IN_USE
        found.append(
            ChargePointFeatureStatus(
                charge_point_id=charge_point_id,
                state=said.state,
                cause=said.said,
                action=said.action,
            )
        )
    return FeatureStatus(
        feature=Feature.OFFLINE_CHARGING,
        state=worst(found),
        detail=_DETAIL,
        charge_points=tuple(found),
    )
