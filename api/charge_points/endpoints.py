"""Endpoints of charge points."""

from dataclasses import asdict, replace
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from api.call import Call, no_project
from api.charge_points.schemas import (
    ChargePointChange,
    ChargePointDetail,
    ChargePointRegistered,
    ChargePointShown,
    NewChargePoint,
    SerialWanted,
    ocpp_endpoint,
)
from api.deps import ChargePointId, InstallerCall, now
from api.pagination import Page, Paging
from api.plausibility import audit_confirmed, confirmed
from api.power.service import look_again
from api.problems import problems
from api.projects.endpoints import HANDED_OVER
from api.verified import refuse_beyond_quota
from domain.accounts import Counted
from domain.audit import AuditAction
from domain.errors import ConflictError
from domain.ids import Prefix, is_id, new_id
from domain.states import ChargePointStatus
from storage.audit import Audit
from storage.charge_points import ChargePoint, ChargePoints
from storage.parameters import Parameters
from storage.runs import refuse_while_open
from storage.snapshots import read_snapshot
from storage.verdicts import restate

router = APIRouter(prefix="/installer/charge-points", tags=["Charge points"])

_DUPLICATE = "The project has a charge point with this serial number; `charge_point_id` names it."
_HAS_RUNS = "Commissioning was started, so its record must stay."
WITHDRAWN = "It was withdrawn; `POST …/charge-points/{id}/reinstate` brings it back."
_RUN_OPEN = "A run is open: wait for its verdict or cancel it; `commissioning_id` names it."


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    summary="Register a charge point",
    operation_id="registerChargePoint",
    responses=problems(404, duplicate_serial=_DUPLICATE, project_handed_over=HANDED_OVER),
)
async def register_charge_point(call: InstallerCall, body: NewChargePoint) -> ChargePointRegistered:
    """Add a charge point to a project of yours by its serial number and model.

    Configure the charger's firmware to connect to the `ocpp_endpoint` of the response. A model
    that is not in the catalogue gets a generic configuration template.
    """
    _project(body.project_id)
    charge_point = body.registered(new_id(Prefix.CHARGE_POINT), at=now())
    async with call.write() as connection:
        project = await call.project_for_change(connection, charge_point.project_id, by_visit=True)
        meant = confirmed(body.location.questions() if body.location else [], body.confirm)
        await refuse_beyond_quota(call, connection, Counted.CHARGE_POINTS)
        await ChargePoints(connection).register(charge_point, visit=project.service_visit_id)
        await Audit(connection, charge_point.project_id).write(
            AuditAction.CHARGE_POINT_REGISTERED,
            call.actor,
            target=charge_point.id,
            at=charge_point.created_at,
            after=_audited(charge_point),
        )
        await audit_confirmed(
            Audit(connection, charge_point.project_id),
            call.actor,
            meant,
            target=charge_point.id,
            at=charge_point.created_at,
        )
    if project.service_visit_id is not None:
        await look_again(call.parts, charge_point.project_id, charge_point.id)
    return ChargePointRegistered.of(
        charge_point,
        ocpp_endpoint=ocpp_endpoint(call.parts.settings.public_ocpp_url, charge_point.id),
    )


@router.get(
    "",
    summary="List charge points",
    operation_id="listChargePoints",
    responses=problems(404),
)
async def list_charge_points(
    call: InstallerCall,
    paging: Paging,
    project_id: Annotated[str | None, Query(description="Only those of this project")] = None,
    status: Annotated[
        ChargePointStatus | None, Query(description="Only those in this status")
    ] = None,
    serial_number: SerialWanted = None,
) -> Page[ChargePointShown]:
    """Your charge points, newest first."""
    async with call.read() as connection:
        if project_id is not None:
            await call.project(connection, _project(project_id), by_visit=True)
        rows = await ChargePoints(connection).page_of_installer(
            installer_id=call.account.id,
            project_id=project_id,
            status=status,
            serial_number=serial_number,
            before=paging.after_id(Prefix.CHARGE_POINT),
            limit=paging.fetch,
        )
    base = call.parts.settings.public_ocpp_url
    return paging.page(rows, lambda row: ChargePointShown.at(base, row), lambda row: row.id)


@router.get("/{charge_point_id}", summary="Show a charge point", operation_id="getChargePoint")
async def get_charge_point(
    call: InstallerCall, charge_point_id: ChargePointId
) -> ChargePointDetail:
    """A charge point, with its connection, firmware and connectors as it reported them."""
    return await detail_of(call, charge_point_id)


@router.patch(
    "/{charge_point_id}",
    summary="Change a charge point",
    operation_id="changeChargePoint",
    responses=problems(
        run_open=_RUN_OPEN,
        withdrawn=WITHDRAWN,
        duplicate_serial=_DUPLICATE,
        project_handed_over=HANDED_OVER,
    ),
)
async def change_charge_point(
    call: InstallerCall, charge_point_id: ChargePointId, body: ChargePointChange
) -> ChargePointDetail:
    """Correct what was registered, at any time before the handover; what is left out stays.

    Serial number, vendor and model can be corrected while no run is open. A verdict about another
    name plate than the corrected one no longer counts: its charge point is `registered` again, and
    is commissioned once more. Another vendor or model has another template, so values that were
    customized are dropped.
    """
    async with call.write() as connection:
        charge_points = ChargePoints(connection)
        before = await call.charge_point_for_change(connection, charge_point_id)
        if body.changes_identity:
            await refuse_while_open(connection, charge_point_id)
        after = replace(
            before,
            serial_number=body.serial_number or before.serial_number,
            model=body.model or before.model,
            vendor=body.vendor or before.vendor,
            location=body.location.stored() if body.location else before.location,
            connectors=body.connectors
            if "connectors" in body.model_fields_set
            else before.connectors,
        )
        meant = confirmed(body.location.questions() if body.location else [], body.confirm)
        await charge_points.change(after)
        await Audit(connection, after.project_id).write(
            AuditAction.CHARGE_POINT_CHANGED,
            call.actor,
            target=after.id,
            at=now(),
            before=_audited(before),
            after=_audited(after),
        )
        await audit_confirmed(
            Audit(connection, after.project_id), call.actor, meant, target=after.id, at=now()
        )
        if (after.vendor, after.model) != (before.vendor, before.model):
            await Parameters(connection).forget(charge_point_id)
        if body.changes_identity:
            after = replace(after, status=await restate(connection, charge_point_id))
        facts = await read_snapshot(connection, charge_point_id, now=now())
    return ChargePointDetail.with_facts(call.parts.settings.public_ocpp_url, after, facts)


@router.delete(
    "/{charge_point_id}",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Remove a charge point",
    operation_id="removeChargePoint",
    responses=problems(has_runs=_HAS_RUNS, project_handed_over=HANDED_OVER),
)
async def remove_charge_point(call: InstallerCall, charge_point_id: ChargePointId) -> Response:
    """Remove a charge point that was registered by mistake, before its first commissioning."""
    async with call.write() as connection:
        charge_points = ChargePoints(connection)
        removed = await call.charge_point_for_change(
            connection, charge_point_id, even_withdrawn=True
        )
        if await charge_points.has_runs(charge_point_id):
            raise ConflictError(
                "has_runs",
                f"{_HAS_RUNS} Withdraw it instead, with POST …/charge-points/{charge_point_id}"
                "/withdraw.",
            )
        await charge_points.delete(charge_point_id)
        await Audit(connection, removed.project_id).write(
            AuditAction.CHARGE_POINT_REMOVED,
            call.actor,
            target=removed.id,
            at=now(),
            before=_audited(removed),
        )
    return Response(status_code=HTTPStatus.NO_CONTENT)


async def detail_of(call: Call, charge_point_id: str) -> ChargePointDetail:
    """Show a charge point as it is now."""
    async with call.read() as connection:
        charge_point = await call.charge_point(connection, charge_point_id)
        facts = await read_snapshot(connection, charge_point_id, now=now())
    return ChargePointDetail.with_facts(call.parts.settings.public_ocpp_url, charge_point, facts)


def _audited(charge_point: ChargePoint) -> dict[str, Any]:
    return {
        "serial_number": charge_point.serial_number,
        "vendor": charge_point.vendor,
        "model": charge_point.model,
        "location": asdict(charge_point.location),
        "connectors": charge_point.connectors,
    }


def _project(project_id: str) -> str:
    if not is_id(Prefix.PROJECT, project_id):
        raise no_project()
    return project_id
