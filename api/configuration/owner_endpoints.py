"""Endpoints of configuration and connection test, for the owner of a site from the handover on."""

from fastapi import APIRouter

from api.configuration.endpoints import configuration_of, customized, tested
from api.configuration.schemas import (
    ConfigurationShown,
    ConnectionTested,
    Customization,
    Customized,
    TemplateShown,
)
from api.configuration.service import choose
from api.deps import Acting, AppParts, OwnedChargePointId, OwnedProjectId, SiteOwner
from api.parts import Parts
from api.problems import problems
from storage.charge_points import ChargePoint, ChargePoints
from storage.models.accounts import Account
from storage.projects import Projects

router = APIRouter(
    prefix="/site-owner/projects/{project_id}/charge-points/{charge_point_id}",
    tags=["Running a site"],
)


@router.get(
    "/config/template",
    summary="Retrieve the configuration template of a charge point of mine",
    operation_id="getOwnedConfigurationTemplate",
    responses=problems(401, 403, 404, 503),
)
async def get_template(
    project_id: OwnedProjectId,
    charge_point_id: OwnedChargePointId,
    owner: SiteOwner,
    parts: AppParts,
) -> TemplateShown:
    """The default configuration of its model."""
    charge_point = await _owned(parts, owner, project_id, charge_point_id)
    entry = parts.catalogue.resolve(charge_point.vendor, charge_point.model)
    return TemplateShown.of(entry.template)


@router.get(
    "/config",
    summary="Show the configuration of a charge point of mine",
    operation_id="getOwnedConfiguration",
    responses=problems(401, 403, 404, 503),
)
async def get_configuration(
    project_id: OwnedProjectId,
    charge_point_id: OwnedChargePointId,
    owner: SiteOwner,
    parts: AppParts,
) -> ConfigurationShown:
    """Each parameter with its bounds: what is desired, what was reported, where that stands."""
    charge_point = await _owned(parts, owner, project_id, charge_point_id)
    return await configuration_of(parts, charge_point)


@router.post(
    "/config/customize",
    summary="Customize the configuration of a charge point of mine",
    operation_id="customizeOwnedConfiguration",
    response_model_exclude_unset=True,  # as the installer's
    responses=problems(
        400,
        401,
        403,
        404,
        413,
        422,
        503,
        project_not_handed_over="Until the handover the installer does this.",
        withdrawn="It was taken out of the project.",
    ),
)
async def customize(
    project_id: OwnedProjectId,
    charge_point_id: OwnedChargePointId,
    body: Customization,
    owner: SiteOwner,
    parts: AppParts,
    actor: Acting,
) -> Customized:
    """Override parameters within their bounds, from the handover on; the installer did it before.

    A charge point that is away takes them when it connects. What counts after a restart waits for
    one while somebody charges.
    """
    chosen = await choose(
        parts,
        owner,
        charge_point_id,
        [(choice.key, choice.value) for choice in body.parameters],
        take_back=body.take_back,
        restart=body.reboot,
        by=actor,
        project_id=project_id,
    )
    return customized(charge_point_id, chosen)


@router.post(
    "/test-connection",
    summary="Test the connection of a charge point of mine",
    operation_id="testOwnedConnection",
    responses=problems(401, 403, 404, 503),
)
async def test_connection(
    project_id: OwnedProjectId,
    charge_point_id: OwnedChargePointId,
    owner: SiteOwner,
    parts: AppParts,
) -> ConnectionTested:
    """Whether it is connected now, and answers; when it is not, `reason` says why in words."""
    charge_point = await _owned(parts, owner, project_id, charge_point_id)
    return await tested(parts, charge_point, claims=False)


async def _owned(
    parts: Parts, owner: Account, project_id: str, charge_point_id: str
) -> ChargePoint:
    async with parts.database.read() as connection:
        await Projects(connection).owned(project_id, site_owner_id=owner.id)
        return await ChargePoints(connection).in_project(charge_point_id, project_id)
