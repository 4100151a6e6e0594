"""Issues certificates: numbers, renders, signs. What is issued never changes."""

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from api.deps import now
from api.parts import Parts
from api.security.throttling import ISSUE_SUBJECT
from documents.certificate.content import title_of
from domain.certificates import CertificateScope, Issue, Report
from domain.errors import UnavailableError
from domain.ids import Prefix, new_id
from domain.tokens import certificate_token, hash_token
from storage.certificates import Certificate, Certificates
from storage.declarations import Photos
from storage.reports import Reports

_ATTEMPTS: Final = 5
_REPORT: Final = TypeAdapter(Report)


@dataclass(frozen=True, kw_only=True, slots=True)
class Issued:
    """A certificate and the report that it was made of."""

    certificate: Certificate
    report: Report
    url: str


async def issue_of_charge_point(parts: Parts, charge_point_id: str) -> Issued:
    """Return the newest certificate of a charge point, issued anew if its report has changed.

    Raises:
        ConflictError: ``no_verdict``.
        CertificateKeyMissingError: ``certificate_key_missing``.
        TooManyRequestsError: It changed too often.

    """
    return await _issue(
        parts,
        charge_point_id,
        lambda connection: Reports(connection).of_charge_point(charge_point_id),
    )


async def issue_of_project(parts: Parts, project_id: str) -> Issued:
    """Return the newest certificate of a project, issued anew if its report has changed.

    Raises:
        ConflictError: ``no_verdict``.
        CertificateKeyMissingError: ``certificate_key_missing``.
        TooManyRequestsError: It changed too often.

    """
    return await _issue(
        parts, project_id, lambda connection: Reports(connection).of_project(project_id)
    )


_Read = Callable[[AsyncConnection], Awaitable[Report]]


async def _issue(parts: Parts, subject_id: str, read: _Read) -> Issued:
    for attempt in range(_ATTEMPTS):
        async with parts.database.read() as connection:
            report = await read(connection)
            newest = await Certificates(connection).newest(subject_id)
            content = _content_hash(report)
            if newest is not None and newest.content_hash == content:
                return Issued(certificate=newest, report=report, url=online_copy(parts, newest.id))
            ids = [photo.id for one in report.charge_points for photo in one.photos]
            thumbnails = dict(await Photos(connection).thumbnails(ids))
        if attempt == 0:
            await parts.throttle.attempt((ISSUE_SUBJECT, subject_id))
        number = newest.number + 1 if newest else 1
        issued = await _make(parts, subject_id, report, content, number, thumbnails)
        if issued is not None:
            return issued
    raise UnavailableError("certificate_busy", "Its certificate changes just now. Try again.")


async def _make(
    parts: Parts,
    subject_id: str,
    report: Report,
    content: str,
    number: int,
    thumbnails: dict[str, bytes],
) -> Issued | None:
    key = parts.issuing.key().public
    issue = Issue(
        certificate_id=(certificate_id := new_id(Prefix.CERTIFICATE)),
        number=number,
        issued_at=now().replace(microsecond=0),
        key_fingerprint=key.fingerprint,
        url=online_copy(parts, certificate_id),
    )
    file = await parts.issuing.render(report, issue, thumbnails)
    certificate = Certificate(
        id=certificate_id,
        scope=report.scope,
        subject_id=subject_id,
        project_id=report.site.project_id,
        number=number,
        content_hash=content,
        sha256=hashlib.sha256(file).hexdigest(),
        key_id=key.id,
        issued_at=issue.issued_at,
        summary=_summary(report),
        newest=number,
    )
    async with parts.database.write() as connection:
        certificates = Certificates(connection)
        stored = await certificates.add(
            certificate, token_hash=hash_token(_token(parts, certificate_id)), file=file
        )
        if not stored:  # another request was faster; perhaps with the very same report
            return None
        await certificates.remember_key(key.id, key.hex, at=issue.issued_at)
    return Issued(certificate=certificate, report=report, url=issue.url)


def online_copy(parts: Parts, certificate_id: str) -> str:
    """Return the address of a certificate's public page; whoever has it may read the file."""
    base = parts.settings.public_api_url.rstrip("/")
    return f"{base}/certificates/{_token(parts, certificate_id)}"


def _token(parts: Parts, certificate_id: str) -> str:
    return certificate_token(parts.settings.required_secret(), certificate_id)


def _content_hash(report: Report) -> str:
    written = json.dumps(_REPORT.dump_python(report, mode="json"), sort_keys=True)
    return hashlib.sha256(written.encode()).hexdigest()


def _summary(report: Report) -> dict[str, object]:
    """What the public page says: enough to compare a paper with, and no more."""
    return {
        "site": report.site.name,
        "installer": report.site.installer,
        "of_project": report.scope is CertificateScope.PROJECT,
        "charge_points": [
            {
                "name": title_of(one.registered),
                "serial_number": one.registered.serial_number,
                "status": one.run.status.value,
                "completed_at": one.run.completed_at and one.run.completed_at.isoformat(),
                "checks": {check.name.value: check.result.value for check in one.run.checks},
                "declared": one.declaration is not None,
            }
            for one in report.charge_points
        ],
        "unjudged": [one.registered.serial_number for one in report.unjudged],
    }
