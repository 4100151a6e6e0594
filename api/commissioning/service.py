"""Starting, following and cancelling runs."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final

from api.call import Call, no_run
from api.commissioning.cause import with_newest_cause
from api.commissioning.schemas import Retry
from api.deps import now
from api.parts import Parts
from domain.audit import ENGINE
from domain.checks import CheckRecord, RunView
from domain.commissioning import (
    CancelRequest,
    RetryOrder,
    RunAnswer,
    RunOptions,
    RunRequest,
    RunToStart,
    StartOrder,
)
from domain.errors import ConflictError, NotFoundError, UnavailableError
from domain.facts import Irregularity
from domain.ids import Prefix, new_id
from domain.states import CheckName, CheckResult, Role, RunStatus
from storage.charge_points import ChargePoints
from storage.irregularities import read_irregularities
from storage.models.runs import CommissioningRun
from storage.run_orders import RunOrders
from storage.runs import Runs
from temporal import starts

_FOLLOWED_RUNS: Final = 20
_CANCEL_TRIES: Final = 2  # between the two, the run may have begun


async def start(call: Call, charge_point_id: str, options: RunOptions) -> RunRequest:
    """Start a run.

    Raises:
        ConflictError: ``run_open`` with the open run's ``commissioning_id``; ``charging`` with
            the ``transaction_ids``.
        UnavailableError: Temporal is away; no run was started.

    """
    order = StartOrder(
        commissioning_id=new_id(Prefix.COMMISSIONING),
        charge_point_id=charge_point_id,
        installer_id=call.account.id,
        started_by=call.account.email,
        options=options,
        actor=call.actor,
    )
    return await _start(call.parts, lambda orders: orders.start(order))


async def retry(call: Call, charge_point_id: str, wanted: Retry) -> RunRequest:
    """Start a run as the newest one was started.

    Raises:
        ConflictError: ``run_open``; ``nothing_to_retry``; ``already_completed``; ``charging``.
        UnavailableError: Temporal is away; no run was started.

    """
    order = RetryOrder(
        commissioning_id=new_id(Prefix.COMMISSIONING),
        charge_point_id=charge_point_id,
        installer_id=call.account.id,
        started_by=call.account.email,
        from_scratch=wanted.from_scratch,
        update_firmware=wanted.update_firmware,
        test_connectors=wanted.test_connectors,
        stop_sessions=wanted.stop_sessions,
        actor=call.actor,
    )
    return await _start(call.parts, lambda orders: orders.retry(order))


async def newest_view(call: Call, charge_point_id: str) -> RunView:
    """Show the newest run.

    Raises:
        NotFoundError: ``no_run``.

    """
    async with call.read() as connection:
        await call.charge_point(connection, charge_point_id)
    return await newest_of(call.parts, charge_point_id)


async def newest_of(parts: Parts, charge_point_id: str) -> RunView:
    """Show the newest run of a charge point that the caller may see; errors as `newest_view`."""
    async with parts.database.read() as connection:
        run = await Runs(connection).latest(charge_point_id)
    if run is None:
        raise NotFoundError(
            "no_run", "Commissioning was never started for this charge point. Start it first."
        )
    return await _view(parts, run)


async def view_of(call: Call, charge_point_id: str, commissioning_id: str) -> RunView:
    """Show one run.

    Raises:
        NotFoundError: ``run_not_found``.

    """
    async with call.read() as connection:
        await call.charge_point(connection, charge_point_id)
    return await record_of(call.parts, charge_point_id, commissioning_id)


async def record_of(parts: Parts, charge_point_id: str, commissioning_id: str) -> RunView:
    """Show one run of a charge point that the caller may see; errors as :func:`view_of`."""
    async with parts.database.read() as connection:
        run = await Runs(connection).get(charge_point_id, commissioning_id)
    if run is None or run.status is RunStatus.ABANDONED:
        raise no_run()
    return await _view(parts, run)


async def irregularities_of(
    parts: Parts, charge_point_id: str, commissioning_id: str
) -> Sequence[Irregularity]:
    """Tell what was odd about the charge point's messages in a run, what was refused first."""
    async with parts.database.read() as connection:
        return await read_irregularities(connection, charge_point_id, commissioning_id)


async def views_since(call: Call, charge_point_id: str, commissioning_id: str) -> Sequence[RunView]:
    """Show a run and those after it, oldest first; a run that was taken back shows as cancelled.

    Empty when the charge point never had that run.
    """
    async with call.read() as connection:
        charge_points = ChargePoints(connection)
        if call.account.role is Role.INSTALLER:
            await charge_points.get(charge_point_id, installer_id=call.account.id)
        else:
            await charge_points.owned(charge_point_id, site_owner_id=call.account.id)
        runs = await Runs(connection).since(charge_point_id, commissioning_id, limit=_FOLLOWED_RUNS)
    if not runs or runs[0].request.commissioning_id != commissioning_id:
        return []
    return [await _view(call.parts, run) for run in runs]


async def cancel(
    call: Call, charge_point_id: str, reason: str | None
) -> tuple[RunRequest, RunStatus]:
    """Cancel the open run; the second part of the answer says how far that is.

    Raises:
        ConflictError: ``no_open_run``; ``run_closing``.

    """
    run = await _open_run(call, charge_point_id)
    meant = run.request.commissioning_id
    request = CancelRequest(
        by=call.account.email, reason=reason, commissioning_id=meant, actor=call.actor
    )
    for _ in range(_CANCEL_TRIES):
        if await call.parts.temporal.cancel_run(charge_point_id, request):
            return run.request, RunStatus.IN_PROGRESS
        # The row is there and its workflow is not: not begun yet, or just closed.
        async with call.write() as connection:
            abandoned = await Runs(connection).abandon(run.request, by=call.actor, at=now())
        if abandoned:
            return run.request, RunStatus.CANCELLED
        # It has just begun, then; or else it has ended.
        if (await _open_run(call, charge_point_id)).request.commissioning_id != meant:
            break
    raise _no_open_run()


async def answer(call: Call, charge_point_id: str, given: RunAnswer) -> tuple[RunRequest, str]:
    """Answer what the open run asks; the second part of the answer is what was asked.

    Raises:
        ConflictError: ``no_open_run``; ``nothing_asked``; ``answer_not_possible``.

    """
    run = await _open_run(call, charge_point_id)
    meant = replace(given, commissioning_id=run.request.commissioning_id)
    asked = await call.parts.temporal.answer_run(charge_point_id, meant)
    if asked is None:
        await _open_run(call, charge_point_id)
        raise ConflictError(  # it is about to begin
            "nothing_asked", "The run asks nothing just now. Its status says what it waits for."
        )
    return run.request, asked.prompt


async def _open_run(call: Call, charge_point_id: str) -> CommissioningRun:
    async with call.read(charge_point=charge_point_id) as connection:
        run = await Runs(connection).open_run(charge_point_id)
    if run is None:
        raise _no_open_run()
    return run


async def _start(parts: Parts, commit: Callable[[RunOrders], Awaitable[RunToStart]]) -> RunRequest:
    await parts.temporal.check()  # before the row: without Temporal nothing is half done
    async with parts.database.write() as connection:
        committed = await commit(RunOrders(connection, at=now()))
    request = committed.request
    try:
        start = starts.run(committed)
        await start.begin_when_free(parts.temporal.client, parts.temporal.task_queue)
    except UnavailableError:
        # Taken back, unless the workflow has begun all the same: then the start was a success
        # whose confirmation was lost.
        async with parts.database.write() as connection:
            abandoned = await Runs(connection).abandon(request, by=ENGINE, at=now())
        if abandoned:  # raised out here: an exception inside the block would undo it
            raise
    return request


async def _view(parts: Parts, run: CommissioningRun) -> RunView:
    if run.view is not None:
        return run.view
    request = run.request
    if run.status is RunStatus.ABANDONED:
        return _taken_back(request)
    view = await parts.temporal.run_view(request.charge_point_id)
    if view is not None and view.commissioning_id == request.commissioning_id:
        return await with_newest_cause(parts.database, view, project_id=request.project_id)
    # The workflow is not there (any more): it closed between the two looks, or has not begun.
    async with parts.database.read() as connection:
        again = await Runs(connection).get(request.charge_point_id, request.commissioning_id)
    return again.view if again is not None and again.view is not None else _not_begun(request)


def _not_begun(request: RunRequest) -> RunView:
    return RunView(
        commissioning_id=request.commissioning_id,
        charge_point_id=request.charge_point_id,
        status=RunStatus.IN_PROGRESS,
        checks=tuple(CheckRecord(name=name) for name in CheckName),
        started_at=request.started_at,
        previous_commissioning_id=request.previous_commissioning_id,
        run_test_transaction=request.options.run_test_transaction,
        test_connectors=request.options.test_connectors,
        started_by=request.started_by,
    )


def _taken_back(request: RunRequest) -> RunView:
    return replace(
        _not_begun(request),
        status=RunStatus.CANCELLED,
        checks=tuple(
            CheckRecord(
                name=name,
                result=CheckResult.SKIPPED,
                skip_reason="The run was taken back before it began.",
            )
            for name in CheckName
        ),
        completed_at=request.started_at,
    )


def _no_open_run() -> ConflictError:
    return ConflictError("no_open_run", "No commissioning run is open for this charge point.")
