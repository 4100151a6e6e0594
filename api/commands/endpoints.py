"""Endpoints of what a site owner has charge points do, and of the sessions that run."""

from dataclasses import dataclass
from typing import Annotated, Final, TypedDict, Unpack

from fastapi import APIRouter, Body, Depends, Path

from api.commands import service
from api.commands.schemas import (
    AvailabilityChange,
    CommandShown,
    ResetOrder,
    SessionShown,
    SessionStart,
)
from api.deps import ChargePointId, OwnerCall, ProjectId
from api.pagination import Page, Paging
from api.problems import problems
from domain.commands import Command, CommandName
from domain.ids import Prefix, new_id
from domain.operations import ResetKind
from domain.places import number_of
from storage.transactions import running_sessions

router = APIRouter(
    prefix="/site-owner/projects/{project_id}/charge-points/{charge_point_id}",
    tags=["Running a site"],
)
sessions_router = APIRouter(
    prefix="/site-owner/projects/{project_id}/sessions", tags=["Running a site"]
)

_NOT_COMMISSIONED = "It is not commissioned yet, so it is kept inoperative."
_CONFLICTS: Final = {
    "project_not_handed_over": "Until the handover the installer does this.",
    "withdrawn": "It was taken out of the project.",
    "run_open": "It is being commissioned.",
}
_Connector = Annotated[int, Path(ge=1, le=100, examples=[1])]
_Transaction = Annotated[str, Path(min_length=1, max_length=36, examples=["7"])]


class _What(TypedDict, total=False):
    connector_id: int
    operative: bool
    kind: ResetKind
    id_tag: str
    transaction_id: str


@dataclass(frozen=True, slots=True)
class Station:
    """The charge point of the path, and who has it do something."""

    call: OwnerCall
    project_id: ProjectId
    charge_point_id: ChargePointId

    async def send(
        self, name: CommandName, *, stop_sessions: bool = False, **what: Unpack[_What]
    ) -> CommandShown:
        """Have it do that; ``what`` is what the command needs beside its name."""
        command = Command(
            command_id=new_id(Prefix.COMMAND),
            charge_point_id=self.charge_point_id,
            name=name,
            **what,
        )
        return await service.send(self.call, self.project_id, command, stop_sessions=stop_sessions)


_Station = Annotated[Station, Depends()]


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
    station: _Station,
    connector_id: Annotated[int, Path(ge=0, le=100, examples=[1])],
    body: AvailabilityChange,
) -> CommandShown:
    """Connector 0 is the whole charge point. While somebody charges it is `scheduled`.

    The charge point keeps it over a restart.
    """
    return await station.send(
        CommandName.AVAILABILITY, connector_id=connector_id, operative=body.available
    )


@router.post(
    "/connectors/{connector_id}/unlock",
    summary="Let go of a plug",
    operation_id="unlockConnector",
    responses=problems(**_CONFLICTS),
)
async def unlock(station: _Station, connector_id: _Connector) -> CommandShown:
    """For a cable that is stuck. A session that runs there ends."""
    return await station.send(CommandName.UNLOCK, connector_id=connector_id)


@router.post(
    "/reset",
    summary="Restart a charge point",
    operation_id="resetChargePoint",
    responses=problems(**_CONFLICTS, charging="Somebody charges there."),
)
async def reset(
    station: _Station, body: Annotated[ResetOrder | None, Body()] = None
) -> CommandShown:
    """Not while somebody charges, unless you send `stop_sessions`."""
    order = body or ResetOrder()
    return await station.send(CommandName.RESET, kind=order.kind, stop_sessions=order.stop_sessions)


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
async def start(station: _Station, connector_id: _Connector, body: SessionStart) -> CommandShown:
    """As if the card were presented: the session is that of the id tag, and is billed as one.

    `accepted` means that the charge point begins once a vehicle is plugged in.
    """
    return await station.send(CommandName.START, connector_id=connector_id, id_tag=body.id_tag)


@router.post(
    "/transactions/{transaction_id}/stop",
    summary="Stop a session",
    operation_id="stopSession",
    responses=problems(**_CONFLICTS),
)
async def stop(station: _Station, transaction_id: _Transaction) -> CommandShown:
    """End a session that runs; it is billed as far as it went."""
    return await station.send(CommandName.STOP, transaction_id=transaction_id)


@sessions_router.get("", summary="List the sessions that run", operation_id="listRunningSessions")
async def list_running(
    call: OwnerCall, project_id: ProjectId, paging: Paging
) -> Page[SessionShown]:
    """The sessions at the site that have not ended, newest first; those that have are in `cdrs`."""
    async with call.read(project=project_id) as connection:
        rows = await running_sessions(
            connection, project_id, before=paging.after_number(), limit=paging.fetch
        )
    return paging.page(
        rows,
        lambda one: SessionShown.of(
            one, transaction_id=one.ocpp_id, connector_id=number_of(one.evse_id)
        ),
        lambda one: one.id,
    )
