"""Sites with the firmware that there is: each takes part as far as it can, and why not more."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.power.agenda import SitePace
from domain.power.facts import PauseSmartCharging
from domain.states import FeatureState
from simulator import Fault, VirtualChargePoint
from simulator.profile import ABB_TERRA_AC_W22, KEMPOWER_SATELLITE
from simulator.words import ChargePointStatus
from tests.api.callers import problem
from tests.faults.stage import Stage
from tests.sites.site import MAX_AMPS, Site, charge, open_site
from tests.support.eventually import eventually
from workflows import policies
from workflows.site import SiteWorkflow

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

TWO_CONNECTORS = replace(ABB_TERRA_AC_W22, connectors=2)


async def cause_of(site: Site, charger: VirtualChargePoint) -> str:
    """What its owner is told of it."""
    shown = (await site.status()).charge_points
    return "".join(str(one.cause) for one in shown if one.charge_point_id == charger.identity)


async def until_told(site: Site, charger: VirtualChargePoint, words: str) -> None:
    async def told() -> None:
        assert words in await cause_of(site, charger)

    await eventually(told)


async def test_without_a_limit_two_connectors_charge_at_full_power(stage: Stage) -> None:
    async with open_site(stage, chargers=1, amps=None, cable=None, profile=TWO_CONNECTORS) as site:
        (charger,) = site.chargers
        charge(charger)
        charge(charger, connector_id=2)
        await charger.until(lambda: site.drawn > 2 * MAX_AMPS - 1)

        async def known() -> None:
            assert [bay.bound_amps for bay in (await site.load()).bays] == [32, 32]

        await eventually(known)
        assert charger.received["SetChargingProfile"] == 0


async def test_a_declared_cable_is_shared_without_a_limit(stage: Stage) -> None:
    async with open_site(stage, chargers=1, amps=None, profile=TWO_CONNECTORS) as site:
        site.limit = MAX_AMPS
        (charger,) = site.chargers
        charge(charger)
        await charger.until(lambda: charger.amps(1) > MAX_AMPS - 1)
        charge(charger, connector_id=2)
        await charger.until(lambda: charger.amps(2) > 14)
        assert charger.amps(1) > 14


async def test_what_a_limit_has_left_is_cleared_when_it_is_removed(stage: Stage) -> None:
    async with open_site(stage, chargers=2, amps=20, cable=None) as site:
        charge(site.chargers[0])
        await site.chargers[0].until(lambda: 19 < site.drawn <= 20)
        await site.set_limit(None)
        await site.chargers[0].until(lambda: site.drawn > MAX_AMPS - 1)
        charge(site.chargers[1])
        await site.chargers[1].until(lambda: site.drawn > 2 * MAX_AMPS - 1)


async def test_an_idle_schedule_is_no_proof_against_a_charge_point(stage: Stage) -> None:
    """Three of them, two connectors each, at 20 A: all take part, and vehicles charge."""
    async with open_site(
        stage, Fault.IDLE_SCHEDULE, faulty=3, chargers=3, amps=20, profile=TWO_CONNECTORS
    ) as site:
        for charger in site.chargers:
            await until_told(site, charger, "confirmed with its next session")
        for charger in site.chargers:
            charge(charger)
        await site.until_allotted([7, 7, 6])

        async def proven() -> None:
            assert (await site.status()).charge_points == ()

        await eventually(proven)


async def test_who_refuses_draws_freely_where_the_supply_carries_it(stage: Stage) -> None:
    async with open_site(
        stage, Fault.REJECTS_PROFILES, chargers=2, amps=40, cable=32, becomes=FeatureState.FAILED
    ) as site:
        other, refusing = site.chargers
        await until_told(site, refusing, "Nothing limits it, and 32 A a phase")
        charge(refusing)
        charge(other)
        await site.until_allotted([32, 8])


async def test_who_refuses_is_inoperative_where_the_supply_does_not_carry_it(stage: Stage) -> None:
    async with open_site(
        stage, Fault.REJECTS_PROFILES, chargers=2, amps=20, cable=32, becomes=FeatureState.FAILED
    ) as site:
        other, refusing = site.chargers
        await until_told(site, refusing, "connector 1 is inoperative")
        unavailable = ChargePointStatus.UNAVAILABLE
        await refusing.until(lambda: refusing.status(1) is unavailable)
        charge(other)
        await site.until_allotted([20, 0])
        owner = await stage.owner()
        of_it = f"projects/{stage.project.id}/charge-points/{refusing.identity}"
        path = f"/api/v1/site-owner/{of_it}/connectors/1/availability"
        refused = await owner.call("PUT", path, {"available": True})
        assert "Raise the limit" in problem(refused, 409, "kept_inoperative")["detail"]
        # The way back: the owner raises the limit. The other makes room first.
        await site.set_limit(40)
        await refusing.until(lambda: refusing.status(1) is not unavailable)
        allowed = await owner.call("PUT", path, {"available": True})
        assert allowed.json()["outcome"] == "accepted"
        charge(refusing)
        await site.until_allotted([32, 8])


async def test_who_does_not_clear_its_limits_is_told_again(stage: Stage) -> None:
    """It was limited, refuses its limits from then on, and its site has none any more."""
    async with open_site(stage, chargers=1, amps=20, cable=None) as site:
        (charger,) = site.chargers
        charge(charger)
        await site.until_allotted([20])
        charger.add_fault(Fault.SILENT)
        await site.set_limit(None)
        charger.clear_fault(Fault.SILENT)
        await charger.until(lambda: site.drawn > MAX_AMPS - 1)


async def test_who_refuses_zero_takes_part_with_the_minimum(stage: Stage) -> None:
    async with open_site(stage, Fault.REFUSES_ZERO, chargers=3, amps=30) as site:
        *others, refusing = site.chargers
        await until_told(site, refusing, "6 A a phase are kept for each of its connectors")
        charge(others[0])
        charge(others[1])
        await site.until_allotted([12, 12, 0])
        charge(refusing)
        await site.until_allotted([10, 10, 10])


async def test_who_ends_its_session_at_zero_does_so_once(stage: Stage) -> None:
    async with open_site(stage, Fault.ENDS_AT_ZERO, chargers=3, amps=30) as site:
        *_, ending = site.chargers
        charge(ending)
        await until_told(site, ending, "It ends a session that is limited to 0 A")
        ending.unplug()
        for charger in site.chargers:
            charge(charger)
        await site.until_allotted([10, 10, 10])


async def test_an_ample_supply_holds_nobody_at_zero(stage: Stage) -> None:
    """Its first session charges at once, though the charge point would end it at 0 A."""
    async with open_site(stage, Fault.ENDS_AT_ZERO, chargers=1, amps=63, cable=None) as site:
        (charger,) = site.chargers
        charge(charger)
        await charger.until(lambda: site.drawn > MAX_AMPS - 1)
        assert charger.sent["StopTransaction"] == 0


async def test_without_a_limit_of_the_whole_each_session_has_its_own(stage: Stage) -> None:
    async with open_site(stage, Fault.NO_STATION_PROFILE, chargers=2, amps=20) as site:
        await until_told(site, site.chargers[1], "takes no limit for the charge point as a whole")
        for charger in site.chargers:
            charge(charger)
        await site.until_allotted([10, 10])


async def test_who_refuses_the_limits_of_sessions_is_not_left_at_nothing(stage: Stage) -> None:
    """It keeps the lowest limit that it obeys: the supply does not carry its cable."""
    async with open_site(stage, Fault.NO_SESSION_PROFILE, chargers=2, amps=20) as site:
        other, refusing = site.chargers
        charge(refusing)
        charge(other)
        await site.until_allotted([14, 6])
        await until_told(site, refusing, "It refuses the limits of running sessions")


async def test_who_takes_its_limits_and_draws_more_is_found_out(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It cannot report them, so that nothing but its meter tells."""
    pace = SitePace(judged=timedelta(seconds=2), turn=timedelta(seconds=2))
    monkeypatch.setattr(policies, "SITE_PACE", pace)
    metered = replace(ABB_TERRA_AC_W22, configuration={"MeterValueSampleInterval": "1"})
    async with open_site(
        stage, Fault.IGNORES_PROFILES, chargers=2, amps=20, profile=metered
    ) as site:
        site.limit = MAX_AMPS + 1  # until it is found out
        _, lying = site.chargers
        charge(lying)
        await until_told(site, lying, "It takes its limits, and draws more")
        await lying.until(lambda: lying.status(1) is ChargePointStatus.UNAVAILABLE)
        site.limit = 20
        charge(site.chargers[0])
        await site.until_allotted([20, 0])


async def test_what_was_lost_in_a_restart_is_set_again_once(stage: Stage) -> None:
    async with open_site(stage, Fault.FORGETS_PROFILES, chargers=2, amps=20) as site:
        other, forgetful = site.chargers
        charge(other)
        await site.until_allotted([20, 0])
        before = forgetful.received["SetChargingProfile"]
        forgetful.power_cycle()
        await forgetful.until(lambda: forgetful.received["SetChargingProfile"] > before + 1)
        await site.until_it_is(FeatureState.ACTIVE)
        charge(forgetful)
        await site.until_allotted([10, 10])
        # Its limits, and one of the session.
        assert forgetful.received["SetChargingProfile"] == before + 2 + 1


async def test_nothing_is_cleared_while_a_vehicle_charges(stage: Stage) -> None:
    async with open_site(stage, chargers=1, amps=20) as site:
        (charger,) = site.chargers
        charge(charger)
        await site.until_allotted([20])
        cleared, told = (charger.received[f"{what}ChargingProfile"] for what in ("Clear", "Set"))
        await site.darken(0)
        await site.relight(0)
        await charger.until(lambda: charger.received["SetChargingProfile"] >= told + 3)
        await site.set_limit(12)
        await site.until_allotted([12])
        assert charger.received["ClearChargingProfile"] == cleared


async def test_a_pause_opens_what_was_closed(stage: Stage) -> None:
    async with open_site(
        stage, Fault.REJECTS_PROFILES, chargers=2, amps=20, becomes=FeatureState.FAILED
    ) as site:
        _, refusing = site.chargers
        unavailable = ChargePointStatus.UNAVAILABLE
        await refusing.until(lambda: refusing.status(1) is unavailable)
        site.limit = float("inf")  # while it is paused, the owner answers for it
        pause = PauseSmartCharging(project_id=stage.project.id, paused=True)
        await site.handle.execute_update(SiteWorkflow.pause, pause)
        await refusing.until(lambda: refusing.status(1) is not unavailable)


async def test_a_rectifier_is_limited_in_watts(stage: Stage) -> None:
    async with open_site(stage, chargers=1, amps=63, cable=200, profile=KEMPOWER_SATELLITE) as site:
        (charger,) = site.chargers
        charge(charger)
        await charger.until(lambda: 62 < site.drawn <= 63)


async def test_a_rectifier_that_takes_amperes_alone_cannot_be_limited(stage: Stage) -> None:
    async with open_site(
        stage,
        Fault.TAKES_AMPERES,
        chargers=1,
        amps=63,
        cable=200,
        profile=KEMPOWER_SATELLITE,
        becomes=FeatureState.FAILED,
    ) as site:
        (charger,) = site.chargers
        await until_told(site, charger, "It takes no limit in watts")
        await until_told(site, charger, "connectors 1 and 2 are inoperative")
