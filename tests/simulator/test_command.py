"""The `simulate` command: in process for its answers, as a process for its end."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from simulator import MODELS, Fault
from simulator.command import simulate
from tests.simulator.central_system import CentralSystem

ROOT = Path(__file__).parents[2]

app = typer.Typer()
app.command("simulate")(simulate)
runner = CliRunner()


def test_lists_the_faults_with_what_they_do() -> None:
    result = runner.invoke(app, ["--list-faults"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    for fault in Fault:
        assert fault in result.stdout
        assert fault.explanation[:20] in result.stdout


def test_lists_the_models() -> None:
    result = runner.invoke(app, ["--list-models"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert all(name in result.stdout for name in MODELS)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "--url is missing"),
        (["--url", "http://host/cp"], "is not like ws://host:port/identity"),
        (["--url", "ws://h/a", "--url", "ws://h/b", "--count", "3"], "give --count with one --url"),
        (["--url", "ws://h/a", "--fault", "haunted"], "no fault is named 'haunted'"),
        (["--url", "ws://h/a", "--model", "Perpetuum"], "no model is named 'Perpetuum'"),
    ],
)
def test_a_mistake_is_one_clear_line_and_exit_code_2(arguments: list[str], sentence: str) -> None:
    result = runner.invoke(app, arguments)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


async def simulating(*arguments: str) -> asyncio.subprocess.Process:
    code = "import typer; from simulator.command import simulate; typer.run(simulate)"
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code, *arguments),
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_runs_many_until_ctrl_c(central: CentralSystem) -> None:
    process = await simulating(
        *("--url", central.url + "cp_{n}", "--count", "3", "--serial", "S-{n}", "--speed", "20"),
        *("--model", "abb terra ac w22", "--fault", "connector-faulted", "--password", "pw"),
    )
    await central.seen("StatusNotification", 3, connectorId=1, status="Faulted")
    process.send_signal(signal.SIGINT)
    stdout, stderr = await process.communicate()
    boots = central.found("BootNotification")
    assert {one["chargePointSerialNumber"] for one in boots} == {"S-1", "S-2", "S-3"}
    assert process.returncode == 130
    assert stderr == b""
    lines = stdout.decode().splitlines()
    for number in (1, 2, 3):
        assert f"cp_{number}  boot accepted" in lines
        assert f"cp_{number}  connector 1 is Faulted" in lines


async def test_stops_after_its_duration(central: CentralSystem) -> None:
    process = await simulating("--url", central.url + "cp_1", "--duration", "0")
    _, stderr = await process.communicate()
    assert (process.returncode, stderr) == (0, b"")


async def test_it_has_as_many_connectors_as_are_asked_for(central: CentralSystem) -> None:
    process = await simulating(
        *("--url", central.url + "cp", "--speed", "20"),
        *("--connectors", "3", "--shared-outlet"),
    )
    await central.seen("StatusNotification", connectorId=3)
    process.terminate()
    await process.communicate()
    assert {one["connectorId"] for one in central.found("StatusNotification")} >= {1, 2, 3}
