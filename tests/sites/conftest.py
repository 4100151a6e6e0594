"""A fresh engine for each test, on SQLite unless a test asks for more."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio.client import Client

from tests.faults.stage import Stage, engine


@pytest.fixture
async def stage(
    temporal_client: Client,
    temporal_address: str,
    database_url: str,
    task_queue: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Stage]:
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_address)
    async with engine(
        temporal_client, database_url, task_queue=task_queue, data_dir=tmp_path
    ) as running:
        yield running
