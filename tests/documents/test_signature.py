"""A signature holds for exactly the bytes that were signed."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents.certificate.render import render_pdf
from documents.check import KEY_FILE, check
from documents.keys import KeyFileError, PublicKey, SigningKey, read_keys
from documents.signature import Finding, Validity, sign, verify
from domain.certificates import Report
from tests.documents.reports import FAILED, ISSUE, SITE, WITHOUT_TEST, certificate_of

KEY = SigningKey.from_hex("8f" * 31 + "01")
OTHER = SigningKey.from_hex("7e" * 31 + "02")
PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\nstartxref\n9\n%%EOF\n"
SIGNED = sign(PDF, KEY)


def validity(file: bytes, *keys: PublicKey) -> Validity:
    return verify(file, keys or (KEY.public,)).validity


def test_it_is_valid_as_it_was_signed() -> None:
    assert verify(SIGNED, [OTHER.public, KEY.public]) == Finding(Validity.VALID, KEY.public.id)
    assert sign(PDF, KEY) == SIGNED


@given(place=st.integers(min_value=5, max_value=len(SIGNED) - 1), bit=st.integers(0, 7))
def test_any_altered_bit_is_noticed(place: int, bit: int) -> None:
    altered = bytearray(SIGNED)
    altered[place] ^= 1 << bit
    assert validity(bytes(altered)) is not Validity.VALID


@given(st.integers(min_value=0, max_value=len(SIGNED) - 1))
def test_a_file_that_was_cut_is_noticed(length: int) -> None:
    assert validity(SIGNED[:length]) is not Validity.VALID


@pytest.mark.parametrize(
    ("file", "found"),
    [
        (SIGNED[:-1], Validity.ALTERED),
        (SIGNED[:-60], Validity.CUT_SHORT),
        (PDF[:-8], Validity.CUT_SHORT),
        (PDF, Validity.UNSIGNED),
        (SIGNED + b"\n", Validity.ALTERED),
        (SIGNED + PDF, Validity.ALTERED),
        (sign(SIGNED, OTHER), Validity.UNKNOWN_KEY),
        (b"", Validity.NOT_A_PDF),
        (b"PK\x03\x04 a letter", Validity.NOT_A_PDF),
        (PDF + SIGNED[len(PDF) :].replace(KEY.public.id.encode(), b"0" * 16), Validity.UNKNOWN_KEY),
    ],
)
def test_what_is_said_of_other_files(file: bytes, found: Validity) -> None:
    assert validity(file) is found


def test_another_key_does_not_pass_for_ours() -> None:
    forged = sign(PDF, OTHER).replace(OTHER.public.id.encode(), KEY.public.id.encode())
    assert validity(forged) is Validity.ALTERED


def test_keys_are_read_as_they_are_published() -> None:
    published = json.dumps({"keys": [KEY.public.jwk(), OTHER.public.jwk()]})
    both = [KEY.public, OTHER.public]
    assert read_keys(published) == both
    assert read_keys(KEY.public.pem() + OTHER.public.pem()) == both
    assert read_keys(json.dumps(KEY.public.jwk())) == read_keys(KEY.public.hex) == both[:1]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"keys": []}',
        '{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}]}',
        '{"keys": 3}',
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
        "ab",
        "{" * 100_000,
    ],
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(KeyFileError):
        read_keys(text)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A certificate, the published keys, and the data directory of another engine."""
    (tmp_path / "certificate.pdf").write_bytes(SIGNED)
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [KEY.public.jwk()]}))
    (tmp_path / KEY_FILE).write_text("7e" * 31 + "02")
    return tmp_path


class TestCheck:
    def test_valid(self, folder: Path) -> None:
        outcome = check(
            folder / "certificate.pdf", keys=[folder / "keys.json"], data_dir=folder / "none"
        )
        assert outcome.exit_code == 0
        assert outcome.said.startswith("VALID: ")
        assert KEY.public.fingerprint in outcome.said

    @pytest.mark.parametrize(
        ("report", "said"),
        [
            (
                certificate_of(FAILED),
                "Commissioning report: ABB Terra AC W22 · CP-SN-00483921. Failed.",
            ),
            (
                replace(certificate_of(WITHOUT_TEST, FAILED), site=replace(SITE, name="(A) \\ B")),
                (
                    "Commissioning report of a site: (A) \\ B. 1 of 3 passed, "
                    "1 without a test charge, 1 to be reviewed."
                ),
            ),
        ],
    )
    def test_valid_says_of_what(self, folder: Path, report: Report, said: str) -> None:
        file = folder / "report.pdf"
        file.write_bytes(sign(render_pdf(report, ISSUE, {}), KEY))
        outcome = check(file, keys=[folder / "keys.json"], data_dir=folder)
        assert f"{said}\nCertificate {ISSUE.certificate_id}, number 2.\n" in outcome.said

    def test_the_engine_of_this_machine(self, folder: Path) -> None:
        outcome = check(folder / "certificate.pdf", keys=[], data_dir=folder)
        assert outcome.exit_code == 3
        assert outcome.said.startswith("UNKNOWN KEY: ")
        assert KEY.public.id in outcome.said
        assert f"not among the keys given ({OTHER.public.id})" in outcome.said
        (folder / KEY_FILE).write_text("8f" * 31 + "01")
        assert check(folder / "certificate.pdf", keys=[], data_dir=folder).exit_code == 0

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (SIGNED.replace(b"obj", b"Obj"), "It was altered"),
            (SIGNED[:-60], "Its end is missing"),
            (PDF, "printed, or saved anew"),
            (b"hello", "It is not a PDF."),
        ],
    )
    def test_not_valid(self, folder: Path, content: bytes, said: str) -> None:
        (folder / "other.pdf").write_bytes(content)
        outcome = check(folder / "other.pdf", keys=[folder / "keys.json"], data_dir=folder)
        assert outcome.exit_code == 1
        assert outcome.said.startswith("NOT VALID: ")
        assert said in outcome.said

    def test_what_cannot_be_read(self, folder: Path) -> None:
        keys = [folder / "keys.json"]
        for file, keys_given in (
            (folder / "missing.pdf", keys),
            (folder, keys),
            (folder / "certificate.pdf", [folder / "missing.json"]),
            (folder / "certificate.pdf", [folder / "certificate.pdf"]),
        ):
            outcome = check(file, keys=keys_given, data_dir=folder)
            assert outcome.exit_code == 2, file
            assert "read" in outcome.said or "holds no public key" in outcome.said
