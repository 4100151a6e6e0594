"""Endpoints of a project's billing: how it stands, its charge detail records and statements."""

import asyncio
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from api.billing.examples import CDRS
from api.billing.schemas import BillingShown, IssuerChange, IssuerShown, Month, TimeZoneChange
from api.deps import OwnerCall, ProjectId, now
from api.pagination import Page, Paging
from documents.statement_csv import statement_csv
from domain.audit import AuditAction
from domain.billing.cdr import CREDIT_SUFFIX, Cdr
from domain.billing.statement import Statement
from domain.ids import Prefix
from storage.audit import Audit
from storage.billing_activation import BillingActivation
from storage.cdrs import Cdrs
from storage.held import HeldRecords
from storage.projects import Projects
from storage.statements import Issuers, Months, read_statement

router = APIRouter(prefix="/site-owner/projects/{project_id}", tags=["Billing"])
statements_router = APIRouter(prefix="/site-owner/projects/{project_id}", tags=["Billing"])


class Format(StrEnum):
    """What a statement is written as."""

    CSV = "csv"
    PDF = "pdf"


_TYPES = {Format.CSV: "text/csv; charset=utf-8; header=present", Format.PDF: "application/pdf"}
_FILE: dict[int | str, dict[str, Any]] = {
    HTTPStatus.OK: {
        "description": "The statement",
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "application/pdf": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


@router.get("/billing", summary="Show whether the project bills", operation_id="getBilling")
async def get_billing(call: OwnerCall, project_id: ProjectId) -> BillingShown:
    """Sessions that begin from `active_since` on are billed, but none that begin in a pause."""
    async with call.read() as connection:
        project = await call.project(connection, project_id)
        return await _shown(connection, project_id, time_zone=project.time_zone)


@router.put("/billing/time-zone", summary="Set the time zone", operation_id="setTimeZone")
async def set_time_zone(
    call: OwnerCall, project_id: ProjectId, body: TimeZoneChange
) -> BillingShown:
    """Say by whose clock prices are chosen, from the next session to be billed on.

    A month that was over by the clock of before stays over.
    """
    async with call.write() as connection:
        project = await call.project(connection, project_id)
        await Months(connection, project_id).close(now())
        await Projects(connection).change(project_id, {"time_zone": body.time_zone})
        await Audit(connection, project_id).write(
            AuditAction.TIME_ZONE_CHANGED,
            call.actor,
            target=project_id,
            at=now(),
            before={"time_zone": project.time_zone},
            after={"time_zone": body.time_zone},
        )
        return await _shown(connection, project_id, time_zone=body.time_zone)


@router.put("/billing/issuer", summary="Set who issues the statements", operation_id="setIssuer")
async def set_issuer(call: OwnerCall, project_id: ProjectId, body: IssuerChange) -> IssuerShown:
    """Say in whose name statements are, from now on, and by which VAT number, if there is one.

    A statement of a month that is over keeps the issuer of its last day.
    """
    async with call.write() as connection:
        await call.project(connection, project_id)
        await Issuers(connection, project_id).put(body.issuer(), by=call.actor, at=now())
    return IssuerShown.of(body.issuer())


@router.get("/cdrs", summary="List charge detail records", operation_id="listCdrs", responses=CDRS)
async def list_cdrs(
    call: OwnerCall,
    project_id: ProjectId,
    paging: Paging,
    month: Annotated[Month | None, Query(description="Only those of its statement")] = None,
) -> Page[Cdr]:
    """Newest first. A record is never changed: a credit record takes it back, a new one follows.

    A session whose price waits for you is among them as `held`, and bills nothing.
    """
    async with call.read(project=project_id) as connection:
        rows = await Cdrs(connection, project_id).page(
            month=month,
            before=paging.after_id(Prefix.CDR, Prefix.HELD_RECORD, suffix=CREDIT_SUFFIX),
            limit=paging.fetch,
        )
    return paging.page(rows, lambda cdr: cdr, lambda cdr: cdr.id)


@statements_router.get(
    "/statements/{month}",
    summary="Get a month's statement",
    operation_id="getStatement",
    response_class=Response,
    responses=_FILE,
)
async def get_statement(
    call: OwnerCall,
    project_id: ProjectId,
    month: Annotated[Month, Path()],
    as_format: Annotated[Format, Query(alias="format", description="`csv` or `pdf`")] = Format.CSV,
) -> Response:
    """All records that were issued in a month of the site's own time; once over, it never changes.

    It has its issuer, the tariffs in words, totals by VAT rate and by id tag, and what is held.

    A session that was told late, and a correction, are on the statement of the month in which they
    were billed. A month in which nothing was billed has an empty statement.
    """
    at = now()
    async with call.read() as connection:
        project = await call.project(connection, project_id)
        open_month, is_kept = await Months(connection, project_id).open_at(at)
    complete = month < open_month
    if complete and not is_kept:
        async with call.write() as connection:
            await Months(connection, project_id).close(at)
    async with call.read() as connection:
        statement = await read_statement(connection, project, month, at=at, complete=complete)
    content: str | bytes
    if as_format is Format.PDF:
        content = await asyncio.to_thread(_pages, statement)
    else:
        content = statement_csv(statement)
    name = f"statement-{month}.{as_format.value}"
    return Response(
        content,
        media_type=_TYPES[as_format],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def _shown(connection: AsyncConnection, project_id: str, *, time_zone: str) -> BillingShown:
    state = await BillingActivation(connection, project_id).state()
    held = await HeldRecords(connection, project_id).count()
    issuer = await Issuers(connection, project_id).valid_at(now())
    return BillingShown.of(state, time_zone=time_zone, held=held, issuer=issuer)


def _pages(statement: Statement) -> bytes:
    # The PDF library takes half a second to import: with the first statement, not with the API.
    from documents.statement import statement_pdf

    return statement_pdf(statement)
