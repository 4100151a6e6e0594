import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

from embedded import child as child_module
from embedded.binaries import dying_with_parent, find
from embedded.child import Child
from embedded.errors import StartError
from tests.support.eventually import eventually

Maker = Callable[[str], Child]
WAIT = "import signal; signal.pause()"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); \
exec('while True: signal.pause()')"


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
async def make(tmp_path: Path, lines: list[str]) -> AsyncIterator[Maker]:
    made: list[Child] = []
    hurry = asyncio.Event()
    hurry.set()

    def maker(program: str) -> Child:
        made.append(
            Child(
                "api",
                [sys.executable, "-c", program],
                environment=os.environ,
                log=tmp_path / "api.log",
                tell=lines.append,
            )
        )
        return made[-1]

    yield maker
    for one in made:
        await one.stop(hurry)


def pid(child: Child) -> int:
    assert child._process is not None
    return child._process.pid


async def test_it_stops_when_asked(make: Maker) -> None:
    child = make(WAIT)
    await child.start()
    await child.stop(asyncio.Event())
    assert not psutil.pid_exists(pid(child))


async def test_one_that_does_not_listen_is_stopped_all_the_same(
    make: Maker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(child_module, "STOP_SECONDS", 0.1)
    child = make(DEAF)
    await child.start()
    await eventually(lambda: _is_not_empty(tmp_path / "api.log"))
    await child.stop(asyncio.Event())
    assert not psutil.pid_exists(pid(child))


async def test_a_hurry_does_not_wait(make: Maker, tmp_path: Path) -> None:
    child = make(DEAF)
    await child.start()
    await eventually(lambda: _is_not_empty(tmp_path / "api.log"))
    hurry = asyncio.Event()
    stopping = asyncio.create_task(child.stop(hurry))
    hurry.set()
    async with asyncio.timeout(child_module.STOP_SECONDS / 2):
        await stopping


async def test_it_starts_again_when_it_dies(
    make: Maker, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_module, "_FIRST_PAUSE", 0.01)
    child = make(WAIT)
    await child.start()
    child.keep_alive()
    first = pid(child)
    psutil.Process(first).kill()

    def runs_again() -> None:
        assert child._process is not None
        assert pid(child) != first

    await eventually(runs_again)
    assert lines[0].startswith("api stopped (SIGKILL); it starts again in 0.01 s. Log: ")


@pytest.mark.parametrize(
    "last",
    [
        "the port is busy",
        "dynamo: the port is busy",
        '{"event": "stopped", "reason": "the port is busy"}',
        '{"event": "the port is busy"}',
    ],
)
async def test_a_death_while_starting_says_why(make: Maker, last: str) -> None:
    child = make(f"import sys; sys.exit({last!r})")
    await child.start()
    with pytest.raises(
        StartError, match=r"^api stopped \(exit code 1\) while starting: the port is busy \(log: "
    ):
        await child.finish()


async def test_what_it_writes_is_its_owners_alone(make: Maker, tmp_path: Path) -> None:
    child = make("open('written', 'w').close()")
    await child.start()
    await child.finish()
    assert (tmp_path / "written").stat().st_mode & 0o777 == 0o600


async def test_it_dies_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    written = tmp_path / "pid"
    program = f"import os, signal; open({str(written)!r}, 'w').write(str(os.getpid())); {WAIT}"
    starter = (
        "import subprocess, sys; from embedded.binaries import dying_with_parent;"
        f"subprocess.Popen(dying_with_parent([sys.executable, '-c', {program!r}]),"
        "start_new_session=True).wait()"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", starter)
    await eventually(lambda: _is_not_empty(written))
    child = psutil.Process(int(written.read_text()))
    parent.kill()
    await parent.wait()
    await eventually(lambda: _is_gone(child))


def test_a_missing_program_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(StartError, match="The program `no-such-server` is missing"):
        find("no-such-server")


def test_without_its_parent_a_command_does_not_start(tmp_path: Path) -> None:
    command = dying_with_parent([sys.executable, "-c", f"open({str(tmp_path / 'x')!r}, 'w')"])
    stranger = command.index(str(os.getpid()))
    command[stranger] = "1"
    assert subprocess.run(command, check=False).returncode == 1
    assert not (tmp_path / "x").exists()


def _is_not_empty(path: Path) -> None:
    assert path.exists()
    assert path.stat().st_size


def _is_gone(process: psutil.Process) -> None:
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
