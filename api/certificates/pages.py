"""The online copy of a certificate, for whoever has its link.

The link of the online copy is on the certificate, as a QR code. Its token alone opens it; the page
is kept out of search engines, and its address out of other servers' logs.
"""

import hashlib
import re
from typing import Any, Final

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment

from api.certificates.answer import COMPARE, PAGE_HEADERS, file, headers
from api.deps import AppParts
from api.parts import Parts
from documents.certificate.markup import certificate_templates
from documents.certificate.words import CHECK_TITLES, RESULTS, verdict
from documents.keys import PublicKey
from documents.signature import verify
from documents.validity import Validity
from domain.errors import NotFoundError
from domain.states import CheckName, CheckResult, RunStatus
from storage.certificates import Certificate, Certificates

router = APIRouter(include_in_schema=False)
_LINK_ENDING: Final = r"[A-Za-z0-9_-]{27}"


@router.get("/certificates/{token}")
async def online_copy_page(token: str, parts: AppParts) -> Response:
    """Say what the certificate is, and whether its signature holds."""
    certificate = await _find(parts, token)
    if certificate is None:
        page = _templates().get_template("unknown.html").render(title="No such certificate")
        return HTMLResponse(page, status_code=404, headers=PAGE_HEADERS)
    async with parts.database.read() as connection:
        content = await Certificates(connection).file(certificate.id)
        keys = [PublicKey.from_hex(key) for key in await Certificates(connection).keys()]
    genuine = (
        verify(content, keys).validity is Validity.VALID
        and hashlib.sha256(content).hexdigest() == certificate.sha256
    )
    return HTMLResponse(
        _page(certificate, token, genuine=genuine), headers=PAGE_HEADERS | headers(certificate)
    )


@router.get("/certificates/{token}/file")
async def online_copy_file(token: str, parts: AppParts) -> Response:
    """Give the signed PDF, as it was issued."""
    certificate = await _find(parts, token)
    if certificate is None:
        raise NotFoundError("certificate_not_found", "There is no such certificate.")
    response = await file(parts, certificate)
    response.headers.update(
        {name: PAGE_HEADERS[name] for name in ("Referrer-Policy", "X-Robots-Tag")}
    )
    return response


async def _find(parts: Parts, token: str) -> Certificate | None:
    if not re.fullmatch(_LINK_ENDING, token):
        return None
    async with parts.database.read() as connection:
        return await Certificates(connection).by_token(token)


def _page(certificate: Certificate, token: str, *, genuine: bool) -> str:
    summary: dict[str, Any] = dict(certificate.summary)
    return (
        _templates()
        .get_template("online_copy.html")
        .render(
            title=f"Certificate {certificate.id}",
            script=COMPARE,
            certificate=certificate,
            summary=summary,
            charge_points=[_charge_point(one) for one in summary["charge_points"]],
            token=token,
            genuine=genuine,
        )
    )


def _templates() -> Environment:
    return certificate_templates("api.certificates")


def _charge_point(one: dict[str, Any]) -> dict[str, Any]:
    passed = one["status"] == RunStatus.COMPLETED
    tested = one["checks"].get(CheckName.TEST_TRANSACTION) == CheckResult.PASSED
    said, result = verdict(passed=passed, tested=tested, untested=one.get("untested"))
    return {
        "name": f"{one['name']} · {one['serial_number']}",
        "verdict": said,
        "result": result,
        "checks": " · ".join(
            f"{CHECK_TITLES[CheckName(name)]}: {RESULTS[CheckResult(result)].lower()}"
            for name, result in one["checks"].items()
        ),
    }
