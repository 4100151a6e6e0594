"""A site through the whole engine: virtual charge points that charge at once, and their sum."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import inf

from sqlalchemy import update
from temporalio.client import WorkflowHandle

from domain.names import site_workflow_id
from domain.power.facts import SetLimit, SiteLoad, SiteRequest
from domain.power.site import NOMINAL_VOLTAGE, SiteLimit
from domain.states import AccessMode, ChargePointStatus, FeatureState, ProjectStatus
from simulator import Fault, State, VirtualChargePoint
from simulator.events import Event
from simulator.profile import ABB_TERRA_AC_W22, Profile
from storage.connections import read_connections
from storage.features import FeatureStatus, Power
from storage.models.charge_points import ChargePoint
from storage.models.projects import Project
from tests.faults.stage import Stage
from tests.support.eventually import eventually
from workflows.site import SiteWorkflow

MAX_AMPS = 31  # 22 kW over three phases
_ROUNDING = 1e-6


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
    seen: set[tuple[int, ...]] = field(default_factory=set)
    """What the charge points have drawn at the same time, in their order."""

    @property
    def drawn(self) -> float:
        """Amperes on the first phase, now: each vehicle loads it."""
        return sum(amps_of(one) for one in self.chargers)

    def look(self, event: Event) -> None:
        self.worst = max(self.worst, self.drawn)
        self.seen.add(tuple(round(amps_of(one)) for one in self.chargers))
        if self.drawn > self.limit + _ROUNDING:
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

    async def until_offline(self, charger: VirtualChargePoint) -> None:
        """Until the engine knows that its link is gone."""

        async def offline() -> None:
            async with self.stage.database.read() as connection:
                links = await read_connections(
                    connection, [charger.identity], now=datetime.now(UTC)
                )
            assert not links[charger.identity].connected

        await eventually(offline)

    async def load(self) -> SiteLoad:
        return await self.handle.query(SiteWorkflow.load)

    async def until_allotted(self, amps: list[int]) -> None:
        """Until the sessions draw these amperes, and the workflow knows it."""

        async def settled() -> None:
            drawn = sorted(round(amps_of(one)) for one in self.chargers)
            assert drawn == sorted(amps), drawn
            known = sorted(bay.bound_amps for bay in (await self.load()).bays)
            assert known == sorted(amps)[len(amps) - len(known) :], known

        await eventually(settled)

    async def status(self) -> FeatureStatus:
        async with self.stage.database.read() as connection:
            return await Power(connection, self.stage.project.id).smart_charging()

    async def until_it_is(self, state: FeatureState) -> FeatureStatus:
        """Until smart charging is that far."""

        async def there() -> FeatureStatus:
            status = await self.status()
            assert status.state is state
            return status

        return await eventually(there)

    async def until_none_but(self, count: int) -> None:
        """Until smart charging is wanting at so many charge points, and all others are limited."""

        async def there() -> None:
            wanting = (await self.status()).charge_points
            assert len(wanting) == count, wanting

        await eventually(there)

    async def set_limit(self, amps: float | None) -> None:
        """Have the owner set the limit; until all follow, the higher of both counts."""
        self.limit = max(self.limit, inf if amps is None else amps)
        change = SetLimit(project_id=self.stage.project.id, limit=SiteLimit(amps=amps))
        await self.handle.execute_update(SiteWorkflow.set_limit, change)


@asynccontextmanager
async def open_site(
    stage: Stage,
    *faults: Fault,
    chargers: int,
    amps: float | None,
    faulty: int = 1,
    dark: bool = False,
    becomes: FeatureState = FeatureState.ACTIVE,
    cable: int | None = MAX_AMPS,
    profile: Profile = ABB_TERRA_AC_W22,
) -> AsyncIterator[Site]:
    """Charge points that are accepted and whose project was handed over; nobody charges yet.

    The last one, or as many as are ``faulty``, has the faults, or is ``dark``. ``cable`` None:
    nobody said what theirs carry.
    """
    async with stage.database.write() as connection:
        await connection.execute(
            update(Project).values(
                status=ProjectStatus.HANDED_OVER, access=AccessMode.OPEN, max_amps=amps
            )
        )
    handle: WorkflowHandle[SiteWorkflow, None] = stage.client.get_workflow_handle_for(
        SiteWorkflow.run, site_workflow_id(stage.project.id)
    )
    site = Site(stage=stage, limit=amps or float("inf"), handle=handle)
    async with AsyncExitStack() as stack:
        for number in range(chargers):
            own = faults if number >= chargers - faulty else ()
            powered = stage.powered(*own, seed=number, profile=profile, listener=site.look)
            site.links.append(await stack.enter_async_context(AsyncExitStack()))
            site.chargers.append(await site.links[-1].enter_async_context(powered))
        async with stage.database.write() as connection:
            await connection.execute(
                update(ChargePoint).values(
                    provisioned_at=datetime.now(UTC),
                    max_amps=cable,
                    status=ChargePointStatus.COMMISSIONED,
                )
            )
        for charger in site.chargers:
            await charger.until(lambda one=charger: one.state is State.ACCEPTED)  # type: ignore[misc]
        if dark:
            await site.darken(-1)
            await site.until_offline(site.chargers[-1])
        await stage.client.start_workflow(
            SiteWorkflow.run,
            SiteRequest(project_id=stage.project.id, name=stage.project.name),
            id=site_workflow_id(stage.project.id),
            task_queue=stage.task_queue,
        )

        await site.until_it_is(becomes)
        if becomes is FeatureState.FAILED:  # which the others, of whom nothing is known, may be yet
            await site.until_none_but(faulty)
        yield site
        assert site.over == [], site.over


def amps_of(charger: VirtualChargePoint) -> float:
    """What it draws of each phase that it uses; a rectifier draws its power evenly from three."""
    if charger.profile.direct_current:
        numbers = range(1, charger.profile.connectors + 1)
        return sum(charger.power_w(number) for number in numbers) / (3 * NOMINAL_VOLTAGE)
    return sum(charger.amps(number + 1) for number in range(charger.profile.connectors))


def charge(
    charger: VirtualChargePoint, *, phases: int | None = None, connector_id: int = 1
) -> None:
    charger.plug_in(connector_id, phases=phases)
    charger.present_card(f"CARD{connector_id}{charger.serial[-8:]}", connector_id)
