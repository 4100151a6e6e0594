"""Temporary files of the tests in memory: on a disk, writing them is a seventh of a whole run."""

import os
import tempfile
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108 - what is made there has names that nobody can guess
_ENOUGH_BYTES = 4 << 30
DISK = tempfile.gettempdir()
"""Where temporary files would be: for what is large and written once."""


def temporary_files_in_memory() -> None:
    """Have this process and its children use memory, if there is room and nobody chose a place."""
    if "TMPDIR" in os.environ or not os.access(_MEMORY, os.W_OK):
        return
    free = os.statvfs(_MEMORY)
    may_run = not free.f_flag & os.ST_NOEXEC  # a test may write a program, and start it
    if may_run and free.f_bavail * free.f_frsize >= _ENOUGH_BYTES:
        os.environ["TMPDIR"] = str(_MEMORY)
        tempfile.tempdir = None
