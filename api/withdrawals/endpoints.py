"""Endpoints of withdrawing charge points."""

from contextlib import suppress
from http import HTTPStatus

from fastapi import APIRouter, Response

from api.charge_points.schemas import ChargePointDetail
from api.commissioning import service as commissioning
from api.deps import Acting, AppParts, ChargePointId, Installer, now
from api.parts import Parts
from api.problems import problems
from api.projects.endpoints import HANDED_OVER
from api.withdrawals.schemas import Withdraw
from domain.audit import Actor
from domain.errors import ConflictError, UnavailableError
from domain.withdrawals import WithdrawalOrder
from storage.accounts import Account
from storage.charge_points import ChargePoints
from storage.facts import read_snapshot
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
        400,
        401,
        403,
        404,
        413,
        422,
        503,
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
    charge_point_id: ChargePointId,
    body: Withdraw,
    installer: Installer,
    parts: AppParts,
    actor: Acting,
    response: Response,
) -> ChargePointDetail:
    """Take a charge point out of its project: it is dead on arrival, or its bay is dropped.

    It does not stand in the way of the handover, is not commissioned with the project, takes no
    power, and may not connect; nothing that is known of it is lost, and the site's certificate
    says when, by whom and why it was withdrawn. Its serial number may be registered again.
    """
    order = WithdrawalOrder(reason=body.reason, by=actor, asked_at=now())
    async with parts.database.write() as connection:
        charge_point = await ChargePoints(connection).for_change(
            charge_point_id, installer_id=installer.id
        )
        done = await Withdrawals(connection).withdraw(charge_point, order, end_run=body.end_run)
    if not done:
        await end_what_goes_on(parts, installer, charge_point_id, order, by=actor)
    shown = await _detail(parts, installer, charge_point_id)
    if shown.withdrawal is not None and shown.withdrawal.at is None:
        response.status_code = HTTPStatus.ACCEPTED
    return shown


@router.post(
    "/{charge_point_id}/reinstate",
    summary="Reinstate a charge point",
    operation_id="reinstateChargePoint",
    responses=problems(
        401,
        403,
        404,
        503,
        not_withdrawn="It is not withdrawn.",
        replaced="Another one is in its place: `charge_point_id`.",
        duplicate_serial=_DUPLICATE,
        project_handed_over=HANDED_OVER,
    ),
)
async def reinstate_charge_point(
    charge_point_id: ChargePointId, installer: Installer, parts: AppParts, actor: Acting
) -> ChargePointDetail:
    """Bring a withdrawn charge point back, or take back a withdrawal that waits for an end.

    It may connect again. Its newest verdict counts if it still is about this charge point.
    """
    async with parts.database.write() as connection:
        charge_point = await ChargePoints(connection).for_change(
            charge_point_id, installer_id=installer.id, even_withdrawn=True
        )
        await Withdrawals(connection).reinstate(charge_point, by=actor, at=now())
    return await _detail(parts, installer, charge_point_id)


async def end_what_goes_on(
    parts: Parts, installer: Account, charge_point_id: str, order: WithdrawalOrder, *, by: Actor
) -> None:
    """Cancel the open run; the order is safe, and what is missed here the reconciler sees to."""
    with suppress(ConflictError, UnavailableError):
        await commissioning.cancel(parts, installer, charge_point_id, order.reason, by=by)
    async with parts.database.write() as connection:
        await Withdrawals(connection).settle(charge_point_id, at=now())


async def _detail(parts: Parts, installer: Account, charge_point_id: str) -> ChargePointDetail:
    async with parts.database.read() as connection:
        charge_point = await ChargePoints(connection).get(
            charge_point_id, installer_id=installer.id
        )
        facts = await read_snapshot(connection, charge_point_id, now=now())
    return ChargePointDetail.with_facts(
        charge_point, facts, ocpp_base=parts.settings.public_ocpp_url
    )
