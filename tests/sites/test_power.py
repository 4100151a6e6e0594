"""A site through the whole engine: its vehicles share what there is, and its fuse never trips.

What is drawn is looked at in the charge points themselves, at each moment at which it changes.
"""

from time import monotonic

import pytest

from domain.power.facts import PauseSmartCharging
from domain.states import FeatureState
from tests.faults.stage import Stage
from tests.sites.site import MAX_AMPS, charge, open_site
from tests.support.eventually import eventually
from tests.support.figures import Figure
from workflows.site import SiteWorkflow

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


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
        await site.set_limit(12)
        await site.until_allotted([6, 6])
        figure(f"two vehicles followed a lower limit after {monotonic() - began:.2f} s")
        await site.set_limit(60)
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
            assert (await site.status()).state is FeatureState.PAUSED

        await eventually(lifted)
        pause = PauseSmartCharging(project_id=stage.project.id, paused=False)
        await site.handle.execute_update(SiteWorkflow.pause, pause)
        await site.until_allotted([10, 10])


async def test_without_a_limit_nobody_is_held_back(stage: Stage) -> None:
    async with open_site(stage, chargers=2, amps=None) as site:
        for charger in site.chargers:
            charge(charger)

        async def full() -> None:
            assert site.drawn > 2 * MAX_AMPS - 1

        await eventually(full)


async def test_a_higher_limit_is_told_to_the_charge_points_too(stage: Stage) -> None:
    async with open_site(stage, chargers=1, amps=20) as site:
        charge(site.chargers[0])
        await site.until_allotted([20])
        await site.set_limit(60)
        await site.until_allotted([MAX_AMPS])


async def test_who_is_offline_at_the_handover_is_activated_when_it_is_back(stage: Stage) -> None:
    async with open_site(
        stage, chargers=2, amps=20, dark=True, becomes=FeatureState.ACTIVATING
    ) as site:

        async def one_waits() -> None:
            status = await site.status()
            assert [one.charge_point_id for one in status.charge_points] == [
                site.chargers[1].identity
            ]

        await eventually(one_waits)
        # It takes what its cable carries out of the supply, for nobody has told it anything.
        charge(site.chargers[0])
        await site.until_allotted([0, 0])
        await site.relight(1)
        await site.until_it_is(FeatureState.ACTIVE)
        await site.until_allotted([20, 0])


async def test_a_site_without_a_limit_tells_its_sessions(stage: Stage) -> None:
    """A vehicle draws before its start is told; its session is there a moment later."""
    async with open_site(stage, chargers=2, amps=None, cable=None) as site:
        for charger in site.chargers:
            charge(charger)

        async def told() -> None:
            sessions = {bay.charge_point_id for bay in (await site.load()).bays}
            assert sessions == {charger.identity for charger in site.chargers}

        await eventually(told)
