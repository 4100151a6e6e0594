"""Endpoints of certificates, for installers, site owners and whoever verifies one."""

import base64
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response

from api.call import no_charge_point
from api.certificates.answer import answer
from api.certificates.issuing import issue_of_charge_point, issue_of_project, online_copy
from api.certificates.schemas import (
    CertificateShown,
    CertificatesShown,
    KeyShown,
    KeysShown,
    ReportFormat,
)
from api.deps import AnyCall, AppParts, ChargePointId, ProjectId, router_of
from api.parts import Parts
from api.problems import problems
from documents.keys import PublicKey
from domain.ids import Prefix, is_id
from domain.states import Role
from storage.certificates import Certificates
from storage.charge_points import ChargePoints

installer_router = router_of(Role.INSTALLER, tag="Certificates")
owner_router = router_of(Role.SITE_OWNER, tag="Certificates")
keys_router = APIRouter(tags=["Certificates"])

_NO_VERDICT: Final = "There is nothing to report yet: no run has a verdict, or one is open."
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The signed PDF, or the same as a page. `X-Certificate-SHA256` is the "
        "SHA-256 of the PDF, `X-Certificate-Number` its number.",
        "content": {
            "application/pdf": {"schema": {"type": "string", "format": "binary"}},
            "text/html": {"schema": {"type": "string"}},
        },
    }
}
REPORT_PROBLEMS: Final = _ANSWERS | problems(
    429,
    501,
    no_verdict=_NO_VERDICT,
    contested="Several links speak as a charge point of it; `charge_point_id` names it. A "
    "certificate that is issued already is answered.",
)
ReportWanted = Annotated[
    ReportFormat | None,
    Query(
        alias="format",
        description="Left out: a page for a browser (`Accept: text/html`), else a PDF",
    ),
]


@installer_router.get(
    "/commissioning/{charge_point_id}/report",
    summary="Get the certificate of a charge point",
    operation_id="getChargePointReport",
    response_class=Response,
    responses=REPORT_PROBLEMS,
)
async def report_of_charge_point(
    call: AnyCall,
    charge_point_id: ChargePointId,
    request: Request,
    wanted: ReportWanted = None,
) -> Response:
    """The newest verdict with its evidence, and apart from it what you have declared.

    As long as nothing of it changes it is the same file; a change makes another, with the next
    number. Reports of failed runs are signed too, and say so.
    """
    async with call.read() as connection:
        await call.charge_point(connection, charge_point_id, even_handed_over=True)
    return await answer(
        call.parts, request, await issue_of_charge_point(call.parts, charge_point_id), wanted
    )


@owner_router.get(
    "/projects/{project_id}/report",
    summary="Get the certificate of my project",
    operation_id="getOwnedProjectReport",
    response_class=Response,
    responses=REPORT_PROBLEMS,
)
@installer_router.get(
    "/projects/{project_id}/report",
    summary="Get the certificate of a project",
    operation_id="getProjectReport",
    response_class=Response,
    responses=REPORT_PROBLEMS,
)
async def report_of_project(
    call: AnyCall, project_id: ProjectId, request: Request, wanted: ReportWanted = None
) -> Response:
    """A cover with every charge point and the handover, then the page of each charge point."""
    async with call.read() as connection:
        await call.project(connection, project_id, even_handed_over=True)
    return await answer(call.parts, request, await issue_of_project(call.parts, project_id), wanted)


@installer_router.get(
    "/commissioning/{charge_point_id}/certificates",
    summary="List the certificates of a charge point",
    operation_id="listChargePointCertificates",
)
async def certificates_of_charge_point(
    call: AnyCall, charge_point_id: ChargePointId
) -> CertificatesShown:
    """Those that were issued so far, newest first."""
    async with call.read() as connection:
        await call.charge_point(connection, charge_point_id, even_handed_over=True)
    return await _listed(call.parts, charge_point_id)


@owner_router.get(
    "/projects/{project_id}/certificates",
    summary="List the certificates of my project",
    operation_id="listOwnedProjectCertificates",
)
@installer_router.get(
    "/projects/{project_id}/certificates",
    summary="List the certificates of a project",
    operation_id="listProjectCertificates",
)
async def certificates_of_project(call: AnyCall, project_id: ProjectId) -> CertificatesShown:
    """Those that were issued so far, newest first."""
    async with call.read() as connection:
        await call.project(connection, project_id, even_handed_over=True)
    return await _listed(call.parts, project_id)


@owner_router.get(
    "/projects/{project_id}/charge-points/{charge_point_id}/report",
    summary="Get the certificate of one of my charge points",
    operation_id="getOwnedChargePointReport",
    response_class=Response,
    responses=REPORT_PROBLEMS,
)
async def report_of_owned_charge_point(
    call: AnyCall,
    project_id: ProjectId,
    charge_point_id: str,
    request: Request,
    wanted: ReportWanted = None,
) -> Response:
    """Its newest verdict with the evidence, and apart from it what the installer has declared."""
    async with call.read(project=project_id) as connection:
        if not is_id(Prefix.CHARGE_POINT, charge_point_id) or not await ChargePoints(
            connection
        ).is_in(charge_point_id, project_id=project_id):
            raise no_charge_point()
    return await answer(
        call.parts, request, await issue_of_charge_point(call.parts, charge_point_id), wanted
    )


@keys_router.get(
    "/certificate-keys",
    summary="Get the keys of certificates",
    operation_id="getCertificateKeys",
    response_model_exclude_none=True,
)
async def certificate_keys(parts: AppParts) -> KeysShown:
    """The public keys, as a JSON Web Key Set. With them anyone verifies a certificate offline.

    Keys that signed once are kept, so that old certificates stay verifiable.
    """
    async with parts.database.read() as connection:
        stored = await Certificates(connection).keys()
    keys = [PublicKey.from_hex(key) for key in stored]
    present = parts.issuing.public_key
    if present is not None and present not in keys:
        keys.append(present)
    chain = [base64.b64encode(one).decode() for one in parts.issuing.certificate_chain()]
    return KeysShown(
        keys=[
            KeyShown(
                **key.jwk(),
                fingerprint=key.fingerprint,
                x5c=chain if key == present else None,
            )
            for key in keys
        ]
    )


async def _listed(parts: Parts, subject_id: str) -> CertificatesShown:
    async with parts.database.read() as connection:
        rows = await Certificates(connection).all(subject_id)
    return CertificatesShown(
        items=[CertificateShown.of(row, url=online_copy(parts, row.token)) for row in rows]
    )
