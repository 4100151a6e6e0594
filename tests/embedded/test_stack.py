"""What the whole of `dynamo up` does beside its processes, which are none here."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from embedded import rotation, stack
from embedded.child import Child
from embedded.data_directory import DataDirectory
from embedded.layout import Options
from embedded.stack import Stack
from tests.support.eventually import eventually


@pytest.fixture(autouse=True)
def no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(_child: Child, *_: object) -> None:
        pass

    async def at_once(_stack: Stack, _ready: Callable[[], Awaitable[bool]]) -> None:
        pass

    for name in ("start", "finish", "stop"):
        monkeypatch.setattr(Child, name, nothing)
    monkeypatch.setattr(Child, "keep_alive", lambda _child: None)
    monkeypatch.setattr(Stack, "_until", at_once)


async def test_the_logs_are_rotated_until_it_stops_though_the_disk_was_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rotated = 0
    rotate = DataDirectory.rotate

    def fails_first(data: DataDirectory) -> None:
        nonlocal rotated
        rotated += 1
        if rotated == 1:
            raise OSError
        rotate(data)

    monkeypatch.setattr(stack, "_ROTATE_SECONDS", 0.01)
    monkeypatch.setattr(rotation, "LONG", 10)
    monkeypatch.setattr(DataDirectory, "rotate", fails_first)
    options = Options(
        data_dir=tmp_path, api_port=0, ocpp_port=0, temporal_port=0, temporal_ui_port=0
    )
    async with Stack(options) as running:
        running.data.log("api").write_text("long, too long")

        def put_aside() -> None:
            logs = [log.read_text() for log in (tmp_path / "logs").glob("api*.log")]
            assert sorted(logs) == ["", "long, too long"]

        await eventually(put_aside)
    assert asyncio.all_tasks() == {asyncio.current_task()}
