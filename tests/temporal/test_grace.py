"""A mail that is on its way when its worker stops leaves once."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from temporalio import activity
from temporalio.client import Client

from domain.accounts import AccountLetter, LetterPurpose
from domain.states import Role
from runtime.settings import Settings
from storage.engine import Database
from temporal import starts
from worker import make_worker

NOW = datetime.now(UTC)
_LETTER = AccountLetter(
    purpose=LetterPurpose.RESET,
    account_id="usr_1",
    is_proven=True,
    email="a@example.com",
    role=Role.INSTALLER,
    asked_at=NOW,
    expires_at=NOW + timedelta(hours=1),
)


class OneLetter:
    """Stands for :class:`storage.account_letters.StoredLetters`."""

    noted = 0

    async def letter(self, _letter_id: str) -> AccountLetter:
        """Give it."""
        return _LETTER

    async def sent(self, _letter_id: str) -> None:
        """Count."""
        self.noted += 1


class SlowMailer:
    """Has a mail on its way until after its worker was told to stop, and then some."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.begun = asyncio.Event()
        self.left = 0

    async def send(self, **_mail: str | None) -> str:
        """Send it."""
        self.begun.set()
        await activity.wait_for_worker_shutdown()
        for _ in range(20):
            await self._client.count_workflows("WorkflowType = 'None'")
        self.left += 1
        return "there"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_mail_on_its_way_ends_with_its_worker(
    temporal_client: Client,
    database: Database,
    task_queue: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    letters, mailer = OneLetter(), SlowMailer(temporal_client)
    monkeypatch.setattr("worker.StoredLetters", lambda *_arguments, **_more: letters)
    monkeypatch.setattr("worker._GRACE", timedelta(minutes=1))
    settings = Settings(data_dir=tmp_path, secret_key=SecretStr("s" * 43))
    async with make_worker(
        temporal_client, database, mailer, settings=settings, task_queue=task_queue
    ):
        await starts.account_letter(task_queue).begin(temporal_client, task_queue)
        await mailer.begun.wait()
    assert (mailer.left, letters.noted) == (1, 1)
