"""Ids, id tags and invitation tokens."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.id_tag import is_of_run, tag_of
from domain.ids import Prefix, is_id, new_id
from domain.tokens import hash_token, invitation_token

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize("prefix", list(Prefix))
def test_an_id_is_a_prefix_and_a_ulid(prefix: Prefix) -> None:
    made = new_id(prefix)
    assert re.fullmatch(rf"{prefix.value}_[0-7][0-9A-HJKMNP-TV-Z]{{25}}", made)
    assert is_id(prefix, made)


def test_ids_are_unique_and_in_the_order_of_time() -> None:
    made = [new_id(Prefix.EVENT) for _ in range(1000)]
    assert len(set(made)) == 1000
    times = [text[4:14] for text in made]
    assert times == sorted(times)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cp_",
        "cp_01J",
        "prj_01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "cp_01ARZ3NDEKTSV4RRFFQ69G5FAI",
        "cp_01arz3ndektsv4rrffq69g5fav",
        "cp_01ARZ3NDEKTSV4RRFFQ69G5FAVV",
        "cp_01ARZ3NDEKTSV4RRFFQ69G5FAV\n",
        " cp_01ARZ3NDEKTSV4RRFFQ69G5FAV",
    ],
)
def test_what_is_no_id_of_a_charge_point(text: str) -> None:
    assert not is_id(Prefix.CHARGE_POINT, text)


def test_an_id_of_a_charge_point() -> None:
    assert is_id(Prefix.CHARGE_POINT, "cp_01ARZ3NDEKTSV4RRFFQ69G5FAV")


@given(st.text(max_size=40))
def test_any_text_is_an_id_or_not(text: str) -> None:
    assert is_id(Prefix.CHARGE_POINT, text) in {True, False}


@pytest.mark.parametrize(
    ("id_tag", "open_run_tag", "accepted"),
    [
        ("A1B2", "A1B2", True),
        ("a1b2", "A1B2", True),
        (" A1B2 ", "A1B2", True),
        ("A1B3", "A1B2", False),
        ("A1B2C3D4", "A1B2C3D4E5F60718293A", True),  # cut off
        ("a1b2c3d4e5f60718", "A1B2C3D4E5F60718293A", True),
        ("0000A1B2C3D4E5F60718", "A1B2C3D4E5F60718293A", True),  # filled up, and cut off
        ("A1B2C3D4E5F60718293A0000", "A1B2C3D4E5F60718293A", True),
        ("A1B2C3D", "A1B2C3D4E5F60718293A", False),  # so little may be anybody's
        ("A1B2C3D5", "A1B2C3D4E5F60718293A", False),
        ("00000000", "A1B2C3D4E5F60718293A", False),
        ("1B2C3D4E5F60718293A", "01B2C3D4E5F60718293A", True),
        ("", "A1B2", False),
        ("A1B2", None, False),
        ("", None, False),
    ],
)
def test_only_the_tag_of_the_open_run(
    id_tag: str, open_run_tag: str | None, *, accepted: bool
) -> None:
    assert is_of_run(id_tag, open_run_tag=open_run_tag) is accepted


@given(connector=st.integers(min_value=1, max_value=2**31 - 1))
@example(connector=256)
def test_the_tag_of_any_connector_fits_and_is_the_run_s(connector: int) -> None:
    made = tag_of(SECRET[:20], connector)
    assert len(made) == 20, "CiString20"
    assert is_of_run(made, open_run_tag=SECRET[:20])


def test_connectors_have_tags_of_their_own() -> None:
    assert len({tag_of(SECRET[:20], connector) for connector in range(256)}) == 256


def test_a_token_is_256_bits_and_the_same_each_time() -> None:
    token = invitation_token(SECRET, "inv_1")
    assert re.fullmatch(r"[0-9a-f]{64}", token)
    assert token == invitation_token(SECRET, "inv_1")


def test_a_token_depends_on_the_invitation_and_on_the_secret() -> None:
    tokens = {
        invitation_token(secret, invitation)
        for secret in (SECRET, SECRET[::-1])
        for invitation in ("inv_1", "inv_2")
    }
    assert len(tokens) == 4


def test_what_is_stored_is_not_the_token() -> None:
    token = invitation_token(SECRET, "inv_1")
    stored = hash_token(token)
    assert re.fullmatch(r"[0-9a-f]{64}", stored)
    assert stored != token
    assert stored == hash_token(token)
