"""What an older engine signed stays verifiable: the trailer holds for exactly its bytes."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents.check import check
from documents.keys import PublicKey
from documents.signature import verify
from documents.validity import Finding, Validity
from tests.documents.trailer import TrailerKey

RECORDED = Path(__file__).parent / "recorded"
KEY = TrailerKey("8f" * 31 + "01")
OTHER = TrailerKey("7e" * 31 + "02")
PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\nstartxref\n9\n%%EOF\n"
SIGNED = KEY.sign(PDF)


def validity(file: bytes, *keys: PublicKey) -> Validity:
    return verify(file, keys or (KEY.public,)).validity


def test_it_is_valid_as_it_was_signed() -> None:
    assert verify(SIGNED, [OTHER.public, KEY.public]) == Finding(Validity.VALID, KEY.public.id)


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
        (OTHER.sign(SIGNED), Validity.UNKNOWN_KEY),
        (b"", Validity.NOT_A_PDF),
        (b"PK\x03\x04 a letter", Validity.NOT_A_PDF),
        (PDF + SIGNED[len(PDF) :].replace(KEY.public.id.encode(), b"0" * 16), Validity.UNKNOWN_KEY),
    ],
)
def test_what_is_said_of_other_files(file: bytes, found: Validity) -> None:
    assert validity(file) is found


def test_another_key_does_not_pass_for_ours() -> None:
    forged = OTHER.sign(PDF).replace(OTHER.public.id.encode(), KEY.public.id.encode())
    assert validity(forged) is Validity.ALTERED


def test_a_file_of_an_older_engine_is_valid_and_says_of_what() -> None:
    outcome = check(
        RECORDED / "signed_by_trailer.pdf",
        keys=[RECORDED / "signed_by_trailer.keys.json"],
        data_dir=RECORDED,
    )
    assert outcome.exit_code == 0, outcome.said
    assert "Commissioning report: ABB Terra AC W22 · CP-SN-00483921. Failed." in outcome.said
    assert KEY.public.fingerprint in outcome.said


def test_the_test_signs_as_it_did() -> None:
    recorded = (RECORDED / "signed_by_trailer.pdf").read_bytes()
    assert KEY.sign(recorded[:-158]) == recorded
