"""Endpoint of a month's statement, as a spreadsheet's rows or as pages."""

import asyncio
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from api.billing.schemas import Month
from api.deps import OwnerCall, ProjectId, now
from documents.statement_csv import statement_csv
from domain.billing.statement import Statement
from storage.statements import Months, read_statement

router = APIRouter(prefix="/site-owner/projects/{project_id}", tags=["Billing"])


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


@router.get(
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


def _pages(statement: Statement) -> bytes:
    # The PDF library takes half a second to import: with the first statement, not with the API.
    from documents.statement import statement_pdf

    return statement_pdf(statement)
