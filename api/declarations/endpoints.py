"""Endpoints of declarations. A change makes the next certificate another."""

from dataclasses import replace

from fastapi import APIRouter

from api.declarations.schemas import DeclarationShown, Declare
from api.deps import ChargePointId, InstallerCall, now
from api.parts import Parts
from api.pictures.pictures import TooCostlyError
from api.plausibility import audit_confirmed, confirmed, kinds_of
from api.problems import problems
from api.projects.endpoints import HANDED_OVER
from documents.signature_picture import SignaturePictureError
from domain.audit import AuditAction
from domain.declarations import Declaration
from domain.errors import FieldError, InvalidError
from storage.audit import Audit
from storage.declarations import Declarations, audited

router = APIRouter(prefix="/installer/charge-points/{charge_point_id}", tags=["Certificates"])


@router.put(
    "/declaration",
    summary="Declare what you have measured",
    operation_id="putDeclaration",
    responses=problems(429, project_handed_over=HANDED_OVER),
)
async def put_declaration(
    call: InstallerCall, charge_point_id: ChargePointId, body: Declare
) -> DeclarationShown:
    """State what no machine here has measured: it stands on the certificate, marked as declared.

    The body replaces what was declared before; issued certificates stay as they are.
    """
    picture = await _picture(call.parts, body.signature_png, account_id=call.account.id)
    declaration = Declaration(
        declared=replace(body.declared(), signature_png=picture), by=call.account.email, at=now()
    )
    async with call.write() as connection:
        charge_point = await call.charge_point_for_change(connection, charge_point_id)
        device = (charge_point.vendor, charge_point.model)
        meant = confirmed(
            body.questions(call.parts.plausibility, kinds_of(call.parts.catalogue, [device])),
            body.confirm,
        )
        declarations = Declarations(connection)
        before = (await declarations.of([charge_point_id])).get(charge_point_id)
        await declarations.put(charge_point_id, declaration)
        await Audit(connection, charge_point.project_id).write(
            AuditAction.DECLARATION_PUT,
            call.actor,
            target=charge_point_id,
            at=declaration.at,
            before=None if before is None else audited(before.declared),
            after=audited(declaration.declared),
        )
        await audit_confirmed(
            Audit(connection, charge_point.project_id),
            call.actor,
            meant,
            target=charge_point_id,
            at=declaration.at,
        )
    return DeclarationShown.of(declaration)


@router.get("/declaration", summary="Show what is declared", operation_id="getDeclaration")
async def get_declaration(call: InstallerCall, charge_point_id: ChargePointId) -> DeclarationShown:
    """What the certificate will show as declared by you."""
    async with call.read(charge_point=charge_point_id) as connection:
        found = await Declarations(connection).of([charge_point_id])
    return DeclarationShown.of(found.get(charge_point_id))


async def _picture(parts: Parts, sent: str | None, *, account_id: str) -> str | None:
    """Take the picture of a signature, as it is kept."""
    if sent is None:
        return None
    try:
        return await parts.pictures.signature(sent, account_id=account_id)
    except SignaturePictureError as error:
        raise _not_signed(str(error)) from error
    except TooCostlyError as error:
        raise _not_signed("must be simpler: it takes too long to be read") from error


def _not_signed(detail: str) -> InvalidError:
    wrong = FieldError(field="signature_png", detail=detail)
    return InvalidError("invalid_input", f"signature_png: {detail}.", (wrong,))
