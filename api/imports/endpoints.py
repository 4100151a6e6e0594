"""Import of charge points."""

import asyncio
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field

from api.charge_points.schemas import EXAMPLE, ChargePointRegistered, ocpp_endpoint
from api.deps import InstallerCall, ProjectId, now
from api.fields import example
from api.imports.rows import Parsed, parse, question, refusal
from api.plausibility import audit_confirmed
from api.problems import problems
from api.projects.endpoints import HANDED_OVER
from api.verified import refuse_beyond_quota
from domain.accounts import Counted
from domain.audit import AuditAction
from domain.errors import EngineError
from domain.ids import Prefix, new_id
from storage.audit import Audit
from storage.charge_points import ChargePoint, ChargePoints

_EXAMPLE: Final = (
    "serial_number,model,vendor,ocpp_version,latitude,longitude,address,connectors\r\n"
    'CP-SN-00483921,ABB Terra AC W22,ABB,1.6,51.4545,-2.5879,"Bay 3, Car Park A",\r\n'
    "CP-SN-00483922,ABB Terra AC W22,ABB,,,,,2\r\n"
)
router = APIRouter(prefix="/installer/projects/{project_id}", tags=["Charge points"])

_CSV: Final = "text/csv"
_BYTES: Final = "application/octet-stream"  # all that some generated clients can send
_BODY: Final[dict[str, Any]] = {
    "required": True,
    "content": {
        _CSV: {"schema": {"type": "string"}, "example": _EXAMPLE},
        _BYTES: {"schema": {"type": "string", "format": "binary"}},
    },
}


class NotCsvError(EngineError):
    """The body is not declared as CSV."""

    status = 415
    title = "Not a CSV file"


class Imported(BaseModel):
    """The charge points that a file made."""

    model_config = example(
        total=1, items=[{name: EXAMPLE[name] for name in ChargePointRegistered.model_fields}]
    )

    total: int
    items: list[ChargePointRegistered] = Field(description="In the order of the file")


async def _body(request: Request) -> tuple[str, bytes]:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type, await request.body()


@router.post(
    "/charge-points/import",
    status_code=HTTPStatus.CREATED,
    summary="Import charge points",
    operation_id="importChargePoints",
    openapi_extra={"requestBody": _BODY},
    responses=problems(415, project_handed_over=HANDED_OVER),
)
async def import_charge_points(
    call: InstallerCall,
    project_id: ProjectId,
    body: Annotated[tuple[str, bytes], Depends(_body)],
    confirm: Annotated[
        tuple[str, ...],
        Query(
            max_length=100,
            description="Fields whose values are meant though they are not usual: `location`",
        ),
    ] = (),
) -> Imported:
    """Register up to 10,000 charge points from a CSV file.

    It is sent as `text/csv` or as `application/octet-stream`. The first row names the columns:
    `serial_number`, `model` and `vendor`, and if you like `ocpp_version`, `latitude`, `longitude`,
    `address` and `connectors`. All rows are registered or none; a refusal names each wrong field
    with its row: the first 1,000 one by one in `errors`, all of them in `rows` by what is wrong,
    and their `total`.
    """
    async with call.read() as connection:
        await call.project(connection, project_id, by_visit=True)
    media_type, data = body
    if media_type not in {_CSV, _BYTES}:
        raise NotCsvError("not_csv", "Send the file as it is, with Content-Type: text/csv.")
    # Thousands of rows take a while; others are served meanwhile.
    parsed = await asyncio.to_thread(parse, data, project_id=project_id)
    async with call.write() as connection:
        project = await call.project_for_change(connection, project_id, by_visit=True)
        charge_points = ChargePoints(connection)
        errors = parsed.against(await charge_points.serials_of(project_id))
        open_ones = [one for one in parsed.questions if one.field not in confirm]
        if errors:
            raise refusal(sorted([*errors, *open_ones], key=lambda error: error.row or 0))
        if open_ones:
            raise question(open_ones)
        made = _charge_points(parsed)
        await refuse_beyond_quota(call, connection, Counted.CHARGE_POINTS, more=len(made))
        await charge_points.register_all(made, visit=project.service_visit_id)
        await Audit(connection, project_id).write(
            AuditAction.CHARGE_POINTS_IMPORTED,
            call.actor,
            target=project_id,
            at=now(),
            after={"charge_points": len(made)},
        )
        await audit_confirmed(
            Audit(connection, project_id),
            call.actor,
            [one.question for one in parsed.questions if one.question is not None],
            target=project_id,
            at=now(),
        )
    base = call.parts.settings.public_ocpp_url
    return Imported(
        total=len(made),
        items=[
            ChargePointRegistered.of(one, ocpp_endpoint=ocpp_endpoint(base, one.id)) for one in made
        ],
    )


def _charge_points(parsed: Parsed) -> list[ChargePoint]:
    at = now()
    # Ids of one moment are in random order, and lists are sorted by them.
    ids = sorted(new_id(Prefix.CHARGE_POINT) for _ in parsed.rows)
    return [
        row.charge_point.registered(identity, at=at)
        for identity, row in zip(ids, parsed.rows, strict=True)
    ]
