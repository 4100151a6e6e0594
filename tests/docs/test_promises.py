"""Each of the twelve promises names what proves it; that this exists is a matter of test_links."""

import re
from pathlib import Path

_PAGE = Path(__file__).parents[2] / "docs" / "reference" / "promises.md"
_PROMISES = 12
_OF_ATTACKS = {"5", "8", "12"}
"""Their experiments print a figure."""


def test_each_promise_has_a_proof() -> None:
    rows = re.findall(r"^\| (\d+) \| (.+?) \| (.+?) \| (.*?) ?\|$", _PAGE.read_text(), re.MULTILINE)
    assert [int(number) for number, *_ in rows] == list(range(1, _PROMISES + 1))
    for number, _, proof, figure in rows:
        assert "tests/" in proof, f"promise {number} names no test"
        if number in _OF_ATTACKS:
            assert "`make " in proof, f"promise {number} names no experiment"
            assert any(map(str.isdigit, figure)), f"promise {number} has no figure"
