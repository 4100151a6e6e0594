"""A test that hangs is ended, on the loop that the tests run on."""

import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_UVLOOP = """
import uvloop

def pytest_asyncio_loop_factories():
    return {"uvloop": uvloop.new_event_loop}
"""
_HANGS = """
import asyncio

async def test_it():
    await asyncio.Event().wait()
"""


def test_one_that_waits_for_ever_is_ended_and_named(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(_UVLOOP)
    (tmp_path / "test_hangs.py").write_text(_HANGS)
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-n0", "--timeout=1", "-p", "no:cacheprovider"),
            *("-c", str(_ROOT / "pyproject.toml"), str(tmp_path)),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ran.returncode
    assert "Timeout" in ran.stdout + ran.stderr
    assert "asyncio/runners.py" in ran.stdout + ran.stderr
