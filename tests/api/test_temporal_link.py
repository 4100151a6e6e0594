"""The API's way to Temporal when nobody answers there, and when nobody waits for the answer."""

import asyncio
from uuid import uuid4

import pytest
from temporalio.client import Client, WorkflowUpdateRPCTimeoutOrCancelledError

from api.temporal import TemporalGateway
from api.temporal.link import TemporalLink
from domain.errors import UnavailableError
from domain.power.facts import PauseSmartCharging, SiteRequest


@pytest.mark.usefixtures("impatient")
async def test_a_site_that_does_not_answer(gateway: TemporalGateway) -> None:
    site = SiteRequest(project_id=uuid4().hex, name="Riverside")
    pause = PauseSmartCharging(project_id=site.project_id, paused=True)
    with pytest.raises(UnavailableError, match="No answer"):
        await gateway.sites.pause(site, pause)


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
