"""Finds the server programs that came as Python wheels."""

import os
import shutil
import sys
from pathlib import Path

from embedded.errors import StartError

TEMPORAL = "temporal"


def find(name: str) -> Path:
    """Return the program beside this Python, or the one on PATH.

    The one of the lock file goes first: it is the version that the tests know.

    Raises:
        StartError: There is none.

    """
    beside = Path(sys.executable).parent  # not resolved: a venv's own bin folder
    found = shutil.which(name, path=os.pathsep.join([str(beside), os.environ.get("PATH", "")]))
    if found is None:
        raise StartError(
            f"The program `{name}` is missing: it is neither on PATH nor in {beside}. "
            f"Install the package again (`make up` does)."
        )
    return Path(found)


def dying_with_parent(command: list[str], *, user: str | None = None) -> list[str]:
    """Wrap a command so that it dies with the process that starts it."""
    script = Path(__file__).with_name("die_with_parent.py")
    become = ["--user", user] if user else []
    return [sys.executable, "-I", "-S", str(script), *become, str(os.getpid()), *command]
