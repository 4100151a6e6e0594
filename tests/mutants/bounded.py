"""Pytest in a process of its own, for so long at most."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

RUNNING: Final = ".running-"
"""Between the file of the data and the id of a process: a file with the test that it runs."""
SECONDS: Final = "-seconds-"
"""The same: a file with how long each test took, as JSON. After a dot it would count as data."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """``code`` is pytest's; None when it was stopped, as its time was over."""

    code: int | None
    said: str


def run_pytest(
    folder: Path, arguments: Sequence[str], *, seconds: float, variables: Mapping[str, str]
) -> Outcome:
    """Run tests there; all of its processes are stopped when the time is over."""
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env=os.environ | variables | {"PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # its workers are stopped with it
    ) as process:
        try:
            said, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            said, _ = process.communicate()
            return Outcome(code=None, said=said.decode(errors="replace"))
    return Outcome(code=process.returncode, said=said.decode(errors="replace"))


def still_running(data: Path) -> list[str]:
    """Return the tests that ran when their processes were stopped."""
    found = data.parent.glob(f"{data.name}{RUNNING}*")
    return sorted(path.read_text() for path in found)
