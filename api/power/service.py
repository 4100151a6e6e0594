"""What a site owner does with the power and the features of a site."""

from collections.abc import Sequence
from contextlib import suppress

from api.call import Call
from api.deps import now
from api.parts import Parts
from api.plausibility import audit_confirmed, confirmed, kinds_of
from api.power.schemas import ElectricalChange, PowerLimit
from domain.errors import ConflictError, UnavailableError
from domain.power.facts import PauseSmartCharging, SetElectrical, SetLimit, SiteLoad, SiteRequest
from domain.states import Feature, ProjectStatus
from storage.audit import Audit
from storage.billing_activation import BillingActivation
from storage.charge_points import ChargePoint
from storage.features import FeatureStatus, Power, billing_status, read_features, store_electrical
from storage.power_sharing import live_site
from storage.projects import Project


async def set_limit(call: Call, project_id: str, wanted: PowerLimit) -> None:
    """Change what the supply carries; running sessions follow at once.

    Raises:
        InvalidError: ``implausible``.

    """
    limit = wanted.limit()
    async with call.write() as connection:
        project = await call.project_for_change(connection, project_id)
        meant = confirmed(wanted.questions(call.parts.plausibility), wanted.confirm)
        await audit_confirmed(
            Audit(connection, project_id), call.actor, meant, target=project_id, at=now()
        )
        if project.status is not ProjectStatus.HANDED_OVER:
            await Power(connection, project_id).set_limit(limit, by=call.actor, at=now())
            return
    change = SetLimit(project_id=project_id, limit=limit, by=call.actor.by_id)
    await call.parts.temporal.sites.set_limit(_site(project), change)


async def set_electrical(call: Call, charge_point: ChargePoint, wanted: ElectricalChange) -> None:
    """Change how a charge point of a site is connected; running sessions follow at once.

    Raises:
        InvalidError: ``implausible``.

    """
    project_id, electrical = charge_point.project_id, wanted.stored()
    kinds = kinds_of(call.parts.catalogue, [(charge_point.vendor, charge_point.model)])
    async with call.write() as connection:
        project = await call.project_for_change(connection, project_id)
        meant = confirmed(wanted.questions(call.parts.plausibility, kinds), wanted.confirm)
        await audit_confirmed(
            Audit(connection, project_id), call.actor, meant, target=charge_point.id, at=now()
        )
        if project.status is not ProjectStatus.HANDED_OVER:
            await store_electrical(
                connection, (project_id, charge_point.id), electrical, by=call.actor, at=now()
            )
            return
    change = SetElectrical(
        project_id=project_id,
        charge_point_id=charge_point.id,
        electrical=electrical,
        by=call.actor.by_id,
    )
    await call.parts.temporal.sites.set_electrical(_site(project), change)


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


async def load(call: Call, project_id: str) -> SiteLoad:
    """How the power is shared now.

    Raises:
        ConflictError: ``project_not_handed_over``.

    """
    project = await _handed_over(call, project_id)
    return await call.parts.temporal.sites.load(_site(project))


async def features(call: Call, project_id: str) -> Sequence[FeatureStatus]:
    """What is active.

    Raises:
        ConflictError: ``project_not_handed_over``.

    """
    async with call.read() as connection:
        _refuse_not_yet(await call.project(connection, project_id, even_handed_over=True))
        return await read_features(connection, project_id)


async def pause(call: Call, project_id: str, feature: Feature, *, paused: bool) -> FeatureStatus:
    """Pause a feature, or let it go on.

    Raises:
        ConflictError: ``project_not_handed_over`` or ``billing_not_active``.

    """
    project = await _handed_over(call, project_id)
    if feature is Feature.BILLING:
        async with call.write() as connection:
            billing = BillingActivation(connection, project_id)
            await (
                billing.pause(at=now(), by=call.actor)
                if paused
                else billing.resume(at=now(), by=call.actor)
            )
            return await billing_status(connection, project_id)
    change = PauseSmartCharging(project_id=project_id, paused=paused, by=call.actor.by_id)
    await call.parts.temporal.sites.pause(_site(project), change)
    async with call.read() as connection:
        return await Power(connection, project_id).smart_charging()


async def _handed_over(call: Call, project_id: str) -> Project:
    async with call.read() as connection:
        project = await call.project(connection, project_id)
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
