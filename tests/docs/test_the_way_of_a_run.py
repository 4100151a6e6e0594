"""The page of the way of a run names the files that a run really passes, all of them, in order."""

import ast
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final

import pytest
from temporalio.client import Client
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from simulator.profile import ABB_TERRA_AC_W22
from temporal.run_starter import run_of
from tests.faults.stage import Stage, engine
from tests.ocpp_server.bed import Wire
from tests.support.eventually import eventually
from tests.support.way import ROOT, Passed, Station, Trace, faults, traced

PAGE: Final = (ROOT / "docs" / "topics" / "the-way-of-a-run.md").read_text()
_ROW: Final = re.compile(r"^\| (\d+) \| `([\w.]+)` \| `([\w/]+\.py)` \| [^|]+ \|$", re.MULTILINE)


def table(heading: str) -> list[Station]:
    """The stations below a heading of the page."""
    part = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = _ROW.findall(part)
    assert [int(number) for number, _, _ in rows] == [*range(1, len(rows) + 1)]
    return [Station(file=file, name=name) for _, name, file in rows]


OUT, BACK, STATUS = table("Out"), table("Back"), table("What the status says")


@pytest.fixture
async def traced_stage(
    temporal_client: Client,
    temporal_address: str,
    database_url: str,
    task_queue: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[tuple[Stage, Trace]]:
    """The engine; it begins within the trace, so that its threads are traced, too."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_address)
    with traced({*OUT, *BACK, *STATUS}) as trace:
        async with engine(
            temporal_client, database_url, task_queue=task_queue, data_dir=tmp_path
        ) as stage:
            yield stage, trace


def test_the_way_is_no_longer_than_this() -> None:
    assert 0 < len(OUT) <= 12
    assert 0 < len(BACK) <= 8
    assert STATUS


def test_the_way_ends_where_the_state_is() -> None:
    """What is behind the last station of a way within the engine, no trace can tell."""
    assert BACK[-1] == Station(file="workflows/inbox.py", name="Inbox.receive")
    assert STATUS[-1] == Station(file="workflows/journal.py", name="Journal.view")


@pytest.mark.parametrize("station", [*OUT, *BACK, *STATUS], ids=str)
def test_a_station_is_there(station: Station) -> None:
    assert station.name in _defined(ast.parse((ROOT / station.file).read_text()))


def _defined(within: ast.Module | ast.ClassDef, prefix: str = "") -> set[str]:
    names: set[str] = set()
    for node in within.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(prefix + node.name)
        elif isinstance(node, ast.ClassDef):
            names |= _defined(node, f"{prefix}{node.name}.")
    return names


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_run_passes_the_stations_of_the_page(
    traced_stage: tuple[Stage, Trace],
) -> None:
    stage, trace = traced_stage
    charge_point = await stage.register("SN-1", ABB_TERRA_AC_W22)
    commissioning = f"/commissioning/{charge_point.id}"
    async with connect(
        f"{stage.ocpp_url}/{charge_point.id}", subprotocols=[Subprotocol("ocpp1.6")]
    ) as socket:
        wire = Wire(socket)
        await wire.boot()
        began = len(trace.passed)
        answer = await stage.front.post(f"{commissioning}/start")
        assert answer.status_code == 202, answer.text
        assert (await wire.frame())[2] == "GetConfiguration"
        assert_is_the_way(OUT, trace.passed[began:], leaves=True)

        came = len(trace.passed)
        status = {"connectorId": 1, "status": "Available", "errorCode": "NoError"}
        await wire.call("StatusNotification", status)

        await eventually(lambda: assert_is_the_way(BACK, trace.passed[came:]))

        asked = len(trace.passed)
        answer = await stage.front.get(f"{commissioning}/status")
        assert answer.json()["status"] == "in_progress", answer.text
        assert_is_the_way(STATUS, trace.passed[asked:])
        await run_of(stage.client, charge_point.id).terminate()


def assert_is_the_way(
    way: Sequence[Station], passed: Sequence[Passed], *, leaves: bool = False
) -> None:
    """It is, and without one of its stations it is not; the last one counts where it leaves."""
    assert faults(way, passed, leaves=leaves) == []
    for place in range(len(way) if leaves else len(way) - 1):
        others = [*way[:place], *way[place + 1 :]]
        assert faults(others, passed, leaves=leaves), f"{way[place]} may be left out"


ONE, TWO, THREE = (Station(file=f"{name}.py", name="go") for name in ("one", "two", "three"))
GATE = Passed(station=None, caller="two.py")
PASSED = (
    Passed(station=ONE, caller=None),
    Passed(station=TWO, caller="one.py"),
    GATE,
    Passed(station=THREE, caller=None),
    Passed(station=None, caller="three.py"),
)


def test_what_was_passed_is_a_way() -> None:
    assert faults([ONE, TWO, THREE], PASSED, leaves=True) == []


@pytest.mark.parametrize(
    ("way", "passed"),
    [
        pytest.param([ONE, THREE], PASSED, id="left out"),
        pytest.param([TWO, THREE], PASSED, id="left out at the beginning"),
        pytest.param([ONE, TWO], PASSED[:2], id="left out at the end"),
        pytest.param([TWO, ONE, THREE], PASSED, id="another order"),
        pytest.param([ONE, Station(file="two.py", name="went"), THREE], PASSED, id="another name"),
        pytest.param(
            [ONE, TWO, THREE],
            (PASSED[0], Passed(station=TWO, caller="between.py"), *PASSED[2:]),
            id="a file between",
        ),
        pytest.param(
            [ONE, TWO, THREE],
            (*PASSED[:2], Passed(station=None, caller="between.py"), *PASSED[3:]),
            id="a file before Temporal",
        ),
        pytest.param([ONE, TWO, THREE], (*PASSED[:2], *PASSED[3:]), id="by no known door"),
        pytest.param(
            [ONE, TWO, THREE],
            (*PASSED[:4], Passed(station=None, caller="behind.py")),
            id="a file behind the last",
        ),
    ],
)
def test_what_was_not_passed_is_none(way: Sequence[Station], passed: Sequence[Passed]) -> None:
    assert faults(way, passed, leaves=True)
