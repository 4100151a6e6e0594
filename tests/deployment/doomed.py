"""A process of ours that dies at a moment of its choice: ``python -m tests.deployment.doomed``.

``api before_start``      the row of a run is committed, its workflow is not started
``api after_start``       its workflow is started, nobody is answered
``worker before_record``  the run has its verdict, the row has not
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import cli
from storage.run_records import StoredRuns
from temporal.reconciler import Reconciler
from temporal.start import Start

_start = Start.begin_when_free


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def _die_before(*_arguments: Any, **_more: Any) -> None:
    _die()


async def _nothing(*_arguments: Any) -> None:
    pass


async def _start_and_die(*arguments: Any, **more: Any) -> None:
    await _start(*arguments, **more)
    _die()


_DOOMS: dict[str, list[tuple[type, str, Callable[..., Any]]]] = {
    "before_start": [(Start, "begin_when_free", _die_before)],
    "after_start": [(Start, "begin_when_free", _start_and_die)],
    "before_record": [
        (StoredRuns, "finish_run", _die_before),
        (Reconciler, "reconcile", _nothing),  # this is left to one that lives
    ],
}


def main(part: str, moment: str) -> None:
    """Become that part."""
    for owner, method, doom in _DOOMS[moment]:
        patch.object(owner, method, doom).start()
    cli.app([part])


main(*sys.argv[1:])
