"""The demo plays the guide, and fails where the engine does not hold what it expects."""

import io
import shlex
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from demo.account import Account, DemoFailedError
from demo.caller import Caller
from demo.play import Play
from tests.documents.reading import texts
from tests.support.processes import CHECKOUT, environment


@contextmanager
def _running_demo(
    program: Sequence[str], folder: Path, *arguments: str
) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [*program, "demo", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment({"COLUMNS": "200"}),
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_the_demo_plays_the_whole_guide_and_leaves_the_certificate(
    installed: Sequence[str], tmp_path: Path
) -> None:
    with _running_demo(installed, tmp_path, "--papers", str(tmp_path / "papers")) as process:
        told, _ = process.communicate(timeout=140)
    assert process.returncode == 0, told
    assert "All of it held" in told
    assert "GroundFailure" in told
    assert "Handed over at" in told
    assert "One charge detail record for each session" in told
    assert "Only id tags that were accepted there before can start" in told
    assert "Subject: Your site is handed over: say who may charge" in told
    assert "At full power: " in told
    assert {path.name for path in (tmp_path / "papers").iterdir()} == {
        "certificate.pdf",
        "certificate-charge-point.pdf",
        "keys.json",
        "statement.csv",
        "statement.pdf",
    }
    command = next(line for line in told.splitlines() if "Check it yourself" in line)
    check = subprocess.run(
        shlex.split(command.partition(": ")[2]), capture_output=True, text=True, check=False
    )
    assert check.returncode == 0, check.stdout + check.stderr
    (page,) = texts((tmp_path / "papers" / "statement.pdf").read_bytes())
    assert "2 sessions" in page
    assert "Total in GBP" in page


def test_an_interrupted_demo_says_so_and_is_no_success(tmp_path: Path) -> None:
    with _running_demo(CHECKOUT, tmp_path) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "signs up" in line:
                break
        process.send_signal(signal.SIGINT)
        told = process.stdout.read()
        assert process.wait(60) == 1, told
    assert "Interrupted." in told


async def test_an_answer_that_is_not_expected_fails_the_demo(tmp_path: Path) -> None:
    def refuse(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(503, json={"detail": "Temporal is away."})

    account = Account(Console(file=io.StringIO()))
    async with httpx.AsyncClient(
        base_url="http://engine", transport=httpx.MockTransport(refuse)
    ) as client:
        caller = Caller(client, account)
        with pytest.raises(DemoFailedError, match=r"answered 503 instead of 201.*Temporal is away"):
            await Play(caller, caller, account, mail=tmp_path, papers=tmp_path).run()
    assert account.held == 0


def test_an_expectation_that_does_not_hold_is_an_error() -> None:
    account = Account(Console(file=io.StringIO()))
    with pytest.raises(DemoFailedError, match="the retry passed"):
        account.expect(holds=False, what="the retry passed")
