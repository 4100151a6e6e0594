"""Each of the twelve promises names what proves it; that this exists is a matter of test_links."""

import re
from pathlib import Path

_PAGE = Path(__file__).parents[2] / "docs" / "reference" / "promises.md"
_PROMISES = 12


def test_each_promise_has_a_proof() -> None:
    rows = re.findall(r"^\| (\d+) \| (.+?) \| (.+?) \| (.*?) ?\|$", _PAGE.read_text(), re.MULTILINE)
    assert [int(number) for number, *_ in rows] == list(range(1, _PROMISES + 1))
    for number, _, proof, _ in rows:
        assert "tests/" in proof, f"promise {number} names no test"
