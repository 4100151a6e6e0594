"""Commissioning runs, as the installer starts and follows them."""

import asyncio

from demo.account import Account
from demo.caller import Caller, Document

INSTALLER = "/api/v1/installer"
_VERDICT_SECONDS = 60
_POLL_SECONDS = 0.5
_DECIDED = {"passed", "failed", "skipped"}
_CHARGES = "test_transaction running"  # which takes its time


class Runs:
    """Runs of the demo's charge points, by their serial numbers."""

    def __init__(self, installer: Caller, account: Account, ids: dict[str, str]) -> None:
        self._installer = installer
        self._account = account
        self._ids = ids

    async def start(self, serial: str, how: str, body: Document | None) -> None:
        """Start a run, or retry the last one."""
        await self._installer.post(
            f"{INSTALLER}/commissioning/{self._ids[serial]}/{how}", body, status=202
        )

    async def verdict(self, serial: str) -> Document:
        """Poll the status, as the guide says, until the run has a verdict; tell of each check."""
        path = f"{INSTALLER}/commissioning/{self._ids[serial]}/status"
        told: set[str] = set()
        async with asyncio.timeout(_VERDICT_SECONDS):
            while True:
                status: Document = await self._installer.get(path, quiet=True)
                for check in status["checks"]:
                    text = f"{check['name']} {check['result']}"
                    if text not in told and (check["result"] in _DECIDED or text == _CHARGES):
                        told.add(text)
                        self._account.progress(f"{serial}: {text}")
                if status["status"] != "in_progress":
                    return status
                await asyncio.sleep(_POLL_SECONDS)

    def show(self, serial: str, status: Document) -> None:
        """Say what the verdict is, and where it failed what to do."""
        checks = ", ".join(f"{check['name']} {check['result']}" for check in status["checks"])
        self._account.say(f"{serial}: {status['status']} ({checks})")
        if status["failure"]:
            self._account.say(f"{status['failure']['cause']} {status['failure']['action']}")
