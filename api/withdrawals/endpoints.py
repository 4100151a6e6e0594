"""Endpoints of withdrawing charge points."""

from contextlib import suppress
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Response

from api.call import Call, no_charge_point
from api.charge_points.endpoints import WITHDRAWN, detail_of
from api.charge_points.schemas import ChargePointDetail, ChargePointShown
from api.commissioning import service as commissioning
from api.deps import ChargePointId, InstallerCall, now
from api.power.service import look_again
from api.problems import problems
from api.projects.endpoints import HANDED_OVER
from api.verified import refuse_beyond_quota
from api.withdrawals.schemas import Replace, Replaced, Swap, Swapped, Withdraw
from domain.accounts import Counted
from domain.audit import AuditAction
from domain.choices import Choices
from domain.errors import ConflictError, UnavailableError
from domain.ids import Prefix, is_id, new_id
from domain.parameters import value_of, what_is_wrong
from domain.states import ChargePointStatus
from domain.withdrawals import WithdrawalOrder
from storage.audit import Audit
from storage.charge_points import ChargePoint, ChargePoints
from storage.exchanges import Exchanges
from storage.learnt_configuration import read_reported_keys
from storage.parameters import Parameters
from storage.withdrawals import Withdrawals

router = APIRouter(prefix="/installer/charge-points", tags=["Charge points"])

_RUN_OPEN = "A run is open; `commissioning_id` names it. Wait, cancel it, or send `end_run`."
_CHARGING = "It is charging; `transaction_ids` names the sessions. Wait, or send `end_run`."
_DUPLICATE = "Its serial number has been registered again meanwhile: `charge_point_id`."


@router.post(
    "/{charge_point_id}/withdraw",
    summary="Withdraw a charge point",
    operation_id="withdrawChargePoint",
    responses=problems(
        run_open=_RUN_OPEN,
        charging=_CHARGING,
        withdrawn="It is withdrawn already, or is about to be.",
        project_handed_over=HANDED_OVER,
    )
    | {
        202: {
            "model": ChargePointDetail,
            "description": "What goes on at it is being ended; then it is withdrawn",
        }
    },
)
async def withdraw_charge_point(
    call: InstallerCall, charge_point_id: ChargePointId, body: Withdraw, response: Response
) -> ChargePointDetail:
    """Take a charge point out of its project: it is dead on arrival, or its bay is dropped.

    It does not stand in the way of the handover, is not commissioned with the project, takes no
    power, and may not connect; nothing that is known of it is lost, and the site's certificate
    says when, by whom and why it was withdrawn. Its serial number may be registered again.

    At a site that is handed over it is made inoperative first, loses its limits, and is withdrawn
    once it cannot draw any more; until then its power is kept for it, and the answer is 202.
    """
    order = WithdrawalOrder(
        reason=body.reason, by=call.actor, asked_at=now(), isolated=body.isolated
    )
    async with call.write() as connection:
        charge_point = await call.charge_point_for_change(
            connection, charge_point_id, even_withdrawn=body.isolated
        )
        done = await Withdrawals(connection).withdraw(charge_point, order, end_run=body.end_run)
    if not done:
        await end_what_goes_on(call, charge_point_id, order)
    shown = await detail_of(call, charge_point_id)
    if shown.withdrawal is not None and shown.withdrawal.at is None:
        response.status_code = HTTPStatus.ACCEPTED
    return shown


@router.post(
    "/{charge_point_id}/reinstate",
    summary="Reinstate a charge point",
    operation_id="reinstateChargePoint",
    responses=problems(
        not_withdrawn="It is not withdrawn.",
        replaced="Another one is in its place: `charge_point_id`.",
        duplicate_serial=_DUPLICATE,
        project_handed_over=HANDED_OVER,
    ),
)
async def reinstate_charge_point(
    call: InstallerCall, charge_point_id: ChargePointId
) -> ChargePointDetail:
    """Bring a withdrawn charge point back, or take back a withdrawal that waits for an end.

    It may connect again. Its newest verdict counts if it still is about this charge point; at a
    site that is handed over it is commissioned once more before anybody charges there.
    """
    async with call.write() as connection:
        charge_point = await call.charge_point_for_change(
            connection, charge_point_id, even_withdrawn=True
        )
        await Withdrawals(connection).reinstate(charge_point, by=call.actor, at=now())
    await look_again(call.parts, charge_point.project_id, charge_point_id)
    return await detail_of(call, charge_point_id)


@router.post(
    "/{charge_point_id}/replace",
    status_code=HTTPStatus.CREATED,
    summary="Replace a charge point",
    operation_id="replaceChargePoint",
    responses=problems(
        run_open=_RUN_OPEN,
        charging=_CHARGING,
        already_replaced="Another one is in its place: `charge_point_id`.",
        same_serial="It is the serial number of the charge point itself.",
        duplicate_serial="The project has a charge point with that serial number.",
        project_handed_over=HANDED_OVER,
    ),
)
async def replace_charge_point(
    call: InstallerCall, charge_point_id: ChargePointId, body: Replace
) -> Replaced:
    """Put another unit in the place of a charge point, which is withdrawn.

    The new one has the same bay, location and electrical data, and an endpoint of its own, which
    is to be entered in it; it is commissioned like any other. Values that were chosen for the old
    one are kept where its model has them. What was declared and photographed stays with the old.
    """
    at = now()
    async with call.write() as connection:
        old = await call.charge_point_for_change(connection, charge_point_id, even_withdrawn=True)
        model, vendor = body.model or old.model, body.vendor or old.vendor
        alike = (model, vendor) == (old.model, old.vendor)
        new = ChargePoint(
            id=new_id(Prefix.CHARGE_POINT),
            project_id=old.project_id,
            serial_number=body.serial_number,
            model=model,
            vendor=vendor,
            ocpp_version=old.ocpp_version,
            location=old.location,
            connectors=old.connectors if alike else None,
            status=ChargePointStatus.REGISTERED,
            created_at=at,
        )
        reason = body.reason or f"Replaced by {body.serial_number}"
        order = WithdrawalOrder(reason=reason, by=call.actor, asked_at=at, isolated=body.isolated)
        await refuse_beyond_quota(call, connection, Counted.CHARGE_POINTS)
        done = await Exchanges(connection).replace(old, new, order, end_run=body.end_run)
        chosen = await Parameters(connection).desired(old.id)
        template = call.parts.catalogue.resolve(new.vendor, new.model).template
        known = Choices(template, await read_reported_keys(connection, old.id))
        # Beside its template nobody knows what another model has.
        of_model = {one.key for one in template.parameters} | (set(chosen) if alike else set())
        kept = {
            key: text
            for key, text in chosen.items()
            if key in of_model
            and (parameter := known.parameter(key)) is not None
            and what_is_wrong(parameter, value_of(parameter, text)) is None
        }
        await Parameters(connection).queue(new.id, kept, at=at)
        await Audit(connection, old.project_id).write(
            AuditAction.CHARGE_POINT_REPLACED,
            call.actor,
            target=old.id,
            at=at,
            before=_plate(old),
            after={"charge_point_id": new.id, **_plate(new)},
        )
    if not done:
        await end_what_goes_on(call, charge_point_id, order)
    await look_again(call.parts, new.project_id, new.id)
    return Replaced(
        charge_point=await detail_of(call, new.id),
        replaced=await detail_of(call, old.id),
        configuration_kept=sorted(kept),
        configuration_dropped=sorted(set(chosen) - set(kept)),
    )


@router.post(
    "/swap",
    summary="Swap two charge points",
    operation_id="swapChargePoints",
    responses=problems(
        404,
        run_open="A run of one of them is open; `commissioning_id` names it.",
        same_charge_point="Both ids are the same.",
        different_projects="They are of two projects.",
        withdrawn=WITHDRAWN,
        project_handed_over=HANDED_OVER,
    ),
)
async def swap_charge_points(call: InstallerCall, body: Swap) -> Swapped:
    """Put right that two units hang in each other's bay, or were given each other's endpoint.

    With a place goes what belongs to it: the location, the electrical data, what was declared and
    photographed there. Verdicts that no longer fit count no more: their charge point is
    `registered` again, and is commissioned once more.
    """
    one, other = body.charge_point_ids
    for identity in (one, other):
        if not is_id(Prefix.CHARGE_POINT, identity):
            raise no_charge_point()
    if one == other:
        raise ConflictError(
            "same_charge_point", "Both ids are the same. Send those of the two that are exchanged."
        )
    at = now()
    async with call.write() as connection:
        repository = ChargePoints(connection)
        # In one order for all: each locks its project.
        first, second = [
            await call.charge_point_for_change(connection, each) for each in sorted((one, other))
        ]
        if first.project_id != second.project_id:
            raise ConflictError(
                "different_projects",
                "The two charge points are of two projects. Withdraw each in the project where it "
                "does not hang, and register it in the one where it does.",
            )
        before = {each.id: _plate(each) for each in (first, second)}
        await Exchanges(connection).swap(first, second, body.exchange, at=at)
        changed = [await repository.in_project(each, first.project_id) for each in (one, other)]
        await Audit(connection, first.project_id).write(
            AuditAction.CHARGE_POINTS_SWAPPED,
            call.actor,
            target=first.project_id,
            at=at,
            before=before,
            after={
                "exchange": body.exchange.value,
                **{each.id: _plate(each) for each in changed},
            },
        )
    await look_again(call.parts, first.project_id, one, other)
    base = call.parts.settings.public_ocpp_url
    return Swapped(charge_points=[ChargePointShown.at(base, each) for each in changed])


def _plate(charge_point: ChargePoint) -> dict[str, Any]:
    return {
        "serial_number": charge_point.serial_number,
        "vendor": charge_point.vendor,
        "model": charge_point.model,
        "location": asdict(charge_point.location),
    }


async def end_what_goes_on(call: Call, charge_point_id: str, order: WithdrawalOrder) -> None:
    """Cancel the open run; the order is safe, and what is missed here the reconciler sees to."""
    with suppress(ConflictError, UnavailableError):
        await commissioning.cancel(call, charge_point_id, order.reason)
    async with call.write() as connection:
        await Withdrawals(connection).complete(charge_point_id, at=now())
        withdrawn = await call.charge_point(connection, charge_point_id, even_handed_over=True)
    await look_again(call.parts, withdrawn.project_id, charge_point_id)
