"""The run whose evidence a retry may keep, and since when the configuration is what it is."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.checks import CheckRecord, RunView
from domain.commissioning import RunRequest
from domain.failures import FailureCode
from domain.states import CheckName, CheckResult
from storage.parameters import Parameters
from storage.runs import Runs

_RUNS_LOOKED_AT: Final = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptEvidence:
    """``previous`` None: there is nothing to keep.

    ``configured_at`` is when a value was last chosen, or when the last run began that may have
    written one since.
    """

    previous: RunView | None = None
    configured_at: datetime | None = None


async def evidence_for(connection: AsyncConnection, request: RunRequest) -> KeptEvidence:
    """Find the newest run before this one that has looked at its charge point.

    A retry that came to nothing (cancelled at once, never connected) hands on what it was to keep.
    """
    chosen = await Parameters(connection).all(request.charge_point_id)
    moments = [value.chosen_at for value in chosen]
    for _ in range(_RUNS_LOOKED_AT):
        if request.from_scratch or request.previous_commissioning_id is None:
            break
        run = await Runs(connection).get(request.charge_point_id, request.previous_commissioning_id)
        if run is None or run.view is None:
            break
        handshake = _handshake(run.view)
        if handshake.result is CheckResult.PASSED:
            return KeptEvidence(previous=run.view, configured_at=max(moments, default=None))
        if handshake.steps or _was_cut_off(run.view):  # it may have written, nobody knows what
            moments.append(run.view.started_at)
        request = run.request
    return KeptEvidence()


def _handshake(view: RunView) -> CheckRecord:
    return next(check for check in view.checks if check.name is CheckName.OCPP_HANDSHAKE)


def _was_cut_off(view: RunView) -> bool:
    """Tell whether its workflow was ended before it could leave a record."""
    return view.failure is not None and view.failure.code == FailureCode.RUN_ENDED_FROM_OUTSIDE
