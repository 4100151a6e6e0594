"""Logs do not grow for ever: a long one is put aside, and one of each is kept.

A process holds its log open, to be appended to; so it is copied and emptied, and not renamed.
"""

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

LONG: Final = 16 * 1024 * 1024
"""Bytes. All logs of a data directory together have about twice as many for each process."""


def put_aside(log: Path) -> None:
    """Copy a long log to ``….old.log`` and empty it; where no copy fits, it is emptied anyway.

    Raises:
        OSError: it cannot be read or emptied.

    """
    if not log.exists() or log.stat().st_size <= LONG:
        return
    old = log.with_suffix(".old.log")
    try:
        shutil.copyfile(log, old)
        old.chmod(0o600)
    except OSError:  # the disk is full, very likely of this
        with suppress(OSError):
            old.unlink()
    os.truncate(log, 0)
