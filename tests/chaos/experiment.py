"""Runs go on while processes are killed and links are disturbed; in the end all is counted."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.chaos.counts import Broken, broken_promises, verdicts
from tests.chaos.evidence import Evidence, gather
from tests.chaos.fleet import Charger, fleet
from tests.chaos.installer import Answers, Installer, shares
from tests.chaos.schedule import Part, Schedule, make_schedule
from tests.chaos.topology import Topology, topology
from tests.support.eventually import eventually

_POLL = 0.5
_STARTS_SPREAD = 0.7


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is done. ``settle`` bounds the wait for the verdicts once the chaos is over."""

    seed: int
    runs: int
    chargers: int
    seconds: float
    settle: float


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of it."""

    plan: Plan
    broken: Broken
    verdicts: Counter[str]
    answers: Answers
    kills: Counter[Part]
    ended: Counter[Part]
    disturbances: Counter[str]
    settled_after: float

    @property
    def held(self) -> bool:
        """Whether every promise was kept."""
        return not self.answers.wrong and not any(self.broken.values())


async def experiment(plan: Plan, folder: Path) -> Outcome:
    """Run it; logs are in ``folder``."""
    schedule = make_schedule(plan.seed, seconds=plan.seconds, chargers=plan.chargers)
    async with topology(folder) as engine:
        await engine.until_ready()
        async with (
            Installer(engine.api_url) as installer,
            fleet(installer, engine.node_ports, size=plan.chargers, seed=plan.seed) as chargers,
        ):
            await asyncio.gather(
                _commission_all(plan, installer, chargers, engine),
                _chaos(schedule, engine, chargers),
            )
            began = time.monotonic()
            for charger in chargers:
                charger.proxy.heal()
            evidence, broken = await _settled(plan, installer, chargers, engine)
            return Outcome(
                plan=plan,
                broken=broken,
                verdicts=verdicts(evidence),
                answers=installer.answers,
                kills=engine.supervisor.kills,
                ended=engine.supervisor.ended,
                disturbances=Counter(d.fault for d in schedule.disturbances),
                settled_after=time.monotonic() - began,
            )


async def _chaos(schedule: Schedule, engine: Topology, chargers: list[Charger]) -> None:
    began = time.monotonic()

    async def at(moment: float, what: Callable[[], Awaitable[None]]) -> None:
        await asyncio.sleep(began + moment - time.monotonic())
        await what()

    async with asyncio.TaskGroup() as group:
        for kill in schedule.kills:
            group.create_task(at(kill.at, partial(engine.supervisor.kill, kill)))
        for disturbance in schedule.disturbances:
            disturb = chargers[disturbance.charger].disturb
            group.create_task(at(disturbance.at, partial(disturb, disturbance)))


async def _commission_all(
    plan: Plan, installer: Installer, chargers: list[Charger], engine: Topology
) -> None:
    """Start each charge point's runs one after the other, as long as the chaos lasts."""
    over = time.monotonic() + plan.seconds
    pause = plan.seconds * _STARTS_SPREAD / plan.chargers

    async def commission(number: int, runs: int) -> None:
        await asyncio.sleep(number * pause)
        for left in range(runs, 0, -1):
            run = await installer.start(chargers[number].charge_point_id)
            if left > 1 and not await _ended(engine, run, over):
                return

    async with asyncio.TaskGroup() as group:
        for number, runs in enumerate(shares(plan.runs, plan.chargers)):
            group.create_task(commission(number, runs))


async def _ended(engine: Topology, run: str, over: float) -> bool:
    """Wait for the verdict; False when the chaos was over first."""
    while time.monotonic() < over:
        await asyncio.sleep(_POLL)
        if await engine.has_ended(run):
            return True
    return False


async def _settled(
    plan: Plan, installer: Installer, chargers: list[Charger], engine: Topology
) -> tuple[Evidence, Broken]:
    """Wait until nothing is broken and each run has its verdict, within bounds."""
    await engine.until_ready()
    found: tuple[Evidence, Broken] | None = None

    async def whole() -> None:
        nonlocal found
        try:
            evidence = await gather(engine.database, engine.temporal)
        except Exception as error:
            raise AssertionError("not all parts are up again") from error
        broken = broken_promises(evidence, chargers, installer.answers.acknowledged)
        found = evidence, broken
        assert not any(broken.values())
        assert not evidence.open_runs

    try:
        await eventually(whole, within=plan.settle)
    except AssertionError:
        if found is None:
            raise
    assert found is not None
    return found
