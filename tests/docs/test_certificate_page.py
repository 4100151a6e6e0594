"""The snippet that verifies a certificate, as the page gives it to whoever has one."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents.keys import SigningKey
from documents.signature import sign

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "issue-and-verify-a-certificate.md"
KEY = SigningKey.from_hex("8f" * 31 + "01")
OTHER = SigningKey.from_hex("7e" * 31 + "02")
PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\nstartxref\n9\n%%EOF\n"
SIGNED = sign(PDF, KEY)


def _verify() -> Callable[[bytes, str], bool]:
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, str(PAGE), "exec"), names)  # noqa: S102 - our own page
    return cast("Callable[[bytes, str], bool]", names["verify"])


verify = _verify()


def published(*keys: SigningKey) -> str:
    return json.dumps({"keys": [key.public.jwk() for key in keys]})


def test_a_certificate_of_ours_is_verified() -> None:
    assert verify(SIGNED, published(OTHER, KEY))


@pytest.mark.parametrize("file", [b"", PDF, SIGNED + b"\n", SIGNED[:-1], sign(PDF, OTHER)])
def test_anything_else_is_not(file: bytes) -> None:
    assert not verify(file, published(KEY))


@given(place=st.integers(min_value=0, max_value=len(SIGNED) - 1), bit=st.integers(0, 7))
def test_nor_is_what_was_altered(place: int, bit: int) -> None:
    altered = bytearray(SIGNED)
    altered[place] ^= 1 << bit
    assert not verify(bytes(altered), published(KEY))


def test_the_trailer_is_as_long_as_the_page_says() -> None:
    assert len(SIGNED) - len(PDF) == 158
