"""What an identity is like, by table: spellings of an id or a serial number, no parts of one."""

import pytest

from domain.rules.likeness import likeness, near_key
from domain.states import IdentityMatch

ID, SERIAL = "cp_01HX5P2QRSTVWXYZ0123456789", "CP-SN 0048_3921"


@pytest.mark.parametrize(
    ("identity", "match"),
    [
        (SERIAL, IdentityMatch.SERIAL_NUMBER),
        (f" {SERIAL.lower()} ", IdentityMatch.SERIAL_NUMBER),
        ("CPSN00483921", IdentityMatch.SIMILAR_SERIAL_NUMBER),
        ("cp_sn-0048-3921", IdentityMatch.SIMILAR_SERIAL_NUMBER),
        ("CP-SN%200048_3921", IdentityMatch.SIMILAR_SERIAL_NUMBER),
        ("/CP-SN 0048_3921/", IdentityMatch.SIMILAR_SERIAL_NUMBER),
        (ID.lower(), IdentityMatch.SIMILAR_ID),
        (ID.upper(), IdentityMatch.SIMILAR_ID),
        (ID.removeprefix("cp_"), IdentityMatch.SIMILAR_ID),
        (ID.replace("_", "-"), IdentityMatch.SIMILAR_ID),
        (f"{ID}/", IdentityMatch.SIMILAR_ID),
        (f"/ {ID} ", IdentityMatch.SIMILAR_ID),
        (f"%2F{ID}", IdentityMatch.SIMILAR_ID),
        (ID.replace("_", "%255F"), IdentityMatch.SIMILAR_ID),
        (f"{ID}0", None),
        (ID[:-1], None),
        ("00483921", None),
        (f"X{SERIAL}", None),
        ("", None),
        ("-_ /", None),
    ],
)
def test_what_it_is_like(identity: str, match: IdentityMatch | None) -> None:
    assert likeness(identity, charge_point_id=ID, serial_number=SERIAL) is match


def test_separators_alone_are_like_nothing() -> None:
    assert near_key("--") == ""
    assert likeness("__", charge_point_id=ID, serial_number="--") is None
