"""What a site owner does with the power and the features of a site."""

from collections.abc import Sequence
from contextlib import suppress

from api.deps import now
from api.parts import Parts
from api.plausibility import audit_confirmed, confirmed, kinds_of
from api.power.schemas import ElectricalChange, PowerLimit
from domain.audit import Actor
from domain.errors import ConflictError, UnavailableError
from domain.power.facts import PauseSmartCharging, SetElectrical, SetLimit, SiteLoad, SiteRequest
from domain.states import Feature, ProjectStatus
from storage.audit import Audit
from storage.billing import Billing
from storage.charge_points import ChargePoint
from storage.feature_status import FeatureStatus
from storage.features import (
    Power,
    billing_status,
    read_features,
    store_electrical,
)
from storage.models.accounts import Account
from storage.projects import Project, Projects
from storage.site_records import live_site


async def set_limit(
    parts: Parts, owner: Account, project_id: str, wanted: PowerLimit, *, by: Actor
) -> None:
    """Change what the supply carries; running sessions follow at once.

    Raises:
        InvalidError: ``implausible``.

    """
    limit = wanted.limit()
    async with parts.database.write() as connection:
        projects = Projects(connection)
        project = await projects.owned(project_id, site_owner_id=owner.id, for_change=True)
        meant = confirmed(wanted.questions(parts.plausibility), wanted.confirm)
        await audit_confirmed(Audit(connection, project_id), by, meant, target=project_id, at=now())
        if project.status is not ProjectStatus.HANDED_OVER:
            await Power(connection, project_id).set_limit(limit, by=by, at=now())
            return
    change = SetLimit(project_id=project_id, limit=limit, by=by.by_id)
    await parts.temporal.sites.set_limit(_site(project), change)


async def set_electrical(
    parts: Parts,
    owner: Account,
    charge_point: ChargePoint,
    wanted: ElectricalChange,
    *,
    by: Actor,
) -> None:
    """Change how a charge point of a site is connected; running sessions follow at once.

    Raises:
        InvalidError: ``implausible``.

    """
    project_id, electrical = charge_point.project_id, wanted.stored()
    kinds = kinds_of(parts.catalogue, [(charge_point.vendor, charge_point.model)])
    async with parts.database.write() as connection:
        project = await Projects(connection).owned(
            project_id, site_owner_id=owner.id, for_change=True
        )
        meant = confirmed(wanted.questions(parts.plausibility, kinds), wanted.confirm)
        await audit_confirmed(
            Audit(connection, project_id), by, meant, target=charge_point.id, at=now()
        )
        if project.status is not ProjectStatus.HANDED_OVER:
            await store_electrical(
                connection, (project_id, charge_point.id), electrical, by=by, at=now()
            )
            return
    change = SetElectrical(
        project_id=project_id, charge_point_id=charge_point.id, electrical=electrical, by=by.by_id
    )
    await parts.temporal.sites.set_electrical(_site(project), change)


async def look_again(parts: Parts, project_id: str, *charge_point_ids: str) -> None:
    """Tell a site that is handed over that these of its charge points have come, or are to go.

    The change is stored; should the site not hear of it, it looks by itself.
    """
    async with parts.database.read() as connection:
        site = await live_site(connection, project_id)
    if site is None:
        return
    with suppress(UnavailableError):
        for charge_point_id in charge_point_ids:
            await parts.temporal.sites.look_again(site, charge_point_id)


async def load(parts: Parts, owner: Account, project_id: str) -> SiteLoad:
    """How the power is shared now.

    Raises:
        ConflictError: ``project_not_handed_over``.

    """
    project = await _handed_over(parts, owner, project_id)
    return await parts.temporal.sites.load(_site(project))


async def features(parts: Parts, owner: Account, project_id: str) -> Sequence[FeatureStatus]:
    """What is active.

    Raises:
        ConflictError: ``project_not_handed_over``.

    """
    await _handed_over(parts, owner, project_id)
    async with parts.database.read() as connection:
        return await read_features(connection, project_id)


async def features_for(
    parts: Parts, installer: Account, project_id: str
) -> Sequence[FeatureStatus]:
    """What is active, for the installer who handed it over.

    Raises:
        ConflictError: ``project_not_handed_over``.

    """
    async with parts.database.read() as connection:
        project = await Projects(connection).get(
            project_id, installer_id=installer.id, even_handed_over=True
        )
        _refuse_not_yet(project)
        return await read_features(connection, project_id)


async def pause(
    parts: Parts,
    owner: Account,
    project_id: str,
    feature: Feature,
    *,
    paused: bool,
    by: Actor,
) -> FeatureStatus:
    """Pause a feature, or let it go on.

    Raises:
        ConflictError: ``project_not_handed_over`` or ``billing_not_active``.

    """
    project = await _handed_over(parts, owner, project_id)
    if feature is Feature.BILLING:
        async with parts.database.write() as connection:
            billing = Billing(connection, project_id)
            await (billing.pause(at=now(), by=by) if paused else billing.resume(at=now(), by=by))
            return await billing_status(connection, project_id)
    change = PauseSmartCharging(project_id=project_id, paused=paused, by=by.by_id)
    await parts.temporal.sites.pause(_site(project), change)
    async with parts.database.read() as connection:
        return await Power(connection, project_id).smart_charging()


async def _handed_over(parts: Parts, owner: Account, project_id: str) -> Project:
    async with parts.database.read() as connection:
        project = await Projects(connection).owned(project_id, site_owner_id=owner.id)
    _refuse_not_yet(project)
    return project


def _refuse_not_yet(project: Project) -> None:
    if project.status is not ProjectStatus.HANDED_OVER:
        raise ConflictError(
            "project_not_handed_over",
            "The project is not handed over yet. Its features become active with the handover.",
        )


def _site(project: Project) -> SiteRequest:
    return SiteRequest(project_id=project.id, name=project.name)
