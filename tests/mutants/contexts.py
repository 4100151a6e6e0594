"""A plugin of pytest: notes for each test which lines of the sources it runs.

Threads count too: a worker runs the steps of a workflow in threads of its own, and imports the
modules of the workflow anew in a sandbox, which reads them from the same files.
"""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from coverage import Coverage

from tests.mutants.bounded import RUNNING, SECONDS

_coverage = Coverage(
    data_file=os.environ["MUTANTS_DATA"],
    data_suffix=True,  # a file a process
    include=os.environ["MUTANTS_SOURCES"].split(","),
    config_file=False,
)
_coverage.start()
_seconds: dict[str, float] = {}
_running = Path(f"{os.environ['MUTANTS_DATA']}{RUNNING}{os.getpid()}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Say whose lines come."""
    _coverage.switch_context(item.nodeid)
    _running.write_text(item.nodeid)
    began = time.monotonic()
    try:
        return (yield)
    finally:
        _seconds[item.nodeid] = time.monotonic() - began
        _running.unlink()
        _coverage.switch_context("")


def pytest_sessionfinish() -> None:
    """Write it down."""
    _coverage.stop()
    _coverage.save()
    noted = Path(f"{os.environ['MUTANTS_DATA']}{SECONDS}{os.getpid()}")
    noted.write_text(json.dumps(_seconds))
