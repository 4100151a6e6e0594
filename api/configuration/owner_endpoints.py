"""Endpoints of configuration and connection test, for the owner of a site from the handover on."""

from typing import Annotated

from fastapi import APIRouter, Depends

from api.configuration.endpoints import configuration_of, customized, tested
from api.configuration.schemas import (
    ConfigurationShown,
    ConnectionTested,
    Customization,
    Customized,
    TemplateShown,
)
from api.configuration.service import choose
from api.deps import ChargePointId, OwnerCall, ProjectId
from api.problems import problems
from storage.charge_points import ChargePoint

router = APIRouter(
    prefix="/site-owner/projects/{project_id}/charge-points/{charge_point_id}",
    tags=["Running a site"],
)


async def _owned(
    call: OwnerCall, project_id: ProjectId, charge_point_id: ChargePointId
) -> ChargePoint:
    async with call.read(project=project_id) as connection:
        return await call.charge_point(connection, charge_point_id, project_id=project_id)


_Owned = Annotated[ChargePoint, Depends(_owned)]


@router.get(
    "/config/template",
    summary="Retrieve the configuration template of a charge point of mine",
    operation_id="getOwnedConfigurationTemplate",
)
async def get_template(call: OwnerCall, charge_point: _Owned) -> TemplateShown:
    """The default configuration of its model."""
    entry = call.parts.catalogue.resolve(charge_point.vendor, charge_point.model)
    return TemplateShown.of(entry.template)


@router.get(
    "/config",
    summary="Show the configuration of a charge point of mine",
    operation_id="getOwnedConfiguration",
)
async def get_configuration(call: OwnerCall, charge_point: _Owned) -> ConfigurationShown:
    """Each parameter with its bounds: what is desired, what was reported, where that stands."""
    return await configuration_of(call.parts, charge_point)


@router.post(
    "/config/customize",
    summary="Customize the configuration of a charge point of mine",
    operation_id="customizeOwnedConfiguration",
    response_model_exclude_unset=True,  # as the installer's
    responses=problems(
        project_not_handed_over="Until the handover the installer does this.",
        withdrawn="It was taken out of the project.",
    ),
)
async def customize(
    call: OwnerCall,
    project_id: ProjectId,
    charge_point_id: ChargePointId,
    body: Customization,
) -> Customized:
    """Override parameters within their bounds, from the handover on; the installer did it before.

    A charge point that is away takes them when it connects. What counts after a restart waits for
    one while somebody charges.
    """
    chosen = await choose(call, charge_point_id, body, project_id=project_id)
    return customized(charge_point_id, chosen)


@router.post(
    "/test-connection",
    summary="Test the connection of a charge point of mine",
    operation_id="testOwnedConnection",
)
async def test_connection(call: OwnerCall, charge_point: _Owned) -> ConnectionTested:
    """Whether it is connected now, and answers; when it is not, `reason` says why in words."""
    return await tested(call.parts, charge_point, claims=False)
