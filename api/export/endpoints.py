"""Endpoint of the export of all data of a site owner."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse

from api.deps import AppParts, SiteOwner
from api.parts import Parts
from api.problems import problems
from storage.accounts import Account
from storage.export import lines_of_project
from storage.projects import Projects

router = APIRouter(prefix="/site-owner", tags=["Site owner"])

_MEDIA_TYPE: Final = "application/x-ndjson"
_EXAMPLE: Final = """\
{"kind":"account","data":{"id":"usr_01HX7BCDEFGH123456","email":"facilities@riversidebp.com"}}
{"kind":"project","data":{"id":"prj_01HX4M7TABCDE12345","name":"Riverside Business Park"}}
{"kind":"id_tag","data":{"id_tag":"04A2B3C4D5E680","label":"Facilities van 3"}}
{"kind":"end","data":{"lines":3}}
"""
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "One JSON object a line: its `kind`, and a row of it as `data`",
        "content": {_MEDIA_TYPE: {"schema": {"type": "string"}, "example": _EXAMPLE}},
    }
}
_PAGE: Final = 100


@router.get(
    "/export",
    summary="Export all my data",
    operation_id="exportOwned",
    response_class=StreamingResponse,
    responses=_RESPONSES | problems(401, 403, 503),
)
async def export(owner: SiteOwner, parts: AppParts) -> Response:
    """Every row of every site of yours: charge points, sessions, readings, bills, who did what.

    The last line is of the kind `end` with the number of lines before it: without it, the file is
    not whole. Pictures and certificates are files of their own; no secret is in it.
    """
    lines = _encoded(parts, owner)
    name = f"export-{datetime.now(UTC):%Y-%m-%d}.ndjson"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
    }
    return StreamingResponse(lines, media_type=_MEDIA_TYPE, headers=headers)


async def _encoded(parts: Parts, owner: Account) -> AsyncIterator[bytes]:
    account = {
        "id": owner.id,
        "email": owner.email,
        "name": owner.name,
        "company": owner.company,
        "created_at": owner.created_at,
    }
    yield _line("account", account)
    count = 1
    for project_id in await _projects(parts, owner):
        async for kind, row in lines_of_project(parts.database, project_id):
            yield _line(kind, row)
            count += 1
    yield _line("end", {"lines": count})


async def _projects(parts: Parts, owner: Account) -> Sequence[str]:
    found: list[str] = []
    while True:
        async with parts.database.read() as connection:
            page = await Projects(connection).page_of_owner(
                site_owner_id=owner.id, before=found[-1] if found else None, limit=_PAGE
            )
        found += [project.id for project in page]
        if len(page) < _PAGE:
            return found


def _line(kind: str, row: Any) -> bytes:
    return orjson.dumps(
        {"kind": kind, "data": dict(row)},
        default=str,
        option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z,
    )
