"""A site whose charge points do not all do as they are told: its fuse holds, and nobody waits."""

import asyncio
from collections.abc import Sequence

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from domain.operations import OperationName
from domain.power.operations import LimitStation, StationLimited
from domain.states import FeatureState
from ocpp_server.power import ANSWER_WITHIN, PowerOperations
from simulator import Fault
from tests.faults.stage import Stage
from tests.sites.site import MAX_AMPS, Site, charge, open_site
from tests.support.eventually import eventually
from tests.support.figures import Figure
from workflows import policies

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def test_who_refuses_its_limits_is_counted_at_its_cable(stage: Stage) -> None:
    """It was active, and comes back without its profiles: it draws what its cable carries."""
    async with open_site(stage, chargers=2, amps=32) as site:
        other, refusing = site.chargers
        charge(refusing)
        await site.until_allotted([MAX_AMPS, 0])
        await site.darken(1)
        refusing.add_fault(Fault.REJECTS_PROFILES)
        await site.relight(1)
        status = await site.until_it_is(FeatureState.FAILED)
        (refused,) = status.charge_points
        assert str(refused.cause).startswith("It refuses its limits (Rejected).")

        async def counted() -> None:
            bounds = {bay.charge_point_id: bay.bound_amps for bay in (await site.load()).bays}
            assert bounds == {refusing.identity: MAX_AMPS}

        await eventually(counted)
        await refusing.until(lambda: refusing.amps() > MAX_AMPS - 1)
        # It goes on for as long as it leaves nobody out.
        charge(other)
        await other.until(lambda: other.amps() > MAX_AMPS - 1)
        assert refusing.amps() == 0


async def test_a_clock_that_is_behind_does_not_matter(stage: Stage) -> None:
    async with open_site(stage, Fault.CLOCK_BEHIND, chargers=2, amps=20) as site:
        for charger in site.chargers:
            charge(charger)
        await site.until_allotted([10, 10])


async def test_who_cannot_report_takes_part_and_is_said_to_be_unconfirmed(stage: Stage) -> None:
    async with open_site(stage, Fault.NO_COMPOSITE_SCHEDULE, chargers=2, amps=20) as site:

        async def said() -> None:
            shown = (await site.status()).charge_points
            assert [one.charge_point_id for one in shown] == [site.chargers[1].identity]
            assert "cannot report" in str(shown[0].cause)

        await eventually(said)
        for charger in site.chargers:
            charge(charger)
        await site.until_allotted([10, 10])


@pytest.mark.parametrize("phases", [1, 3])
async def test_watts_are_counted_on_one_phase(stage: Stage, phases: int) -> None:
    """Its vehicle may draw all of them from one; with three phases it draws a third of each."""
    async with open_site(stage, Fault.TAKES_WATTS, chargers=2, amps=40) as site:
        charge(site.chargers[0])
        charge(site.chargers[1], phases=phases)

        async def shared() -> None:
            assert [bay.bound_amps for bay in (await site.load()).bays] == [20, 20]
            assert [round(one.amps() * 3) for one in site.chargers] == [60, 60 // phases]

        await eventually(shared)


async def test_a_silent_charge_point_does_not_hold_up_the_others(
    stage: Stage, figure: Figure
) -> None:
    """One round waits for its answer, once; nothing waits until it is asked again."""
    async with open_site(stage, chargers=4, amps=48) as site:
        silent, *others = site.chargers
        for charger in (silent, *others[:2]):
            charge(charger)
        await site.until_allotted([16, 16, 16, 0])
        silent.add_fault(Fault.SILENT)
        before = len(await _history(site))
        charge(others[2])
        await site.until_allotted([16, 11, 11, 10])
        events = (await _history(site))[before:]
        assert not [one for one in events if one.event_type == EventType.EVENT_TYPE_TIMER_FIRED]
        rounds = [one for one in events if _limits(one)]
        assert sum(_concerns(one, silent.identity) for one in rounds) == 1
        assert len(rounds) <= 2 * len(site.chargers)  # a busy machine hears of each by itself
        assert max(ANSWER_WITHIN, policies.LIMITS_PICKUP.total_seconds()) < 2
        began, ended = events[0].event_time, events[-1].event_time
        took = (ended.ToMilliseconds() - began.ToMilliseconds()) / 1000
        figure(f"beside a silent charge point, a newcomer had its share after {took:.2f} s")


async def test_sharing_goes_on_while_a_slow_charge_point_holds_up_a_new_run(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long history continues as new when what is under way has ended, and shares meanwhile."""
    monkeypatch.setattr(policies, "HISTORY_EVENTS", 60)
    async with open_site(stage, chargers=2, amps=40) as site:
        charge(site.chargers[0])
        await site.until_allotted([MAX_AMPS, 0])
        goes_on, limit_station = asyncio.Event(), PowerOperations.limit_station

        async def slow(self: PowerOperations, request: LimitStation) -> StationLimited:
            if request.charge_point_id == site.chargers[1].identity:
                await goes_on.wait()
            return await limit_station(self, request)

        monkeypatch.setattr(PowerOperations, "limit_station", slow)
        await site.set_limit(20)  # which each charge point is told
        run = (await site.handle.describe()).run_id

        async def follows(amps: int) -> None:
            await site.set_limit(amps)
            await eventually(lambda: _granted(site, amps))

        while len(await _history(site)) <= policies.HISTORY_EVENTS:
            await follows(19)
            await follows(20)
        await follows(18)
        assert (await site.handle.describe()).run_id == run
        goes_on.set()

        async def another_run() -> None:
            assert (await site.handle.describe()).run_id != run

        await eventually(another_run)
        await follows(16)
        await site.until_allotted([16, 0])


async def _granted(site: Site, amps: int) -> None:
    (bay,) = (await site.load()).bays
    assert (bay.allotted_amps, bay.bound_amps) == (amps, amps)


async def _history(site: Site) -> Sequence[HistoryEvent]:
    return (await site.handle.fetch_history()).events


def _limits(event: HistoryEvent) -> bool:
    scheduled = event.activity_task_scheduled_event_attributes
    return scheduled.activity_type.name == OperationName.LIMIT_CONNECTORS


def _concerns(event: HistoryEvent, charge_point_id: str) -> bool:
    scheduled = event.activity_task_scheduled_event_attributes
    return charge_point_id.encode() in scheduled.input.payloads[0].data
