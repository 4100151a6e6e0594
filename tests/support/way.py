"""Who calls whom: which functions a thing passes on its way through the engine, in one process.

A function is noted as it begins, with the file that calls it. That is the file on the stack below
it; of a coroutine that has a task of its own, it is the file that made the coroutine. Calls within
a file are not looked at.
"""

import asyncio
import sys
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, CoroutineType, FrameType
from typing import Any, Final

from temporalio import workflow
from temporalio.client import Client, WorkflowHandle
from websockets.asyncio.connection import Connection

ROOT: Final = Path(__file__).parents[2]
_OWN: Final = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
_GATES: Final = {
    gate.__code__
    for gate in (
        Client.start_workflow,
        WorkflowHandle.signal,
        WorkflowHandle.query,
        workflow.execute_activity_method,
        Connection.send,
    )
}
"""Where a thing leaves for Temporal or for the network."""
_ORIGIN_DEPTH: Final = 8


@dataclass(frozen=True, slots=True)
class Station:
    """A function of a file."""

    file: str
    name: str

    def __str__(self) -> str:
        return f"{self.name} of {self.file}"


@dataclass(frozen=True, slots=True)
class Passed:
    """A station that was passed; ``caller`` is a file of ours, or None for a framework."""

    station: Station | None
    """None: a gate."""
    caller: str | None


def faults(way: Sequence[Station], passed: Sequence[Passed], *, leaves: bool = False) -> list[str]:
    """Say what is wrong with a way; ``leaves``: it ends at a gate."""
    place, before, wrong = 0, None, []
    for station in way:
        found = next(
            (at for at in range(place, len(passed)) if passed[at].station == station), None
        )
        if found is None:
            wrong.append(f"{station} is not passed after {before or 'the beginning'}")
            continue
        caller = passed[found].caller
        if caller is None and before is not None:
            caller = _who_left(passed[place:found], before.file)
        if before is not None and caller != before.file:
            wrong.append(f"{station} gets it from {caller or 'elsewhere'}, not from {before.file}")
        if before is None and caller is not None:
            wrong.append(f"{station} is not the beginning: it gets it from {caller}")
        place, before = found + 1, station
    if leaves and before is not None:
        gates = [one.caller for one in passed[place:] if one.station is None]
        if before.file not in gates:
            wrong.append(f"it leaves from {gates}, not from {before.file}")
    return wrong


def _who_left(passed: Sequence[Passed], wanted: str) -> str | None:
    """The file that handed it to a framework: the wanted one, where that is among them."""
    callers = [one.caller for one in passed if one.station is None]
    return wanted if wanted in callers else next(iter(callers), None)


class Trace:
    """What was passed so far."""

    def __init__(self, stations: Collection[Station]) -> None:
        self.passed: list[Passed] = []
        self._wanted = set(stations)
        self._known: dict[tuple[str, str], Station | bool] = {}
        self._threads = threading.local()

    def note(self, frame: FrameType, event: str, _argument: Any) -> None:
        """Take an event of the profiler."""
        if event != "call":
            return
        if not hasattr(self._threads, "told"):
            self._threads.told = True
            sys.set_coroutine_origin_tracking_depth(_ORIGIN_DEPTH)
        code = frame.f_code
        place = code.co_filename, code.co_qualname
        known = self._known.get(place)
        if known is None:
            known = self._known[place] = self._look(code)
        if known is not False:
            station = known if isinstance(known, Station) else None
            self.passed.append(Passed(station, _caller(frame)))

    def _look(self, code: CodeType) -> Station | bool:
        """Tell which station that is; True: a gate, False: neither."""
        if code in _GATES:
            return True
        station = Station(_own(code.co_filename) or "", code.co_qualname)
        return station if station in self._wanted else False


@contextmanager
def traced(stations: Collection[Station]) -> Iterator[Trace]:
    """Note what is passed in this block, in this thread and in those that begin in it."""
    trace = Trace(stations)
    depth = sys.get_coroutine_origin_tracking_depth()
    threading.setprofile(trace.note)
    sys.setprofile(trace.note)
    try:
        yield trace
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
        sys.set_coroutine_origin_tracking_depth(depth)


def _own(filename: str) -> str | None:
    """Name a file of ours from the root of the project; None: it is not ours."""
    if not filename.startswith(f"{ROOT}/"):
        return None
    name = filename.removeprefix(f"{ROOT}/")
    return name if name.partition("/")[0] in _OWN else None


def _caller(frame: FrameType) -> str | None:
    own = frame.f_code.co_filename
    below = frame.f_back
    while below is not None and below.f_code.co_filename == own:
        below = below.f_back
    caller = None if below is None else _own(below.f_code.co_filename)
    return caller or _maker_of_the_task(own)


def _maker_of_the_task(own: str) -> str | None:
    """Name the file that made the coroutine of the present task, if that is one of this file."""
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no loop runs
        return None
    coroutine: Any = None if task is None else task.get_coro()
    if not isinstance(coroutine, CoroutineType) or coroutine.cr_code.co_filename != own:
        return None
    others = (filename for filename, _, _ in coroutine.cr_origin or () if filename != own)
    return _own(next(others, ""))
