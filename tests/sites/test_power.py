"""A site through the whole engine: virtual charge points charge at once, and its fuse never trips.

What is drawn is looked at in the charge points themselves, at each moment at which it changes.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic

import pytest
from sqlalchemy import update
from temporalio.client import WorkflowHandle

from domain.names import site_workflow_id
from domain.power.facts import PauseSmartCharging, SetLimit, SiteLoad, SiteRequest
from domain.power.site import SiteLimit
from domain.states import AccessMode, FeatureState, ProjectStatus
from simulator import State, VirtualChargePoint
from simulator.events import Event
from storage.features import Power
from storage.tables import charge_points, projects
from tests.faults.stage import Stage
from tests.support.eventually import eventually
from tests.support.figures import Figure
from workflows.site import SiteWorkflow

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
WATTS_PER_AMPERE = 690
MAX_AMPS = 31  # 22 kW over three phases


@dataclass(kw_only=True)
class Site:
    """A site that was handed over."""

    stage: Stage
    limit: float
    handle: WorkflowHandle[SiteWorkflow, None]
    chargers: list[VirtualChargePoint] = field(default_factory=list)
    worst: float = 0.0
    over: list[str] = field(default_factory=list)
    links: list[AsyncExitStack] = field(default_factory=list)

    @property
    def drawn(self) -> float:
        """Amperes per phase, now."""
        return sum(one.power_w() for one in self.chargers) / WATTS_PER_AMPERE

    def look(self, event: Event) -> None:
        self.worst = max(self.worst, self.drawn)
        if self.drawn > self.limit:
            self.over.append(f"{self.drawn:.1f} A of {self.limit:g} A after {event}")

    async def darken(self, number: int) -> None:
        """Cut the link of a charge point; it goes on charging."""
        await self.links[number].aclose()

    async def relight(self, number: int) -> None:
        """Mend the link."""
        life = asyncio.create_task(self.chargers[number].run())

        async def end() -> None:
            life.cancel()
            with suppress(asyncio.CancelledError):
                await life

        self.links[number].push_async_callback(end)

    async def load(self) -> SiteLoad:
        return await self.handle.query(SiteWorkflow.load)

    async def until_allotted(self, amps: list[int]) -> None:
        """Until the sessions draw these amperes, and the workflow knows it."""

        async def settled() -> None:
            drawn = sorted(round(one.power_w() / WATTS_PER_AMPERE) for one in self.chargers)
            assert drawn == sorted(amps)
            known = sorted(bay.bound_amps for bay in (await self.load()).bays)
            assert known == sorted(amps)[len(amps) - len(known) :]

        await eventually(settled, within=15)

    async def state(self) -> FeatureState:
        async with self.stage.database.read() as connection:
            return (await Power(connection, self.stage.project.id).smart_charging()).state


@asynccontextmanager
async def open_site(stage: Stage, *, chargers: int, amps: float | None) -> AsyncIterator[Site]:
    """Charge points that are accepted and whose project was handed over; nobody charges yet."""
    async with stage.database.write() as connection:
        await connection.execute(
            update(projects).values(
                status=ProjectStatus.HANDED_OVER, access=AccessMode.OPEN, max_amps=amps
            )
        )
    handle: WorkflowHandle[SiteWorkflow, None] = stage.client.get_workflow_handle_for(
        SiteWorkflow.run, site_workflow_id(stage.project.id)
    )
    site = Site(stage=stage, limit=amps or float("inf"), handle=handle)
    async with AsyncExitStack() as stack:
        for number in range(chargers):
            powered = stage.powered(seed=number, listener=site.look)
            site.links.append(await stack.enter_async_context(AsyncExitStack()))
            site.chargers.append(await site.links[-1].enter_async_context(powered))
        async with stage.database.write() as connection:
            await connection.execute(
                update(charge_points).values(provisioned_at=datetime.now(UTC), max_amps=MAX_AMPS)
            )
        for charger in site.chargers:
            await charger.until(lambda one=charger: one.state is State.ACCEPTED)  # type: ignore[misc]
        await stage.client.start_workflow(
            SiteWorkflow.run,
            SiteRequest(project_id=stage.project.id, name=stage.project.name),
            id=site_workflow_id(stage.project.id),
            task_queue=stage.task_queue,
        )

        async def active() -> None:
            assert await site.state() is FeatureState.ACTIVE

        await eventually(active, within=15)
        yield site
        assert site.over == []


def charge(charger: VirtualChargePoint) -> None:
    charger.plug_in()
    charger.present_card(f"CARD{charger.serial[-8:]}")


async def test_sessions_share_what_there_is(stage: Stage) -> None:
    async with open_site(stage, chargers=3, amps=40) as site:
        first, second, third = site.chargers
        charge(first)
        await site.until_allotted([MAX_AMPS, 0, 0])
        charge(second)
        await site.until_allotted([20, 20, 0])
        charge(third)
        await site.until_allotted([14, 13, 13])
        first.unplug()
        await site.until_allotted([20, 20, 0])
        assert site.worst > 39


async def test_everything_changes_at_once(stage: Stage, figure: Figure) -> None:
    async with open_site(stage, chargers=6, amps=50) as site:
        began = monotonic()
        for charger in site.chargers:
            charge(charger)
        await site.until_allotted([9, 9, 8, 8, 8, 8])
        figure(f"six vehicles at once had their shares after {monotonic() - began:.1f} s")
        for charger in site.chargers[:3]:
            charger.unplug()
        await site.until_allotted([17, 17, 16, 0, 0, 0])


async def test_not_all_fit_at_once(stage: Stage) -> None:
    async with open_site(stage, chargers=3, amps=13) as site:
        for charger in site.chargers:
            charge(charger)
        await site.until_allotted([7, 6, 0])


async def test_a_dark_charge_point_is_counted_at_what_it_was_allowed(stage: Stage) -> None:
    async with open_site(stage, chargers=3, amps=32) as site:
        charge(site.chargers[0])
        charge(site.chargers[1])
        await site.until_allotted([16, 16, 0])
        await site.darken(0)
        charge(site.chargers[2])
        await site.until_allotted([16, 8, 8])
        await site.relight(0)
        await site.until_allotted([11, 11, 10])


async def test_who_left_in_the_dark_is_believed_when_it_is_back(stage: Stage) -> None:
    async with open_site(stage, chargers=2, amps=32) as site:
        charge(site.chargers[0])
        charge(site.chargers[1])
        await site.until_allotted([16, 16])
        await site.darken(0)
        site.chargers[0].unplug()
        assert [bay.bound_amps for bay in (await site.load()).bays] == [16, 16]
        await site.relight(0)
        await site.until_allotted([31, 0])


async def test_the_owner_lowers_and_raises_the_limit(stage: Stage, figure: Figure) -> None:
    async with open_site(stage, chargers=2, amps=40) as site:
        for charger in site.chargers:
            charge(charger)
        await site.until_allotted([20, 20])
        began = monotonic()
        await site.handle.execute_update(
            SiteWorkflow.set_limit,
            SetLimit(project_id=stage.project.id, limit=SiteLimit(amps=12)),
        )
        await site.until_allotted([6, 6])
        figure(f"two vehicles followed a lower limit after {monotonic() - began:.2f} s")
        site.limit = 60
        await site.handle.execute_update(
            SiteWorkflow.set_limit,
            SetLimit(project_id=stage.project.id, limit=SiteLimit(amps=60)),
        )
        await site.until_allotted([30, 30])


async def test_a_pause_lifts_the_limits(stage: Stage) -> None:
    async with open_site(stage, chargers=2, amps=20) as site:
        for charger in site.chargers:
            charge(charger)
        await site.until_allotted([10, 10])
        site.limit = float("inf")  # while it is paused, the owner answers for it
        pause = PauseSmartCharging(project_id=stage.project.id, paused=True)
        await site.handle.execute_update(SiteWorkflow.pause, pause)

        async def lifted() -> None:
            assert site.drawn > 35
            assert await site.state() is FeatureState.PAUSED

        await eventually(lifted, within=15)
        pause = PauseSmartCharging(project_id=stage.project.id, paused=False)
        await site.handle.execute_update(SiteWorkflow.pause, pause)
        await site.until_allotted([10, 10])


async def test_without_a_limit_nobody_is_held_back(stage: Stage) -> None:
    async with open_site(stage, chargers=2, amps=None) as site:
        for charger in site.chargers:
            charge(charger)

        async def full() -> None:
            assert site.drawn > 2 * MAX_AMPS - 1

        await eventually(full, within=15)
