"""Issues certificates: numbers, renders, signs. What is issued never changes."""

import hashlib
import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from api.deps import now
from api.parts import Parts
from api.security.throttling import ISSUE_SUBJECT
from documents.certificate.connector_words import said_of_untested, test_charge_of
from documents.certificate.content import title_of
from domain.certificates import CertificateScope, Issue, Report
from domain.checks import RunView
from domain.contests import how_to_decide
from domain.errors import ConflictError, UnavailableError
from domain.ids import Prefix, new_id
from storage.certificates import Certificate, Certificates
from storage.contests import read_confirmed
from storage.declarations import Photos
from storage.reports import Reports
from storage.service_visits import ServiceVisit

_ATTEMPTS: Final = 5
_TOKEN_BYTES: Final = 20
"""160 bits, 27 characters: a QR code of them stays coarse."""
_REPORT: Final = TypeAdapter(Report)
_FRAMES: Final = {"charge_points": {"__all__": {"frames", "frames_logged"}}}


@dataclass(frozen=True, kw_only=True, slots=True)
class Issued:
    """A certificate and the report that it was made of."""

    certificate: Certificate
    report: Report
    url: str


async def issue_of_charge_point(parts: Parts, charge_point_id: str) -> Issued:
    """Return the newest certificate of a charge point, issued anew if its report has changed.

    Raises:
        ConflictError: ``no_verdict``; ``contested``.
        CertificateKeyMissingError: ``certificate_key_missing``.
        TooManyRequestsError: It changed too often.

    """
    return await _issue(
        parts,
        charge_point_id,
        lambda connection: Reports(connection, parts.catalogue).of_charge_point(charge_point_id),
    )


async def issue_of_project(parts: Parts, project_id: str) -> Issued:
    """Return the same of a project; errors as :func:`issue_of_charge_point`."""
    return await _issue(
        parts,
        project_id,
        lambda connection: Reports(connection, parts.catalogue).of_project(project_id),
    )


async def issue_of_visit(parts: Parts, visit: ServiceVisit) -> Issued:
    """Return that of a closed visit, numbered after those of its project; errors as above."""
    return await _issue(
        parts,
        visit.project_id,
        lambda connection: Reports(connection, parts.catalogue).of_visit(visit),
        service_visit_id=visit.id,
    )


_Read = Callable[[AsyncConnection], Awaitable[Report]]


async def _issue(
    parts: Parts, subject_id: str, read: _Read, *, service_visit_id: str | None = None
) -> Issued:
    for attempt in range(_ATTEMPTS):
        async with parts.database.read() as connection:
            report = await read(connection)
            certificates = Certificates(connection)
            newest = await certificates.newest(subject_id, service_visit_id=service_visit_id)
            content = _content_hash(parts, report)
            if newest is not None and _holds(parts, newest, content):
                url = online_copy(parts, newest.token)
                return Issued(certificate=newest, report=report, url=url)
            await _refuse_contested(connection, report)
            number = await certificates.next_number(subject_id, service_visit_id=service_visit_id)
            ids = [photo.id for one in report.charge_points for photo in one.photos]
            thumbnails = dict(await Photos(connection).thumbnails(ids))
        if attempt == 0:
            await parts.throttle.attempt((ISSUE_SUBJECT, subject_id))
        issued = await _make(parts, subject_id, report, content, number, thumbnails)
        if issued is not None:
            return issued
    raise UnavailableError("certificate_busy", "Its certificate changes just now. Try again.")


async def _refuse_contested(connection: AsyncConnection, report: Report) -> None:
    """Issue nothing new of a charge point of which nobody knows who speaks for it."""
    ids = [one.run.charge_point_id for one in report.charge_points]
    for charge_point_id, contest in (await read_confirmed(connection, ids)).items():
        raise ConflictError(
            "contested", how_to_decide(charge_point_id, contest), charge_point_id=charge_point_id
        )


async def _make(
    parts: Parts,
    subject_id: str,
    report: Report,
    content: str,
    number: int,
    thumbnails: dict[str, bytes],
) -> Issued | None:
    key = parts.issuing.signer().public
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    issue = Issue(
        certificate_id=new_id(Prefix.CERTIFICATE),
        number=number,
        issued_at=now().replace(microsecond=0),
        key_fingerprint=key.fingerprint,
        url=online_copy(parts, token),
        keys_url=keys_address(parts),
    )
    file = await parts.issuing.render(report, issue, thumbnails)
    certificate = Certificate(
        id=issue.certificate_id,
        scope=report.scope,
        subject_id=subject_id,
        project_id=report.site.project_id,
        number=number,
        content_hash=content,
        sha256=hashlib.sha256(file).hexdigest(),
        key_id=key.id,
        token=token,
        issued_at=issue.issued_at,
        summary=_summary(report),
        service_visit_id=None if report.visit is None else report.visit.service_visit_id,
        newest=number,
    )
    async with parts.database.write() as connection:
        certificates = Certificates(connection)
        stored = await certificates.add(certificate, file=file)
        if not stored:  # another request was faster; perhaps with the very same report
            return None
        await certificates.remember_key(key.id, key.hex, at=issue.issued_at)
    return Issued(certificate=certificate, report=report, url=issue.url)


def online_copy(parts: Parts, token: str) -> str:
    """Return the address of a certificate's public page; whoever has it may read the file."""
    return f"{_base(parts)}/certificates/{token}"


def keys_address(parts: Parts) -> str:
    """Return where everybody gets the public keys."""
    return f"{_base(parts)}/api/v1/certificate-keys"


def _base(parts: Parts) -> str:
    return parts.settings.public_api_url.rstrip("/")


def _holds(parts: Parts, newest: Certificate, content: str) -> bool:
    key = parts.issuing.public_key
    return newest.content_hash == content and (key is None or newest.key_id == key.id)


def _content_hash(parts: Parts, report: Report) -> str:
    """Hash what a certificate is made of, and the address that its QR code leads to.

    Frames do not count: the verdict is their sum, and the last of them may be written after it.
    """
    written = _REPORT.dump_python(report, mode="json", exclude=_FRAMES)
    written["base"] = _base(parts)
    return hashlib.sha256(json.dumps(written, sort_keys=True).encode()).hexdigest()


def _summary(report: Report) -> dict[str, object]:
    """What the public page says: enough to compare a paper with, and no more."""
    return {
        "site": report.site.name,
        "installer": report.site.installer,
        "of_project": report.scope is not CertificateScope.CHARGE_POINT,
        "charge_points": [
            {
                "name": title_of(one.registered),
                "serial_number": one.registered.serial_number,
                "status": one.run.status.value,
                "completed_at": one.run.completed_at and one.run.completed_at.isoformat(),
                "checks": {check.name.value: check.result.value for check in one.run.checks},
                "connectors": _connectors(one.run),
                "untested": said_of_untested(one.run),
                "declared": one.declaration is not None,
            }
            for one in report.charge_points
        ],
        "unjudged": [one.registered.serial_number for one in report.unjudged],
    }


def _connectors(run: RunView) -> dict[str, str]:
    """Tell how each connector's test went, by its number."""
    check = test_charge_of(run)
    return {str(one.connector_id): one.result.value for one in check.connectors} if check else {}
