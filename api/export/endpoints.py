"""Endpoints of the export of all data of an account."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from fastapi import Response
from fastapi.responses import StreamingResponse

from api.call import Call
from api.deps import AnyCall, router_of
from api.export.queue import ExportResponse
from api.problems import problems
from api.verified import is_verified_enough
from domain.audit import AuditAction
from domain.states import Role
from storage.export import lines_of_account, lines_of_project
from storage.members import open_projects_of
from storage.projects import Projects

router = router_of(Role.SITE_OWNER, tag="Site owner")
installer_router = router_of(Role.INSTALLER, tag="Installer account")

_MEDIA_TYPE: Final = "application/x-ndjson"
_EXAMPLE: Final = """\
{"kind":"account","data":{"id":"usr_01HX7BCDEFGH123456","email":"facilities@riversidebp.com"}}
{"kind":"project","data":{"id":"prj_01HX4M7TABCDE12345","name":"Riverside Business Park"}}
{"kind":"id_tag","data":{"id_tag":"04A2B3C4D5E680","label":"Facilities van 3"}}
{"kind":"end","data":{"lines":3}}
"""
_OF_AN_INSTALLER: Final = """\
Every row of your account and of the projects that you work on, but for those handed over.

The id tags that a site owner has listed are the owner's alone.

The last line is of the kind `end`, as in the export of a site owner."""
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "One JSON object a line: its `kind`, and a row of it as `data`",
        "content": {_MEDIA_TYPE: {"schema": {"type": "string"}, "example": _EXAMPLE}},
    }
}
_PAGE: Final = 100


@installer_router.get(
    "/export",
    summary="Export all my data",
    operation_id="exportInstaller",
    description=_OF_AN_INSTALLER,
    response_class=StreamingResponse,
    responses=_RESPONSES | problems(429),
)
@router.get(
    "/export",
    summary="Export all my data",
    operation_id="exportOwned",
    response_class=StreamingResponse,
    responses=_RESPONSES | problems(429),
)
async def export(call: AnyCall) -> Response:
    """Every row of every site of yours: charge points, sessions, readings, bills, who did what.

    The last line is of the kind `end` with the number of lines before it: without it, the file is
    not whole. Pictures and certificates are files of their own; no secret is in it.
    """
    project_ids = await _projects(call)
    name = f"export-{datetime.now(UTC):%Y-%m-%d}.ndjson"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
    }
    return ExportResponse(
        _encoded(call, project_ids),
        exports=call.parts.exports,
        account_id=call.account.id,
        media_type=_MEDIA_TYPE,
        headers=headers,
    )


async def _encoded(call: Call, project_ids: Sequence[str]) -> AsyncIterator[bytes]:
    shown = {
        "id": call.account.id,
        "email": call.account.email,
        "name": call.account.name,
        "company": call.account.company,
        "created_at": call.account.created_at,
    }
    yield _line("account", shown)
    count = 1
    for project_id in project_ids:
        async for kind, row in lines_of_project(call.parts.database, project_id):
            if call.account.role is Role.INSTALLER and _is_of_owners_tags(kind, row):
                continue
            yield _line(kind, row)
            count += 1
    reads = is_verified_enough(call.parts, call.account)
    async for kind, row in lines_of_account(
        call.parts.database, call.account, reads_its_mail=reads
    ):
        yield _line(kind, row)
        count += 1
    yield _line("end", {"lines": count})


def _is_of_owners_tags(kind: str, row: Mapping[str, Any]) -> bool:
    """Whether it tells of drivers whom the owner has listed: no list shows them to installers."""
    if kind == "audit_entry":
        return row["role"] == Role.SITE_OWNER and AuditAction(row["action"]).is_of_tags
    return kind == "awaited_tag" or (kind == "id_tag" and row["set_as"] == Role.SITE_OWNER)


async def _projects(call: Call) -> Sequence[str]:
    if call.account.role is Role.INSTALLER:
        async with call.read() as connection:
            return await open_projects_of(connection, call.account.id)
    found: list[str] = []
    while True:
        async with call.read() as connection:
            page = await Projects(connection).page_of_owner(
                site_owner_id=call.account.id, before=found[-1] if found else None, limit=_PAGE
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
