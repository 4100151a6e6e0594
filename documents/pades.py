"""Verifies a PAdES signature of ours, byte for byte and offline.

Only the one form that :mod:`documents.signing` writes is valid: a single signature over all of the
file but its own digits, and in it a CMS (RFC 5652) with one signer and no unsigned attribute. A
reader takes more; whatever else it would take is not from us. Trust rests on the signer's key
alone, which is among those that the engine publishes; who issued its certificate is a question for
readers.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from asn1crypto import cms, parser, tsp
from cryptography import x509
from cryptography.exceptions import InvalidSignature

from documents.keys import PublicKey
from documents.validity import Finding, Validity

_SIGNATURE: Final = re.compile(
    rb"/Contents <(?P<cms>[0-9A-F]{64,262144})>\n"
    rb"/ByteRange \[0 (?P<before>\d{1,10}) (?P<from>\d{1,10}) (?P<after>\d{1,10})\] *\n"
)
_NAMES_SIGNER: Final = "signing_certificate_v2"
_ALTERED: Final = Finding(Validity.ALTERED)


def verify(file: bytes, keys: Mapping[str, PublicKey]) -> Finding | None:
    """Tell whether one of these keys, by their ids, signed it; None where it is not signed."""
    *earlier, found = [None, *_SIGNATURE.finditer(file)]
    if found is None:
        return None
    if len(earlier) > 1:  # somebody signed what was signed
        return Finding(Validity.APPENDED)
    before, behind, after = int(found["before"]), int(found["from"]), int(found["after"])
    if (before, behind) != (found.start("cms") - 1, found.end("cms") + 1):
        return _ALTERED
    if behind + after < len(file):
        return Finding(Validity.APPENDED)
    if behind + after > len(file):
        return Finding(Validity.CUT_SHORT)
    digest = hashlib.sha256(file[:before])
    digest.update(file[behind:])
    try:
        return _verify(bytes.fromhex(found["cms"].decode()), digest.digest(), keys)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        return _ALTERED  # asn1crypto reads late: what it cannot read shows up anywhere


def _verify(contents: bytes, digest: bytes, keys: Mapping[str, PublicKey]) -> Finding:
    length = parser.peek(contents)
    if contents[length:].strip(b"\0"):
        return _ALTERED
    signed: Any = cms.ContentInfo.load(contents[:length], strict=True)["content"]
    (info,) = signed["signer_infos"]
    certificates = [one.chosen for one in signed["certificates"]]
    attributes, signature = info["signed_attrs"], info["signature"]
    ours = _signer_of(attributes, certificates)
    public = PublicKey.of(x509.load_der_x509_certificate(ours.dump()).public_key())
    # Whatever is not under the signature has one spelling.
    if contents[:length] != _written(certificates, ours, attributes, signature):
        return Finding(Validity.ALTERED, public.id)
    key = keys.get(public.id)
    if key is None:
        return Finding(Validity.UNKNOWN_KEY, public.id)
    said = {one["type"].native: one["values"] for one in attributes}
    genuine = (
        len(said) == len(attributes)
        and said["content_type"].native == ["data"]
        and said["message_digest"].native == [digest]
        and key.verifies(signature.native, attributes.untag().dump())
        and _is_chain(ours, certificates)
    )
    return Finding(Validity.VALID if genuine else Validity.ALTERED, public.id)


def _signer_of(attributes: Any, certificates: Sequence[Any]) -> Any:
    """Find the certificate that the signed attributes name by its hash (RFC 5035)."""
    (named,) = (one["values"][0] for one in attributes if one["type"].native == _NAMES_SIGNER)
    (entry,) = tsp.SigningCertificateV2.load(named.dump())["certs"]
    fingerprint = entry["cert_hash"].native
    (found,) = (one for one in certificates if one.sha256 == fingerprint)
    return found


def _written(certificates: Sequence[Any], ours: Any, attributes: Any, signature: Any) -> bytes:
    """Write the CMS as :mod:`documents.signing` does."""
    sha256 = {"algorithm": "sha256"}
    info = {
        "version": "v1",
        "sid": cms.SignerIdentifier(
            {
                "issuer_and_serial_number": cms.IssuerAndSerialNumber(
                    {"issuer": ours.issuer, "serial_number": ours.serial_number}
                )
            }
        ),
        "digest_algorithm": sha256,
        "signed_attrs": attributes,
        "signature_algorithm": {"algorithm": "sha256_ecdsa"},
        "signature": signature.native,
    }
    signed = {
        "version": "v1",
        "digest_algorithms": [sha256],
        "encap_content_info": {"content_type": "data"},
        "certificates": certificates,
        "signer_infos": [info],
    }
    written: bytes = cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump()
    return written


def _is_chain(ours: Any, certificates: Sequence[Any]) -> bool:
    """Tell whether every other certificate issued the one before it, beginning with ours."""
    left = [x509.load_der_x509_certificate(one.dump()) for one in certificates if one is not ours]
    last = x509.load_der_x509_certificate(ours.dump())
    while left:
        issuer = next((one for one in left if _issued(last, one)), None)
        if issuer is None:
            return False
        left.remove(issuer)
        last = issuer
    return True


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
