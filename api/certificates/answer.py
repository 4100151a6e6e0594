"""A certificate as an answer: the file as it was issued, or a page, which may do little."""

import asyncio
import base64
import hashlib
from importlib.resources import files
from typing import Final

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from api.certificates.issuing import Issued, keys_address
from api.certificates.schemas import ReportFormat
from api.parts import Parts
from documents.certificate.html import render_html
from documents.certificate.markup import STYLE
from domain.certificates import Issue
from storage.certificates import Certificate, Certificates
from storage.declarations import Photos

COMPARE: Final = files(__package__).joinpath("compare.js").read_text(encoding="utf-8")
"""Script of the online copy."""


def _source(content: str) -> str:
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    return f"'sha256-{digest}'"


PAGE_HEADERS: Final = {
    "Content-Security-Policy": (
        f"default-src 'none'; script-src {_source(COMPARE)}; style-src {_source(STYLE)}; "
        "img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",  # the address holds the token
    "X-Robots-Tag": "noindex, nofollow",
}


async def answer(
    parts: Parts, request: Request, issued: Issued, wanted: ReportFormat | None
) -> Response:
    """Answer with the certificate, as it is wanted."""
    browser = "text/html" in request.headers.get("accept", "")
    if wanted is None:
        wanted = ReportFormat.HTML if browser else ReportFormat.PDF
    if wanted is ReportFormat.HTML:
        return await _page(parts, issued)
    return await file(parts, issued.certificate)


async def file(parts: Parts, certificate: Certificate) -> Response:
    """Answer with the signed PDF, byte for byte as it was issued."""
    async with parts.database.read() as connection:
        content = await Certificates(connection).file(certificate.id)
    return Response(
        content,
        media_type="application/pdf",
        headers=headers(certificate)
        | {
            "Content-Disposition": f'inline; filename="{certificate.id}.pdf"',
            "ETag": f'"{certificate.sha256}"',
        },
    )


def headers(certificate: Certificate) -> dict[str, str]:
    """Say which certificate it is."""
    return {
        "X-Certificate-Id": certificate.id,
        "X-Certificate-Number": str(certificate.number),
        "X-Certificate-SHA256": certificate.sha256,
    }


async def _page(parts: Parts, issued: Issued) -> Response:
    ids = [photo.id for one in issued.report.charge_points for photo in one.photos]
    async with parts.database.read() as connection:
        thumbnails = await Photos(connection).thumbnails(ids)
    certificate = issued.certificate
    issue = Issue(
        certificate_id=certificate.id,
        number=certificate.number,
        issued_at=certificate.issued_at,
        key_fingerprint=certificate.key_id,
        url=issued.url,
        keys_url=keys_address(parts),
    )
    content = await asyncio.to_thread(
        render_html, issued.report, issue, thumbnails, sha256=certificate.sha256
    )
    return HTMLResponse(content, headers=PAGE_HEADERS | headers(certificate))
