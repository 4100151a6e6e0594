"""Endpoints of what a site owner has charge points do."""

from typing import Annotated, Final

from fastapi import APIRouter, Body, Path

from api.commands import service
from api.commands.schemas import AvailabilityChange, CommandShown, ResetOrder, SessionStart
from api.deps import ChargePointId, OwnerCall, ProjectId
from api.problems import problems
from domain.commands import Command, CommandName
from domain.ids import Prefix, new_id

router = APIRouter(
    prefix="/site-owner/projects/{project_id}/charge-points/{charge_point_id}",
    tags=["Running a site"],
)

_NOT_COMMISSIONED = "It is not commissioned yet, so it is kept inoperative."
_CONFLICTS: Final = {
    "project_not_handed_over": "Until the handover the installer does this.",
    "withdrawn": "It was taken out of the project.",
    "run_open": "It is being commissioned.",
}
_Connector = Annotated[int, Path(ge=1, le=100, examples=[1])]
_Transaction = Annotated[str, Path(min_length=1, max_length=36, examples=["7"])]


@router.put(
    "/connectors/{connector_id}/availability",
    summary="Let a connector charge, or take it out of use",
    operation_id="setConnectorAvailability",
    responses=problems(
        **_CONFLICTS,
        kept_inoperative="The supply does not carry it.",
        not_commissioned=_NOT_COMMISSIONED,
    ),
)
async def set_availability(
    call: OwnerCall,
    project_id: ProjectId,
    charge_point_id: ChargePointId,
    connector_id: Annotated[int, Path(ge=0, le=100, examples=[1])],
    body: AvailabilityChange,
) -> CommandShown:
    """Connector 0 is the whole charge point. While somebody charges it is `scheduled`.

    The charge point keeps it over a restart.
    """
    command = Command(
        command_id=new_id(Prefix.COMMAND),
        charge_point_id=charge_point_id,
        name=CommandName.AVAILABILITY,
        connector_id=connector_id,
        operative=body.available,
    )
    return await service.send(call, project_id, command)


@router.post(
    "/connectors/{connector_id}/unlock",
    summary="Let go of a plug",
    operation_id="unlockConnector",
    responses=problems(**_CONFLICTS),
)
async def unlock(
    call: OwnerCall,
    project_id: ProjectId,
    charge_point_id: ChargePointId,
    connector_id: _Connector,
) -> CommandShown:
    """For a cable that is stuck. A session that runs there ends."""
    command = Command(
        command_id=new_id(Prefix.COMMAND),
        charge_point_id=charge_point_id,
        name=CommandName.UNLOCK,
        connector_id=connector_id,
    )
    return await service.send(call, project_id, command)


@router.post(
    "/reset",
    summary="Restart a charge point",
    operation_id="resetChargePoint",
    responses=problems(**_CONFLICTS, charging="Somebody charges there."),
)
async def reset(
    call: OwnerCall,
    project_id: ProjectId,
    charge_point_id: ChargePointId,
    body: Annotated[ResetOrder | None, Body()] = None,
) -> CommandShown:
    """Not while somebody charges, unless you send `stop_sessions`."""
    order = body or ResetOrder()
    command = Command(
        command_id=new_id(Prefix.COMMAND),
        charge_point_id=charge_point_id,
        name=CommandName.RESET,
        kind=order.kind,
    )
    return await service.send(call, project_id, command, stop_sessions=order.stop_sessions)


@router.post(
    "/connectors/{connector_id}/start",
    summary="Start a session",
    operation_id="startSession",
    responses=problems(
        **_CONFLICTS,
        id_tag_not_admitted="The id tag may not charge here.",
        not_commissioned=_NOT_COMMISSIONED,
    ),
)
async def start(
    call: OwnerCall,
    project_id: ProjectId,
    charge_point_id: ChargePointId,
    connector_id: _Connector,
    body: SessionStart,
) -> CommandShown:
    """As if the card were presented: the session is that of the id tag, and is billed as one.

    `accepted` means that the charge point begins once a vehicle is plugged in.
    """
    command = Command(
        command_id=new_id(Prefix.COMMAND),
        charge_point_id=charge_point_id,
        name=CommandName.START,
        connector_id=connector_id,
        id_tag=body.id_tag,
    )
    return await service.send(call, project_id, command)


@router.post(
    "/transactions/{transaction_id}/stop",
    summary="Stop a session",
    operation_id="stopSession",
    responses=problems(**_CONFLICTS),
)
async def stop(
    call: OwnerCall,
    project_id: ProjectId,
    charge_point_id: ChargePointId,
    transaction_id: _Transaction,
) -> CommandShown:
    """End a session that runs; it is billed as far as it went."""
    command = Command(
        command_id=new_id(Prefix.COMMAND),
        charge_point_id=charge_point_id,
        name=CommandName.STOP,
        transaction_id=transaction_id,
    )
    return await service.send(call, project_id, command)
