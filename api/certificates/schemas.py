"""Shapes of certificates."""

from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel, Field, JsonValue

from api.fields import Shown, Timestamp, example
from domain.certificates import CertificateScope
from storage.certificates import Certificate

_SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_CERTIFICATE: dict[str, JsonValue] = {
    "id": "cer_01HX9CERTIFICATEABCDEF",
    "scope": "charge_point",
    "subject_id": "cp_01HX5P2QRSTUVWXYZ0",
    "number": 1,
    "service_visit_id": None,
    "newest": True,
    "sha256": _SHA256,
    "key_id": "6ac39b51bcd8e264",
    "issued_at": "2026-05-01T09:40:00Z",
    "url": "https://api.dynamo-csms.com/certificates/q1w2e3r4t5y6u7i8o9p0a1s2d3f",
}


class ReportFormat(StrEnum):
    """As what a report is wanted."""

    PDF = "pdf"
    HTML = "html"


class CertificateShown(Shown):
    """An issued certificate. The signed file lies behind `url`, for whoever knows that."""

    model_config = example(_CERTIFICATE)

    id: str
    scope: CertificateScope
    subject_id: str = Field(description="Of the charge point or the project")
    number: int = Field(description="1 is the first of this subject; each change makes another")
    service_visit_id: str | None = Field(
        description="The service visit that it is of; it is numbered among those of its project"
    )
    newest: bool
    sha256: str = Field(description="Of the whole file, as `sha256sum` shows it")
    key_id: str = Field(description="Which of `/api/v1/certificate-keys` has signed it")
    issued_at: Timestamp
    url: str = Field(description="The online copy, which the QR code leads to; no login is needed")

    @classmethod
    def of(cls, it: Certificate, **others: Any) -> Self:
        """Show a certificate."""
        return super().of(it, newest=it.number == it.newest, **others)


class CertificatesShown(BaseModel):
    """Every certificate of a charge point or a project, newest first."""

    model_config = example(items=[_CERTIFICATE])

    items: list[CertificateShown]


class KeyShown(BaseModel):
    """A public key as JSON Web Key (RFC 7517): P-256, or of older certificates Ed25519."""

    kty: str = Field(description="`EC`, or `OKP` of an Ed25519 key")
    crv: str = Field(description="`P-256` or `Ed25519`")
    use: str = "sig"
    kid: str = Field(description="First 16 digits of the fingerprint")
    x: str = Field(description="The key, or its first coordinate, base64url")
    y: str | None = Field(default=None, description="The second coordinate, of a P-256 key alone")
    fingerprint: str = Field(
        description="As certificates show it: the SHA-256 of the SubjectPublicKeyInfo (DER), of an "
        "Ed25519 key that of its 32 bytes"
    )
    x5c: list[str] | None = Field(
        default=None,
        description="Of the key that signs now: its X.509 certificate and those of its issuers, "
        "DER in base64, to be imported into a PDF reader",
    )


class KeysShown(BaseModel):
    """The keys that sign, or have signed, certificates of this engine."""

    model_config = example(
        keys=[
            {
                "kty": "EC",
                "crv": "P-256",
                "use": "sig",
                "kid": "6ac39b51bcd8e264",
                "x": "iPmoxSE99m822MZ1ukMnlVVbF_0aTAV6s-7K3NJYdH4",
                "y": "uN27nL5yyK36BLE22_-cFZNl94p1tEw8rN-1h_T8q8I",
                "fingerprint": "6ac39b51bcd8e264cb748ffb1be9b64fc30786b7c9c640f52d2be43e14de1360",
                "x5c": ["MIIBxzCCAW2gAwIBAgIIasObUbzY4mQwCgYIKoZIzj0EAwIw…"],
            }
        ]
    )

    keys: list[KeyShown]
