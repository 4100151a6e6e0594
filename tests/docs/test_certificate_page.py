"""What verifies a certificate with nothing of ours, as the page gives it to whoever has one."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents.certificate.render import render_pdf
from documents.keys import seed_from_hex
from documents.signer import Signer
from documents.signing import sign
from tests.documents.reports import FAILED, ISSUE, certificate_of
from tests.documents.trailer import TrailerKey

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "issue-and-verify-a-certificate.md"
KEY = TrailerKey("8f" * 31 + "01")
OTHER = TrailerKey("7e" * 31 + "02")
PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\nstartxref\n9\n%%EOF\n"
SIGNED = KEY.sign(PDF)


def _verify() -> Callable[[bytes, str], bool]:
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, str(PAGE), "exec"), names)  # noqa: S102 - our own page
    return cast("Callable[[bytes, str], bool]", names["verify"])


verify = _verify()


def published(*keys: TrailerKey) -> str:
    return json.dumps({"keys": [key.public.jwk() for key in keys]})


def test_a_certificate_of_ours_is_verified() -> None:
    assert verify(SIGNED, published(OTHER, KEY))


@pytest.mark.parametrize("file", [b"", PDF, SIGNED + b"\n", SIGNED[:-1], OTHER.sign(PDF)])
def test_anything_else_is_not(file: bytes) -> None:
    assert not verify(file, published(KEY))


@given(place=st.integers(min_value=0, max_value=len(SIGNED) - 1), bit=st.integers(0, 7))
def test_nor_is_what_was_altered(place: int, bit: int) -> None:
    altered = bytearray(SIGNED)
    altered[place] ^= 1 << bit
    assert not verify(bytes(altered), published(KEY))


def test_the_trailer_is_as_long_as_the_page_says() -> None:
    assert len(SIGNED) - len(PDF) == 158


@pytest.mark.skipif(
    not shutil.which("openssl") or not shutil.which("xxd"), reason="needs openssl and xxd"
)
def test_openssl_verifies_a_certificate_as_the_page_says(tmp_path: Path) -> None:
    (recipe,) = re.findall(r"^```sh\n(at\(\).*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    signer = Signer.from_seed(seed_from_hex("8f" * 31 + "01"))
    signed = sign(render_pdf(certificate_of(FAILED), ISSUE, {}), signer)

    def run(file: bytes) -> subprocess.CompletedProcess[str]:
        (tmp_path / "certificate.pdf").write_bytes(file)
        return subprocess.run(
            ["/bin/bash", "-euo", "pipefail", "-c", recipe],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    outcome = run(signed)
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.endswith(f"{signer.public.fingerprint}\n")
    assert run(signed.replace(b"/Lang", b"/Lamg")).returncode != 0
