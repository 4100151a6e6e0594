"""Endpoints of commissioning a whole project."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Body

from api.batches import service
from api.batches.schemas import (
    BatchShown,
    BatchStarted,
    Cancel,
    CancellingBatch,
    Commission,
)
from api.deps import InstallerCall, ProjectId
from api.pagination import Paging
from api.problems import problems
from api.projects.endpoints import HANDED_OVER
from api.verified import refuse_unverified
from domain.states import BatchStatus

router = APIRouter(prefix="/installer/projects/{project_id}", tags=["Commissioning"])


@router.post(
    "/commission",
    status_code=HTTPStatus.ACCEPTED,
    summary="Commission a whole project",
    operation_id="commissionProject",
    responses=problems(
        batch_open="The project is being commissioned; `batch_id` names it.",
        no_charge_points="The project has no charge point.",
        withdrawn="Of the named charge points some were withdrawn: `charge_point_ids`.",
        nothing_to_commission="All of them are commissioned, or none of them failed.",
        project_handed_over=HANDED_OVER,
    ),
)
async def commission_project(
    call: InstallerCall, project_id: ProjectId, body: Annotated[Commission | None, Body()] = None
) -> BatchStarted:
    """Commission the project's charge points, so many at a time, each as a single start does.

    A run that is open already is taken in. A charge point that is not connected, or waits for a
    person, does not hold up the others. Restarts are some seconds apart. Those that were withdrawn
    are left out; `withdrawn` says how many.
    """
    if body is not None and body.notify_on_complete:
        refuse_unverified(call.parts, call.account)
    request, planned = await service.start(call, project_id, body or Commission())
    return BatchStarted.of(
        request,
        status=BatchStatus.IN_PROGRESS,
        total=planned.total,
        withdrawn=planned.withdrawn,
    )


@router.get(
    "/commissioning",
    summary="Show how the commissioning of a project stands",
    operation_id="getProjectCommissioning",
)
async def project_commissioning(
    call: InstallerCall, project_id: ProjectId, paging: Paging
) -> BatchShown:
    """The newest commissioning of the whole project: its counts, and who needs a person.

    `limit` and `cursor` page through `needs_a_person`. A charge point shows its newest run, so a
    retry by hand counts too.
    """
    return await service.view(call, project_id, paging)


@router.post(
    "/commissioning/cancel",
    status_code=HTTPStatus.ACCEPTED,
    summary="Cancel the commissioning of a project",
    operation_id="cancelProjectCommissioning",
    responses=problems(no_open_batch="The project is not being commissioned."),
)
async def cancel_project_commissioning(
    call: InstallerCall, project_id: ProjectId, body: Annotated[Cancel | None, Body()] = None
) -> CancellingBatch:
    """Start nothing more, and cancel the runs that are open; what has passed stays."""
    batch = await service.cancel(call, project_id, body.reason if body else None)
    return CancellingBatch(
        batch_id=batch.request.batch_id, project_id=project_id, status=batch.shown_status
    )
