"""Issued certificates: numbered, and never changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased
from sqlmodel import col

from domain.certificates import CertificateScope
from storage.models.documents import Certificate as CertificateRow
from storage.models.documents import CertificateKey
from storage.read_models import read_model
from storage.rows import Repository, columns_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Certificate:
    """One issued certificate, without its file.

    ``subject_id`` is of the charge point or the project, ``sha256`` of the whole file, both hashes
    in hex. ``token`` opens its online copy. One of a service visit is numbered among those of its
    project; ``newest`` is the number of the newest of the same subject and visit.
    """

    id: str
    scope: CertificateScope
    subject_id: str
    project_id: str
    number: int
    content_hash: str
    sha256: str
    key_id: str
    token: str = field(repr=False)
    issued_at: datetime
    summary: Mapping[str, Any]
    service_visit_id: str | None = None
    newest: int = 0


_certificate = read_model(Certificate)


class Certificates(Repository):
    """Repository of certificates."""

    async def newest(
        self, subject_id: str, *, service_visit_id: str | None = None
    ) -> Certificate | None:
        """Return the subject's newest certificate, or that of a visit to it."""
        return await self._one(
            _facts()
            .where(col(CertificateRow.subject_id) == subject_id)
            .where(col(CertificateRow.service_visit_id).is_not_distinct_from(service_visit_id))
        )

    async def next_number(self, subject_id: str, *, service_visit_id: str | None = None) -> int:
        """Number the next one. 1 is for the subject itself, though a visit's may come first."""
        of_subject = col(CertificateRow.subject_id) == subject_id
        taken = await self._connection.scalar(
            select(func.max(col(CertificateRow.number))).where(of_subject)
        )
        is_first = col(CertificateRow.number) == 1
        if service_visit_id is None and not await self._rows.count(
            CertificateRow, of_subject, is_first
        ):
            return 1
        return max(taken or 1, 1) + 1

    async def all(self, subject_id: str) -> Sequence[Certificate]:
        """Return every certificate of a subject, newest first; 1,000 at most."""
        query = _facts().where(col(CertificateRow.subject_id) == subject_id).limit(1000)
        return await self._rows.read_all(query, _certificate)

    async def by_token(self, token: str) -> Certificate | None:
        """Return the certificate whose online copy has that token."""
        return await self._one(_facts().where(col(CertificateRow.token) == token))

    async def file(self, certificate_id: str) -> bytes:
        """Return the signed PDF, as it was issued."""
        query = select(col(CertificateRow.file)).where(col(CertificateRow.id) == certificate_id)
        (file,) = await self._rows.one(query)
        return file

    async def add(self, certificate: Certificate, *, file: bytes) -> bool:
        """Store it; False when another one took its number first."""
        return await self._rows.add_if_new(CertificateRow, certificate, file=file)

    async def remember_key(self, key_id: str, public_key: str, *, at: datetime) -> None:
        """Keep a public key (hex) that signs from now on."""
        await self._rows.add_if_new(
            CertificateKey, id=key_id, public_key=public_key, first_used_at=at
        )

    async def keys(self) -> Sequence[str]:
        """Return every public key that ever signed (hex), oldest first."""
        query = select(col(CertificateKey.public_key)).order_by(col(CertificateKey.first_used_at))
        return await self._rows.values(query)

    async def _one(self, query: Select[Any]) -> Certificate | None:
        return await self._rows.read(query.limit(1), _certificate)


def _facts() -> Select[Any]:
    others = aliased(CertificateRow)
    newest = (
        select(func.max(col(others.number)))
        .where(col(others.subject_id) == col(CertificateRow.subject_id))
        .where(
            col(others.service_visit_id).is_not_distinct_from(col(CertificateRow.service_visit_id))
        )
        .scalar_subquery()
    )
    return select(*columns_of(CertificateRow, but=("file",)), newest.label("newest")).order_by(
        col(CertificateRow.number).desc()
    )
