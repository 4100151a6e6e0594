"""Runs go on while processes are killed and links are disturbed; in the end all is counted."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from tests.chaos.caller import Answers
from tests.chaos.counts import Broken, broken_promises, unexcused, verdicts
from tests.chaos.evidence import Evidence, gather
from tests.chaos.fleet import Charger, fleet
from tests.chaos.installer import Installer, shares
from tests.chaos.preparing import site
from tests.chaos.schedule import Disturbance, Kill, LinkFault, Part, Schedule, make_schedule
from tests.chaos.site import Site
from tests.chaos.site_counts import broken_at_site, gather_site
from tests.chaos.topology import Topology, topology
from tests.support.eventually import eventually

_POLL = 0.5
_STARTS_SPREAD = 0.7
_SITE_SHARE = 0.5  # of the time vehicles come and go at least, however long the handover took
_AT_MOST = 3


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is done. ``settle`` bounds the wait for the verdicts once the chaos is over.

    ``runs`` are of the fleet's ``chargers``; ``site`` is the number of charge points that are
    handed over, 0 for no site; ``kills`` are in place of those that the seed draws.
    """

    seed: int
    runs: int
    chargers: int
    site: int = 0
    seconds: float
    settle: float
    kills: tuple[Kill, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of it."""

    plan: Plan
    broken: Broken
    verdicts: Counter[str]
    answers: Answers
    kills: Counter[Part]
    ended: Counter[Part]
    disturbances: Counter[LinkFault]
    settled_after: float
    site: Site | None
    records: int
    """Charge detail records of the site."""
    waiting: int
    """Records of the site that are held, until its owner says what was charged."""

    @property
    def held(self) -> bool:
        """Whether every promise was kept."""
        return not self.answers.wrong and not any(self.broken.values())


async def experiment(plan: Plan, folder: Path) -> Outcome:
    """Run it; logs are in ``folder``."""
    schedule = make_schedule(
        plan.seed,
        # With a site the chaos goes on until that has had its time.
        seconds=plan.seconds * (_AT_MOST if plan.site else 1),
        chargers=plan.chargers,
        site=plan.site,
    )
    if plan.kills is not None:
        schedule = replace(schedule, kills=plan.kills)
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(topology(folder))
        await engine.until_ready()
        installer = await stack.enter_async_context(Installer(engine.api_url))
        handed_over: Site | None = None
        if plan.site:
            handed_over = await stack.enter_async_context(
                site(installer, engine, size=plan.site, seed=plan.seed, folder=folder)
            )
        chargers = await stack.enter_async_context(
            fleet(installer, engine.node_ports, size=plan.chargers, seed=plan.seed)
        )
        stage = Stage(
            plan=plan, engine=engine, installer=installer, fleet=chargers, site=handed_over
        )
        chaos = asyncio.create_task(_chaos(stage, schedule))
        await asyncio.gather(
            _commission_all(stage), _charge(stage, schedule), asyncio.sleep(plan.seconds)
        )
        chaos.cancel()
        with suppress(asyncio.CancelledError):
            await chaos
        began = time.monotonic()
        for charger in stage.chargers:
            charger.proxy.relight()
            charger.proxy.heal()
        evidence, (records, waiting), broken = await _settled(stage)
        broken |= unexcused(evidence, stage.chargers)
        return Outcome(
            plan=plan,
            broken=broken,
            verdicts=verdicts(evidence),
            answers=installer.answers,
            kills=engine.supervisor.kills,
            ended=engine.supervisor.ended,
            disturbances=stage.disturbances,
            settled_after=time.monotonic() - began,
            site=handed_over,
            records=records,
            waiting=waiting,
        )


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Who takes part."""

    plan: Plan
    engine: Topology
    installer: Installer
    fleet: list[Charger]
    site: Site | None
    disturbances: Counter[LinkFault] = field(default_factory=Counter)

    @property
    def chargers(self) -> list[Charger]:
        """The fleet, then the site, as the schedule numbers them."""
        return self.fleet if self.site is None else [*self.fleet, *self.site.chargers]


async def _chaos(stage: Stage, schedule: Schedule) -> None:
    began = time.monotonic()

    async def at(moment: float, what: Callable[[], Awaitable[None]]) -> None:
        await asyncio.sleep(began + moment - time.monotonic())
        await what()

    async def disturb(disturbance: Disturbance) -> None:
        if await stage.chargers[disturbance.charger].disturb(disturbance):
            stage.disturbances[disturbance.fault] += 1

    async with asyncio.TaskGroup() as group:
        for kill in schedule.kills:
            group.create_task(at(kill.at, partial(stage.engine.supervisor.kill, kill)))
        for disturbance in schedule.disturbances:
            group.create_task(at(disturbance.at, partial(disturb, disturbance)))


async def _commission_all(stage: Stage) -> None:
    """Start each charge point's runs one after the other, as long as the chaos lasts."""
    plan = stage.plan
    over = time.monotonic() + plan.seconds

    async def commission(number: int, runs: int) -> None:
        await asyncio.sleep(number * plan.seconds * _STARTS_SPREAD / plan.chargers)
        charger = stage.fleet[number]
        for left in range(runs, 0, -1):
            run = await stage.installer.start(charger.charge_point_id)
            if left > 1 and not await _ended(stage.engine, run, over):
                return
            if left > 1:
                charger.unplug()

    async with asyncio.TaskGroup() as group:
        for number, runs in enumerate(shares(plan.runs, plan.chargers)):
            group.create_task(commission(number, runs))


async def _charge(stage: Stage, schedule: Schedule) -> None:
    """Hand the site over; when it is active, vehicles come and go as long as the chaos lasts."""
    over = time.monotonic() + stage.plan.seconds
    if stage.site is None:
        return
    await asyncio.sleep(schedule.handover)
    await stage.installer.hand_over(stage.site.project_id)
    if await stage.site.until_active(stage.engine, within=stage.plan.settle):
        at_least = time.monotonic() + stage.plan.seconds * _SITE_SHARE
        await stage.site.live(stage.plan.seed, max(over, at_least))


async def _ended(engine: Topology, run: str, over: float) -> bool:
    """Wait for the verdict; False when the chaos was over first."""
    while time.monotonic() < over:
        await asyncio.sleep(_POLL)
        if await engine.has_ended(run):
            return True
    return False


async def _settled(stage: Stage) -> tuple[Evidence, tuple[int, int], Broken]:
    """Wait until nothing is broken and each run has its verdict, within bounds."""
    engine, answers = stage.engine, stage.installer.answers
    await engine.until_ready()
    if stage.site is not None:
        await stage.site.fill(within=stage.plan.settle)
        stage.site.clear()
    found: tuple[Evidence, tuple[int, int], Broken] | None = None

    async def whole() -> None:
        nonlocal found
        try:
            evidence = await gather(engine.database, engine.temporal)
            broken = broken_promises(evidence, stage.chargers, answers.acknowledged)
            records = 0, 0
            if stage.site is not None:
                of_site = await gather_site(engine.database, engine.temporal, stage.site)
                broken |= broken_at_site(of_site, stage.site)
                records = len(of_site.records), len(of_site.held)
        except Exception as error:
            raise AssertionError("not all parts are up again") from error
        found = evidence, records, broken
        assert not any(broken.values())
        assert not evidence.open_runs

    try:
        await eventually(whole, within=stage.plan.settle)
    except AssertionError:
        if found is None:
            raise
    assert found is not None
    return found
