"""Endpoints of held records: sessions that are billed by the site owner's word alone."""

from typing import Annotated, Final

from fastapi import APIRouter, Query

from api.billing.held_schemas import DecideAll, DecidedAll, Drop, HeldRecordShown, LeftHeld, Release
from api.deps import OwnerCall, ProjectId, now, path_id
from api.pagination import Page, Paging
from api.problems import problems
from domain.billing.held import Decision, HoldCause, HoldState, suggested
from domain.errors import NotFoundError
from domain.ids import Prefix
from storage.bill_transaction import bill_transaction
from storage.held import HeldRecords

router = APIRouter(prefix="/site-owner/projects/{project_id}/held-records", tags=["Billing"])

HeldRecordId = Annotated[
    str,
    path_id(
        "held_record_id",
        Prefix.HELD_RECORD,
        lambda: NotFoundError(
            "held_record_not_found", "The project has no held record with this id."
        ),
        example="hld_01HX9HELDABCDEFGHJ",
    ),
]
_NOT_HELD: Final = "It was released, dropped or settled already."
_MOST_AT_ONCE: Final = 100


@router.get("", summary="List held records", operation_id="listHeldRecords")
async def list_held_records(
    call: OwnerCall,
    project_id: ProjectId,
    paging: Paging,
    state: Annotated[HoldState | None, Query(description="Only those that are so")] = None,
    cause: Annotated[HoldCause | None, Query(description="Only those of this cause")] = None,
) -> Page[HeldRecordShown]:
    """Newest first: sessions of which the readings leave open what is to be billed, and why.

    Each has its readings and what physics allows. On a statement they are among the totals alone.
    """
    async with call.read(project=project_id) as connection:
        rows = await HeldRecords(connection, project_id).page(
            state=state,
            cause=cause,
            before=paging.after_id(Prefix.HELD_RECORD),
            limit=paging.fetch,
        )
    return paging.page(rows, HeldRecordShown.of, lambda held: held.id)


@router.get("/{held_record_id}", summary="Show a held record", operation_id="getHeldRecord")
async def get_held_record(
    call: OwnerCall, project_id: ProjectId, held_record_id: HeldRecordId
) -> HeldRecordShown:
    """With its readings, what physics allows, and what is suggested."""
    async with call.read(project=project_id) as connection:
        return HeldRecordShown.of(await HeldRecords(connection, project_id).get(held_record_id))


@router.post(
    "/release",
    summary="Release all held records of a cause",
    operation_id="releaseHeldRecords",
)
async def release_held_records(
    call: OwnerCall, project_id: ProjectId, body: DecideAll
) -> DecidedAll:
    """Bill each by what is suggested for it; what nothing is suggested for is left."""
    at = now()
    made = DecidedAll(decided=[], cdr_ids=[], left=[], more=False)
    async with call.write() as connection:
        await call.project(connection, project_id)
        records = HeldRecords(connection, project_id)
        held = await records.of_cause(body.cause, limit=_MOST_AT_ONCE + 1)
        made.more = len(held) > _MOST_AT_ONCE
        for one in held[:_MOST_AT_ONCE]:
            decision = suggested(one.document, note=body.note)
            if decision is None:
                reason = "Its readings suggest nothing: say what it was, or drop it."
                made.left.append(LeftHeld(id=one.id, reason=reason))
                continue
            await records.release(one.id, decision, by=call.actor, at=at)
            billed = await bill_transaction(
                connection, one.transaction_id, call.parts.catalogue, at=at
            )
            made.decided.append(one.id)
            made.cdr_ids += billed.cdr_ids
    return made


@router.post("/drop", summary="Drop all held records of a cause", operation_id="dropHeldRecords")
async def drop_held_records(call: OwnerCall, project_id: ProjectId, body: DecideAll) -> DecidedAll:
    """Bill none of them, ever; what is billed of a session already stays."""
    at = now()
    made = DecidedAll(decided=[], cdr_ids=[], left=[], more=False)
    async with call.write() as connection:
        await call.project(connection, project_id)
        records = HeldRecords(connection, project_id)
        held = await records.of_cause(body.cause, limit=_MOST_AT_ONCE + 1)
        made.more = len(held) > _MOST_AT_ONCE
        for one in held[:_MOST_AT_ONCE]:
            await records.drop(one.id, Decision(note=body.note), by=call.actor, at=at)
            made.decided.append(one.id)
    return made


@router.post(
    "/{held_record_id}/release",
    summary="Release a held record",
    operation_id="releaseHeldRecord",
    responses=problems(not_held=_NOT_HELD),
)
async def release_held_record(
    call: OwnerCall, project_id: ProjectId, held_record_id: HeldRecordId, body: Release
) -> HeldRecordShown:
    """Say what the session was, within the bound, and have it billed so."""
    at = now()
    async with call.write() as connection:
        await call.project(connection, project_id)
        records = HeldRecords(connection, project_id)
        held = await records.release(held_record_id, body.decision(), by=call.actor, at=at)
        billed = await bill_transaction(
            connection, held.transaction_id, call.parts.catalogue, at=at
        )
        return HeldRecordShown.of(held, cdr_ids=billed.cdr_ids)


@router.post(
    "/{held_record_id}/drop",
    summary="Drop a held record",
    operation_id="dropHeldRecord",
    responses=problems(not_held=_NOT_HELD),
)
async def drop_held_record(
    call: OwnerCall, project_id: ProjectId, held_record_id: HeldRecordId, body: Drop
) -> HeldRecordShown:
    """Bill what is in doubt never; where the energy was billed and its time held, that stays."""
    async with call.write() as connection:
        await call.project(connection, project_id)
        held = await HeldRecords(connection, project_id).drop(
            held_record_id, Decision(note=body.note), by=call.actor, at=now()
        )
        return HeldRecordShown.of(held)
