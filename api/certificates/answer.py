"""A certificate as an answer: the file as it was issued, or the same as a page."""

import asyncio

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from api.certificates.issuing import Issued, keys_address
from api.certificates.policy import PAGE_HEADERS
from api.certificates.schemas import ReportFormat
from api.parts import Parts
from documents.certificate.html import render_html
from domain.certificates import Issue
from storage.certificates import Certificate, Certificates
from storage.declarations import Photos


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
