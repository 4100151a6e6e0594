"""`dynamo verify`: what it says of a file."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from documents.certificate.render import render_pdf
from documents.check import KEY_FILE, check
from documents.keys import seed_from_hex
from documents.signer import Signer
from documents.signing import sign
from domain.certificates import Report
from tests.documents.reports import FAILED, ISSUE, PASSED, SITE, WITHOUT_TEST, certificate_of

KEY = Signer.from_seed(seed_from_hex("8f" * 31 + "01"))
OTHER = Signer.from_seed(seed_from_hex("7e" * 31 + "02"))
PDF = render_pdf(certificate_of(PASSED), ISSUE, {})
SIGNED = sign(PDF, KEY)


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
        assert f"not among the keys given ({OTHER.public.id}, " in outcome.said
        (folder / KEY_FILE).write_text("8f" * 31 + "01")
        assert check(folder / "certificate.pdf", keys=[], data_dir=folder).exit_code == 0

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (SIGNED.replace(b"/Lang", b"/Lamg"), "It was altered"),
            (SIGNED + PDF, "Something was appended"),
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
