"""A worker ends in time, whatever the SDK's core waits for."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from temporalio.bridge.worker import Worker as CoreWorker
from temporalio.client import Client
from temporalio.worker import Worker

from activities.mailer import FileMailer
from runtime.settings import Settings
from storage.engine import Database
from worker import make_worker

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


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
