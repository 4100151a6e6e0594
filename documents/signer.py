"""Who signs certificates: a P-256 key, and the X.509 certificate that names it to PDF readers."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    derive_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from documents.keys import PublicKey

_PURPOSE: Final = b"dynamo-certificate-p256-1"
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of P-256's group (SP 800-186, section 3.2.1.3)."""
_DERIVED_BYTES: Final = 48
"""128 bits more than the order has: no key is likelier than another (FIPS 186-5, A.2.1)."""
_SINCE: Final = datetime(2026, 1, 1, tzinfo=UTC)
_FOR_EVER: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""No end that is known of (RFC 5280, section 4.1.2.5)."""


class SignerFileError(Exception):
    """A file holds no key and certificate that certificates can be signed with."""


class Signer:
    """The engine's private key and its certificate, then those of its issuers."""

    def __init__(self, key: EllipticCurvePrivateKey, chain: Sequence[x509.Certificate]) -> None:
        self._key = key
        self.public = PublicKey.of(key.public_key())
        self.chain = tuple(one.public_bytes(Encoding.DER) for one in chain)
        """DER; the first is of the key."""

    @classmethod
    def from_seed(cls, seed: bytes) -> Self:
        """Derive a key of its own from the engine's seed, and sign its certificate with itself.

        The same seed makes the same key and the same certificate, so nothing more has to be kept.
        """
        material = HKDF(algorithm=SHA256(), length=_DERIVED_BYTES, salt=None, info=_PURPOSE)
        number = int.from_bytes(material.derive(seed)) % (_ORDER - 1) + 1
        key = derive_private_key(number, SECP256R1())
        return cls(key, [_self_signed(key)])

    @classmethod
    def from_pem(cls, pem: bytes) -> Self:
        """Read a private key without a password, its certificate, and those of its issuers.

        Raises:
            SignerFileError: One is missing, or they do not belong together.

        """
        try:
            key = load_pem_private_key(pem, password=None)
            chain = x509.load_pem_x509_certificates(pem)
        except (ValueError, TypeError) as error:
            raise SignerFileError(
                "it is PEM with a private key without a password, its certificate, then those of "
                "its issuers"
            ) from error
        if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
            raise SignerFileError("its private key has to be on the curve P-256 (prime256v1)")
        if chain[0].public_key() != key.public_key():
            raise SignerFileError("its first certificate has to be that of its private key")
        return cls(key, chain)

    def private_der(self) -> bytes:
        """Give the private key to what signs (PKCS #8)."""
        return self._key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())

    def certificate_pem(self) -> str:
        """Write the certificate of the key, as readers of PDF import it."""
        return x509.load_der_x509_certificate(self.chain[0]).public_bytes(Encoding.PEM).decode()


def read_signer(file: Path) -> Signer:
    """Read a signer from a PEM file.

    Raises:
        SignerFileError: It cannot be read, or holds none.

    """
    try:
        pem = file.read_bytes()
    except OSError as error:
        raise SignerFileError(f"{file} cannot be read: {error.strerror}") from error
    try:
        return Signer.from_pem(pem)
    except SignerFileError as error:
        raise SignerFileError(f"{file} is no signer of certificates: {error}") from error


def _self_signed(key: EllipticCurvePrivateKey) -> x509.Certificate:
    public = PublicKey.of(key.public_key())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Dynamo"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"Dynamo commissioning engine {public.id}"),
        ]
    )
    signs_alone = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(int(public.id, 16))
        .not_valid_before(_SINCE)
        .not_valid_after(_FOR_EVER)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(signs_alone, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256(), ecdsa_deterministic=True)
    )
