"""Tests that stand still are stopped and named, with all of their processes."""

from pathlib import Path

import pytest

from tests.mutants.bounded import run_pytest, still_running

_ROOT = Path(__file__).parents[2]
_TEST = """
import asyncio

async def test_passes():
    pass

async def test_stands():
    while True:
        try:
            await asyncio.Event().wait()
        except BaseException:
            pass
"""


@pytest.mark.parametrize(
    ("chosen", "code", "stood"),
    [("test_passes", 0, []), ("test_stands", None, ["test_it.py::test_stands"])],
)
def test_one_that_stands_is_named(
    tmp_path: Path, chosen: str, code: int | None, stood: list[str]
) -> None:
    path = tmp_path / "test_it.py"
    path.write_text(_TEST)
    data = tmp_path / "lines"
    settings = ["-c", str(_ROOT / "pyproject.toml"), "--rootdir", str(tmp_path)]
    outcome = run_pytest(
        _ROOT,
        ["-n", "1", "-p", "tests.mutants.contexts", *settings, f"{path}::{chosen}"],
        seconds=60 if code == 0 else 40,
        variables={"MUTANTS_DATA": str(data), "MUTANTS_SOURCES": f"{_ROOT}/tests/mutants/*"},
    )
    assert outcome.code == code, outcome.said
    assert [name.rpartition("/")[2] for name in still_running(data)] == stood
