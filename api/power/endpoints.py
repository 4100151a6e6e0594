"""Endpoints of a site's power, for its installer until the handover, for its owner from then on."""

from typing import Annotated

from fastapi import Path

from api.deps import AnyCall, ChargePointId, ProjectId, now, router_of
from api.plausibility import audit_confirmed, confirmed, kinds_of
from api.power import service
from api.power.schemas import (
    ElectricalChange,
    ElectricalShown,
    FeatureChange,
    FeatureShown,
    LoadShown,
    Pausable,
    PowerLimit,
    PowerShown,
)
from api.problems import problems
from api.projects.endpoints import HANDED_OVER
from domain.states import Feature, Role
from storage.audit import Audit
from storage.features import Power, read_electrical, store_electrical

installer_router = router_of(Role.INSTALLER, tag="Power")
owner_router = router_of(Role.SITE_OWNER, "/projects/{project_id}", tag="Power")

_NOT_YET = "The project is not handed over yet; nothing is active."


@owner_router.get("/power", summary="Show the limit of my supply", operation_id="getOwnedPower")
@installer_router.get(
    "/projects/{project_id}/power",
    summary="Show the limit of the supply",
    operation_id="getPower",
)
async def show_power(call: AnyCall, project_id: ProjectId) -> PowerShown:
    """What the supply of the site can carry."""
    async with call.read(project=project_id) as connection:
        return PowerShown.of(await Power(connection, project_id).limit())


@installer_router.put(
    "/projects/{project_id}/power",
    summary="Set the limit of the supply",
    operation_id="setPower",
    responses=problems(project_handed_over=HANDED_OVER),
)
async def set_power(call: AnyCall, project_id: ProjectId, body: PowerLimit) -> PowerShown:
    """From the handover on, the charge points of the site never draw more than this together."""
    async with call.write() as connection:
        await call.project_for_change(connection, project_id, lead=True)
        meant = confirmed(body.questions(call.parts.plausibility), body.confirm)
        at = now()
        await Power(connection, project_id).set_limit(body.limit(), by=call.actor, at=at)
        await audit_confirmed(
            Audit(connection, project_id), call.actor, meant, target=project_id, at=at
        )
    return PowerShown.of(body.limit())


@owner_router.put("/power", summary="Set the limit of my supply", operation_id="setOwnedPower")
async def set_owned_power(call: AnyCall, project_id: ProjectId, body: PowerLimit) -> PowerShown:
    """The running sessions follow within seconds."""
    await service.set_limit(call, project_id, body)
    return PowerShown.of(body.limit())


@owner_router.get(
    "/charge-points/{charge_point_id}/electrical",
    summary="Show how a charge point of mine is connected",
    operation_id="getOwnedElectrical",
)
async def show_owned_electrical(
    call: AnyCall, project_id: ProjectId, charge_point_id: ChargePointId
) -> ElectricalShown:
    """What its cable carries, the phases that it loads, and their voltage."""
    async with call.read(project=project_id, charge_point=charge_point_id) as connection:
        return ElectricalShown.of(await read_electrical(connection, charge_point_id))


@owner_router.put(
    "/charge-points/{charge_point_id}/electrical",
    summary="Say how a charge point of mine is connected",
    operation_id="setOwnedElectrical",
)
async def set_owned_electrical(
    call: AnyCall,
    project_id: ProjectId,
    charge_point_id: ChargePointId,
    body: ElectricalChange,
) -> ElectricalShown:
    """A smaller cable leaves more of the supply to the others, at once.

    It is what its breaker lets through that counts: an electrician has to see to that first.
    """
    async with call.read(project=project_id) as connection:
        charge_point = await call.charge_point(connection, charge_point_id, project_id=project_id)
    await service.set_electrical(call, charge_point, body)
    return ElectricalShown.of(body.stored())


@owner_router.get(
    "/load",
    summary="Show how the power is shared now",
    operation_id="getLoad",
    responses=problems(project_not_handed_over=_NOT_YET),
)
async def show_load(call: AnyCall, project_id: ProjectId) -> LoadShown:
    """What each session was allotted, and the most that the site may draw at this moment."""
    return LoadShown.of(await service.load(call, project_id))


@installer_router.get(
    "/projects/{project_id}/features",
    summary="Show what is active at a site that I handed over",
    operation_id="listFeaturesOfProject",
    description="Billing and smart charging, and why a charge point does not simply take part.\n\n"
    "`offline_charging` says of each charge point what drivers can do while the engine is away.",
    responses=problems(project_not_handed_over=_NOT_YET),
)
@owner_router.get(
    "/features",
    summary="Show what is active",
    operation_id="listFeatures",
    responses=problems(project_not_handed_over=_NOT_YET),
)
async def list_features(call: AnyCall, project_id: ProjectId) -> list[FeatureShown]:
    """Each is `activating`, `active`, `failed`, `paused` or `not_set`.

    `offline_charging` says of each charge point what drivers can do while the engine is away, by
    what it has reported: its local list, and the settings that go with it.
    """
    return [FeatureShown.of(one) for one in await service.features(call, project_id)]


@owner_router.put(
    "/features/{feature}",
    summary="Pause a feature, or let it go on",
    operation_id="changeFeature",
    responses=problems(
        project_not_handed_over=_NOT_YET, billing_not_active="The project has no tariff yet."
    ),
)
async def change_feature(
    call: AnyCall,
    project_id: ProjectId,
    feature: Annotated[Pausable, Path()],
    body: FeatureChange,
) -> FeatureShown:
    """While smart charging is paused, nothing keeps the site under the limit of its supply.

    Sessions that begin while billing is paused are free.
    """
    return FeatureShown.of(
        await service.pause(call, project_id, Feature(feature), paused=body.paused)
    )


@installer_router.get(
    "/charge-points/{charge_point_id}/electrical",
    summary="Show how a charge point is connected",
    operation_id="getElectrical",
)
async def show_electrical(call: AnyCall, charge_point_id: ChargePointId) -> ElectricalShown:
    """What its cable carries, and the phases that it loads."""
    async with call.read(charge_point=charge_point_id) as connection:
        return ElectricalShown.of(await read_electrical(connection, charge_point_id))


@installer_router.put(
    "/charge-points/{charge_point_id}/electrical",
    summary="Say how a charge point is connected",
    operation_id="setElectrical",
    responses=problems(project_handed_over=HANDED_OVER),
)
async def set_electrical(
    call: AnyCall, charge_point_id: ChargePointId, body: ElectricalChange
) -> ElectricalShown:
    """A charge point that loads one phase alone leaves the other two to the others."""
    async with call.write() as connection:
        charge_point = await call.charge_point_for_change(connection, charge_point_id)
        device = (charge_point.vendor, charge_point.model)
        meant = confirmed(
            body.questions(call.parts.plausibility, kinds_of(call.parts.catalogue, [device])),
            body.confirm,
        )
        await store_electrical(
            connection,
            (charge_point.project_id, charge_point_id),
            body.stored(),
            by=call.actor,
            at=now(),
        )
        await audit_confirmed(
            Audit(connection, charge_point.project_id),
            call.actor,
            meant,
            target=charge_point_id,
            at=now(),
        )
    return ElectricalShown.of(body.stored())
