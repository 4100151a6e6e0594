"""What a page takes from another, or from the code, is what stands there."""

import re
from datetime import UTC, datetime
from pathlib import Path

from runtime.settings import Settings
from storage.engine import Database
from storage.retention.rounds import StoredRetention
from tests.storage.letting_go import AGES

_DOCS = Path(__file__).parents[2] / "docs"
_CITED = re.compile(r"([^|(]+)\(`make (?:bench|bench-engine|storm)`\)")
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def section(page: str, heading: str) -> str:
    _, found, rest = (_DOCS / page).read_text().partition(f"\n## {heading}\n")
    assert found, heading
    return rest.partition("\n## ")[0]


def test_what_100_000_need_is_calculated_from_what_was_measured() -> None:
    """A number in front of ``(`make bench`)`` stands in the page of what was measured, too."""
    table = section("topics/growth.md", "What 100,000 charge points need")
    measured = set(_NUMBER.findall((_DOCS / "topics" / "performance.md").read_text()))
    cited = [number for text in _CITED.findall(table) for number in _NUMBER.findall(text)]
    assert len(cited) >= 5
    assert [number for number in cited if number not in measured] == []


async def test_operators_read_of_all_that_goes(tmp_path: Path) -> None:
    """Each kind that a round goes over has a row, deliveries have one, each age has its setting."""
    old = section("operators.md", "What is old")
    rows = [line for line in old.splitlines() if line.startswith("| ")][2:]
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/engine.sqlite3")
    now = datetime.now(UTC)
    kinds = StoredRetention(database, AGES, now=lambda: now).kinds(now)
    await database.close()
    assert len(rows) == len(kinds) + len(["deliveries"])
    ages = [name for name in Settings.model_fields if name.startswith(("keep_", "thin_"))]
    assert [name for name in ages if f"`DYNAMO_{name.upper()}`" not in old] == []
