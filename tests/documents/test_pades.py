"""The signature in a certificate: readers show it, and it holds for exactly the bytes signed."""

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import cms, parser
from asn1crypto.x509 import Certificate
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    SECP384R1,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as make_rsa
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils.generic import DictionaryObject, pdf_name, pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation import SignatureCoverageLevel, validate_pdf_signature
from pyhanko.sign.validation.status import PdfSignatureStatus
from pyhanko_certvalidator import ValidationContext

from documents.certificate.render import render_pdf
from documents.keys import PublicKey, seed_from_hex
from documents.signature import verify
from documents.signer import Signer, SignerFileError
from documents.signing import sign
from documents.validity import Finding, Validity
from tests.documents.authorities import certificate, pem
from tests.documents.reports import FAILED, ISSUE, certificate_of
from tests.documents.trailer import TrailerKey

SEED = seed_from_hex("8f" * 31 + "01")
KEY = Signer.from_seed(SEED)
OTHER = Signer.from_seed(seed_from_hex("7e" * 31 + "02"))
PDF = render_pdf(certificate_of(FAILED), ISSUE, {})
SIGNED = sign(PDF, KEY)
START = SIGNED.rindex(b"/Contents <") + 11
END = SIGNED.index(b">", START)


def validity(file: bytes, *keys: PublicKey) -> Validity:
    return verify(file, keys or (KEY.public,)).validity


def in_place_of_cms(digits: bytes) -> bytes:
    """Put other digits into the place of the signature, as long as those."""
    assert len(digits) <= END - START
    return SIGNED[:START] + digits.ljust(END - START, b"0") + SIGNED[END:]


def rewritten(change: Callable[[Any], None]) -> bytes:
    """Write the CMS anew after a change of its content."""
    content = bytes.fromhex(SIGNED[START:END].decode())
    message = cms.ContentInfo.load(content[: parser.peek(content)])
    change(message["content"])
    return in_place_of_cms(message.dump(force=True).hex().upper().encode())


def seen_by_a_reader(file: bytes, trusted: bytes) -> PdfSignatureStatus:
    """Validate as a reader does that trusts one certificate."""
    (signature,) = PdfFileReader(io.BytesIO(file)).embedded_signatures
    context = ValidationContext(trust_roots=[Certificate.load(trusted)])
    return validate_pdf_signature(signature, signer_validation_context=context)


def updated(pdf: bytes) -> bytes:
    """Append an update that changes the first page, as an editor does."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    page = writer.root["/Pages"]["/Kids"][0]
    note = DictionaryObject(  # type: ignore[no-untyped-call]
        {pdf_name("/Subtype"): pdf_name("/Text"), pdf_name("/Contents"): pdf_string("x")}
    )
    page["/Annots"].append(writer.add_object(note))
    writer.mark_update(writer.root["/Pages"]["/Kids"].raw_get(0))
    out = io.BytesIO()
    writer.write(out)  # type: ignore[no-untyped-call]
    return out.getvalue()


def test_it_is_valid_as_it_was_signed() -> None:
    assert verify(SIGNED, [OTHER.public, KEY.public]) == Finding(Validity.VALID, KEY.public.id)


def test_a_reader_shows_it() -> None:
    status = seen_by_a_reader(SIGNED, KEY.chain[0])
    assert (status.intact, status.valid, status.trusted) == (True, True, True)
    assert status.coverage is SignatureCoverageLevel.ENTIRE_FILE
    assert status.docmdp_ok
    assert status.modification_level is ModificationLevel.NONE


def test_a_reader_does_not_know_who_signed_by_itself() -> None:
    status = seen_by_a_reader(SIGNED, OTHER.chain[0])
    assert (status.intact, status.valid, status.trusted) == (True, True, False)


def test_the_same_seed_makes_the_same_key_and_certificate() -> None:
    again = Signer.from_seed(SEED)
    assert (again.public, again.chain) == (KEY.public, KEY.chain)
    assert PublicKey.of(x509.load_der_x509_certificate(KEY.chain[0]).public_key()) == KEY.public


@settings(max_examples=30)
@given(place=st.integers(min_value=5, max_value=len(SIGNED) - 1), bit=st.integers(0, 7))
def test_any_altered_bit_is_noticed(place: int, bit: int) -> None:
    altered = bytearray(SIGNED)
    altered[place] ^= 1 << bit
    assert validity(bytes(altered)) is not Validity.VALID


@given(
    place=st.integers(min_value=START, max_value=END - 1),
    digit=st.sampled_from(b"0123456789abcdefABCDEF"),
)
def test_any_other_digit_of_the_signature_is_noticed(place: int, digit: int) -> None:
    altered = bytearray(SIGNED)
    altered[place] = digit
    assert validity(bytes(altered)) is not Validity.VALID or bytes(altered) == SIGNED


@given(st.integers(min_value=0, max_value=len(SIGNED) - 1))
def test_a_file_that_was_cut_is_noticed(length: int) -> None:
    assert validity(SIGNED[:length]) is not Validity.VALID


@given(st.binary(min_size=1, max_size=200))
def test_anything_appended_is_refused(more: bytes) -> None:
    assert validity(SIGNED + more) is Validity.APPENDED


@pytest.mark.parametrize(
    ("file", "found"),
    [
        (SIGNED[:-1], Validity.CUT_SHORT),
        (SIGNED[: START + 100], Validity.CUT_SHORT),
        (PDF, Validity.UNSIGNED),
        (updated(SIGNED), Validity.APPENDED),
        (SIGNED + PDF, Validity.APPENDED),
        (sign(PDF, OTHER), Validity.UNKNOWN_KEY),
        (TrailerKey("7e" * 31 + "02").sign(SIGNED), Validity.UNKNOWN_KEY),
        (SIGNED.replace(b"/Lang", b"/Lamg"), Validity.ALTERED),
        (b"%PDF-1.7\n" + SIGNED, Validity.ALTERED),
        (in_place_of_cms(SIGNED[START:END].rstrip(b"0") + b"0" * 40 + b"1"), Validity.ALTERED),
        (in_place_of_cms(b"00"), Validity.ALTERED),
        (in_place_of_cms(b"FF" * 90), Validity.ALTERED),
    ],
)
def test_what_is_said_of_other_files(file: bytes, found: Validity) -> None:
    assert validity(file) is found


def test_the_place_of_the_signature_cannot_be_moved() -> None:
    digits = SIGNED[START - 1 : END + 1]
    moved = SIGNED[: START - 1] + SIGNED[END + 1 :]
    place = moved.index(b"/Lang")
    assert validity(moved[:place] + digits + moved[place:]) is not Validity.VALID


def _twice_signed(content: Any) -> None:
    content["signer_infos"].append(content["signer_infos"][0].copy())


def _with_a_remark(content: Any) -> None:
    remark = cms.CMSAttribute({"type": "signature_time_stamp_token", "values": []})
    content["signer_infos"][0]["unsigned_attrs"] = cms.CMSAttributes([remark])


def _with_another_certificate(content: Any) -> None:
    content["certificates"].append(
        cms.CertificateChoices("certificate", Certificate.load(OTHER.chain[0]))
    )


def _of_another_signer(content: Any) -> None:
    content["certificates"][0] = cms.CertificateChoices(
        "certificate", Certificate.load(OTHER.chain[0])
    )


def _of_another_version(content: Any) -> None:
    content["version"] = "v3"


@pytest.mark.parametrize(
    "change",
    [
        _twice_signed,
        _with_a_remark,
        _with_another_certificate,
        _of_another_signer,
        _of_another_version,
    ],
)
def test_what_is_not_under_the_signature_has_one_spelling(change: Callable[[Any], None]) -> None:
    assert validity(rewritten(lambda _content: None)) is Validity.VALID
    assert validity(rewritten(change), KEY.public, OTHER.public) is Validity.ALTERED


def test_verifying_needs_no_pdf_library(tmp_path: Path) -> None:
    (tmp_path / "certificate.pdf").write_bytes(SIGNED)
    program = (
        "import sys; from pathlib import Path; from documents.check import check\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "said = check(folder / 'certificate.pdf', keys=[folder / 'key.pem'], data_dir=folder)\n"
        "print(said.exit_code, {'pyhanko', 'fpdf', 'lxml'} & set(sys.modules))"
    )
    (tmp_path / "key.pem").write_text(KEY.public.pem())
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "0 set()\n"


class TestConfiguredSigner:
    root, middle, leaf = (generate_private_key(SECP256R1()) for _ in range(3))
    of_root = certificate("Root", root, "Root", root, ca=True)
    of_middle = certificate("Issuer", middle, "Root", root, ca=True)
    of_leaf = certificate("Acme EV Solutions", leaf, "Issuer", middle, ca=False)

    def test_a_reader_that_knows_its_authority_trusts_it(self) -> None:
        signer = Signer.from_pem(pem(self.leaf, self.of_leaf, self.of_middle))
        signed = sign(PDF, signer)
        assert verify(signed, [signer.public]) == Finding(Validity.VALID, signer.public.id)
        status = seen_by_a_reader(signed, self.of_root.public_bytes(Encoding.DER))
        assert status.bottom_line
        assert status.signing_cert.subject.native["common_name"] == "Acme EV Solutions"

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"", "a private key without a password"),
            (pem(leaf), "its certificate"),
            (pem(middle, of_leaf), "that of its private key"),
            (of_leaf.public_bytes(Encoding.PEM), "a private key without a password"),
            (pem(generate_private_key(SECP384R1()), of_leaf), "on the curve P-256"),
            (pem(make_rsa(65537, 2048), of_leaf), "on the curve P-256"),
        ],
    )
    def test_what_is_no_signer_is_refused(self, content: bytes, said: str) -> None:
        with pytest.raises(SignerFileError, match=said):
            Signer.from_pem(content)
