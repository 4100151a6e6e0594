"""Endpoints of commissioning runs."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Body, Query

from api.call import no_run
from api.commissioning import service
from api.commissioning.record import LogEntryShown, RunListed, RunRecord
from api.commissioning.schemas import (
    Answered,
    AnswerGiven,
    Cancel,
    Cancelling,
    Retry,
    Start,
    Started,
    StatusShown,
)
from api.deps import ChargePointId, CommissioningId, InstallerCall
from api.fields import Moment
from api.pagination import Page, Paging
from api.problems import problems
from api.projects.endpoints import HANDED_OVER
from api.verified import refuse_unverified
from domain.commissioning import RunAnswer, RunRequest
from domain.ids import Prefix, is_id
from domain.states import LogLevel, RunStatus
from storage.log import Log, LogFilter
from storage.runs import Runs

router = APIRouter(prefix="/installer/commissioning/{charge_point_id}", tags=["Commissioning"])

_RUN_OPEN = "A run is open; `commissioning_id` names it."
_CHARGING = (
    "At a site that is handed over, somebody charges there; `transaction_ids` names the sessions. "
    "Wait, or send `stop_sessions`."
)


@router.post(
    "/start",
    status_code=HTTPStatus.ACCEPTED,
    summary="Start commissioning",
    operation_id="startCommissioning",
    responses=problems(run_open=_RUN_OPEN, charging=_CHARGING, project_handed_over=HANDED_OVER),
)
async def start(
    call: InstallerCall,
    charge_point_id: ChargePointId,
    body: Annotated[Start | None, Body()] = None,
) -> Started:
    """Trigger the commissioning sequence: OCPP handshake, firmware, connectors, test transaction.

    It may start while the charge point is not connected yet; it waits for it then. At most one
    run is open for a charge point.
    """
    if body is not None and body.notify_on_complete:
        refuse_unverified(call.parts, call.account)
    request = await service.start(call, charge_point_id, (body or Start()).options())
    return _started(request)


@router.get(
    "/status",
    summary="Poll the status of commissioning",
    operation_id="getCommissioningStatus",
)
async def status(call: InstallerCall, charge_point_id: ChargePointId) -> StatusShown:
    """The newest run. Poll every 10 to 15 seconds until `status` is `completed` or `failed`.

    While the run waits for something, `waiting` says for what, until when and what to do.
    """
    return StatusShown.of(await service.newest_view(call, charge_point_id))


@router.post(
    "/retry",
    status_code=HTTPStatus.ACCEPTED,
    summary="Retry commissioning",
    operation_id="retryCommissioning",
    responses=problems(
        run_open=_RUN_OPEN,
        nothing_to_retry="Commissioning was never started.",
        already_completed="The newest run passed.",
        charging=_CHARGING,
        project_handed_over=HANDED_OVER,
    ),
)
async def retry(
    call: InstallerCall, charge_point_id: ChargePointId, body: Retry | None = None
) -> Started:
    """Run again as the newest run was started; the two records refer to each other.

    The handshake is always done again. Other checks that passed are kept, with their evidence,
    unless something has changed since that makes them stale.
    """
    return _started(await service.retry(call, charge_point_id, body or Retry()))


@router.post(
    "/cancel",
    status_code=HTTPStatus.ACCEPTED,
    summary="Cancel commissioning",
    operation_id="cancelCommissioning",
    responses=problems(
        no_open_run="No run is open.",
        run_closing="Its checks have ended; it closes with their verdict.",
    ),
)
async def cancel(
    call: InstallerCall,
    charge_point_id: ChargePointId,
    body: Annotated[Cancel | None, Body()] = None,
) -> Cancelling:
    """Cancel the open run. A test transaction is stopped first; then its status is `cancelled`.

    That takes twenty seconds at most. What the charge point has not done by then is an alarm of
    the record, and is done once it can be.
    """
    request, state = await service.cancel(call, charge_point_id, body.reason if body else None)
    return Cancelling(
        commissioning_id=request.commissioning_id, charge_point_id=charge_point_id, status=state
    )


@router.post(
    "/answer",
    summary="Answer what the run asks",
    operation_id="answerCommissioning",
    responses=problems(
        no_open_run="No run is open.",
        nothing_asked="The run asks nothing just now.",
        answer_not_possible="It asks something that has other answers.",
    ),
)
async def answer(
    call: InstallerCall, charge_point_id: ChargePointId, body: AnswerGiven
) -> Answered:
    """Say that it is done, give it up, or skip it: `waiting.answers` of the status says which.

    An answer alone passes nothing. After `done` the charge point is looked at again; `give_up`
    fails the check; `skip` is what a run without a vehicle ends with. The record keeps who said so.
    """
    given = RunAnswer(
        answer=body.answer,
        note=body.note,
        by=call.account.email,
        connector_id=body.connector_id,
        actor=call.actor,
    )
    request, asked = await service.answer(call, charge_point_id, given)
    return Answered(
        commissioning_id=request.commissioning_id,
        charge_point_id=charge_point_id,
        asked=asked,
        answer=body.answer,
    )


@router.get("/runs", summary="List runs", operation_id="listRuns")
async def list_runs(
    call: InstallerCall, charge_point_id: ChargePointId, paging: Paging
) -> Page[RunListed]:
    """All runs of the charge point, newest first."""
    async with call.read(charge_point=charge_point_id) as connection:
        rows = await Runs(connection).page(
            charge_point_id, before=paging.after_id(Prefix.COMMISSIONING), limit=paging.fetch
        )
    return paging.page(rows, RunListed.of, lambda run: run.request.commissioning_id)


@router.get("/runs/{commissioning_id}", summary="Show the record of a run", operation_id="getRun")
async def get_run(
    call: InstallerCall, charge_point_id: ChargePointId, commissioning_id: CommissioningId
) -> RunRecord:
    """The checks with their steps, evidence and timings, of an open or a finished run.

    `odd_messages` counts what broke the standard and was repaired or refused; the log has each kind
    once, at the level `warning`.
    """
    view = await service.view_of(call, charge_point_id, commissioning_id)
    odd = await service.irregularities_of(call.parts, charge_point_id, commissioning_id)
    return RunRecord.of_run(view, odd)


@router.get("/logs", summary="Read the detailed log", operation_id="getLog")
async def logs(
    call: InstallerCall,
    charge_point_id: ChargePointId,
    paging: Paging,
    run: Annotated[str | None, Query(description="Only entries of this run")] = None,
    level: Annotated[LogLevel | None, Query(description="From this level upwards")] = None,
    since: Annotated[Moment | None, Query(description="Not before this moment")] = None,
    until: Annotated[Moment | None, Query(description="Before this moment")] = None,
) -> Page[LogEntryShown]:
    """The log by time, with the OCPP frames in both directions.

    Frames have the level `debug`; steps, verdicts and connections the levels above. Frames and
    connections are there as they happen, steps and verdicts once the run has ended.
    """
    async with call.read(charge_point=charge_point_id) as connection:
        if run is not None and (
            not is_id(Prefix.COMMISSIONING, run)
            or await Runs(connection).get(charge_point_id, run) is None
        ):
            raise no_run()
        rows = await Log(connection).page(
            charge_point_id,
            LogFilter(commissioning_id=run, level=level, since=since, until=until),
            after=paging.after_number(),
            limit=paging.fetch,
        )
    return paging.page(rows, LogEntryShown.of, lambda entry: entry.id)


def _started(request: RunRequest) -> Started:
    return Started.of(request, status=RunStatus.IN_PROGRESS)
