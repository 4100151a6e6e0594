"""The API's way to Temporal when nobody answers there, and when nobody waits for the answer."""

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import cast
from uuid import uuid4

import pytest
from temporalio.client import Client, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.service import RPCError, RPCStatusCode

from api.temporal import TemporalGateway
from api.temporal.link import TemporalLink
from domain.commissioning import CancelRequest, RunAnswer
from domain.errors import UnavailableError
from domain.power.facts import PauseSmartCharging, SiteRequest
from domain.states import InstallerAnswer
from storage.engine import Database
from storage.runs import Runs
from temporal.run_starter import TemporalRunStarter


@pytest.mark.usefixtures("impatient")
async def test_a_site_that_does_not_answer(gateway: TemporalGateway) -> None:
    site = SiteRequest(project_id=uuid4().hex, name="Riverside")
    pause = PauseSmartCharging(project_id=site.project_id, paused=True)
    with pytest.raises(UnavailableError, match="No answer"):
        await gateway.sites.pause(site, pause)


class BusyRun:
    """A run's workflow, and the client of it: its step just failed, before the update was taken."""

    def get_workflow_handle_for(self, *_: object) -> "BusyRun":
        """Give itself."""
        return self

    async def execute_update(self, *_: object) -> None:
        """Refuse, as the server does then."""
        raise RPCError("unexpected workflow task failure", RPCStatusCode.FAILED_PRECONDITION, b"")


async def test_a_run_whose_step_just_failed_is_not_one_that_is_gone(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was taken for one: a cancelled project stayed open until its next look in five minutes."""

    async def connect() -> Client:
        return cast("Client", BusyRun())

    async def open_run(*_: object) -> object:
        return SimpleNamespace(request=SimpleNamespace(commissioning_id="com_x"))

    gateway = TemporalGateway(connect)
    cancel = CancelRequest(by="me", commissioning_id="com_x")
    with pytest.raises(UnavailableError, match="No answer"):
        await gateway.cancel_run("cp_x", cancel)
    with pytest.raises(UnavailableError, match="No answer"):
        await gateway.answer_run(
            "cp_x", RunAnswer(commissioning_id="com_x", answer=InstallerAnswer.DONE, by="me")
        )
    monkeypatch.setattr(Runs, "open_run", open_run)
    starter = TemporalRunStarter(await connect(), database, now=lambda: datetime.now(UTC))
    with pytest.raises(RPCError, match="task failure"):
        await starter.cancel_open("cp_x", cancel)


async def test_a_caller_who_hangs_up(temporal_client: Client) -> None:
    asked = asyncio.Event()

    async def connect() -> Client:
        return temporal_client

    async def ask() -> None:
        async with TemporalLink(connect).client():
            asked.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError as error:  # as the SDK does where it calls an update
                raise WorkflowUpdateRPCTimeoutOrCancelledError from error

    caller = asyncio.create_task(ask())
    await asked.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
