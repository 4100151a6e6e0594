"""A worker ends in time, whatever the SDK's core waits for."""

import asyncio
from collections.abc import AsyncIterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs
from temporalio.bridge.worker import Worker as CoreWorker
from temporalio.client import Client
from temporalio.worker import Worker, WorkerConfig

from activities.mailer import FileMailer
from runtime.settings import Settings
from storage.engine import Database
from temporal.workers_end import SEEN_IN
from worker import make_worker

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def _for_ever(_core: CoreWorker, *_: Any) -> Any:
    await asyncio.Event().wait()


@pytest.fixture
async def worker(
    temporal_client: Client,
    database: Database,
    task_queue: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Worker:
    monkeypatch.setattr("temporal.workers_end._AFTER_GRACE_SECONDS", 0.1)
    settings = Settings(data_dir=tmp_path, secret_key=SecretStr("s" * 43))
    mailer = FileMailer(tmp_path, sender=settings.mail_from)
    return make_worker(temporal_client, database, mailer, settings=settings, task_queue=task_queue)


@pytest.fixture(autouse=True)
async def nothing_polls_on() -> AsyncIterator[None]:
    """What is left of a worker that was cut off ends with its process; here, with the test."""
    before = asyncio.all_tasks()
    yield
    for task in asyncio.all_tasks() - before - {asyncio.current_task()}:
        task.cancel()


@on_sqlite
@pytest.mark.parametrize(
    "what",
    ["finalize_shutdown", "poll_workflow_activation", "poll_activity_task"],
)
async def test_a_worker_ends_although_the_core_does_not(
    worker: Worker, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CoreWorker, what, _for_ever)
    async with worker:
        pass
    assert not worker.is_running


@on_sqlite
async def test_one_that_fails_and_is_cut_off_says_why(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(_core: CoreWorker) -> Any:
        raise RuntimeError("the queue is gone")

    monkeypatch.setattr(CoreWorker, "poll_workflow_activation", fails)
    monkeypatch.setattr(CoreWorker, "poll_activity_task", _for_ever)
    with pytest.raises(RuntimeError, match="failed") as told:
        await worker.run()
    assert str(told.value.__cause__) == "the queue is gone"


def test_the_bound_was_tried_with_the_sdk_that_is_installed() -> None:
    """An upgrade of temporalio fails here. See first whether its workers end without the bound:

    take ``WorkersEnd`` out of ``temporal/client.py``, and run ``make chaos`` and the deployment
    tests some hundred times. If they do, ``temporal/workers_end.py`` goes. If not, read how
    ``Worker`` shuts down by now, and name the version in ``SEEN_IN``.
    """
    assert version("temporalio").startswith(SEEN_IN)


def test_the_sdk_has_no_setting_that_would_do() -> None:
    """One more, and the bound in ``temporal/workers_end.py`` has perhaps had its day."""
    settings = {name for name in WorkerConfig.__annotations__ if "shutdown" in name}
    assert settings == {"graceful_shutdown_timeout", "plugin_shutdown_timeout"}


@on_sqlite
async def test_an_sdk_that_nobody_has_looked_into_is_left_alone(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("temporal.workers_end.version", lambda _package: "1.36.0")
    core = worker._bridge_worker
    with capture_logs() as told:
        async with worker:
            untouched = core.initiate_shutdown
    assert untouched == CoreWorker.initiate_shutdown.__get__(core)
    assert [one["event"] for one in told] == ["workers_end_unbounded"]
