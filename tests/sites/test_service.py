"""A charge point of a live site is commissioned once more, while drivers charge beside it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Row, select
from sqlmodel import col
from temporalio.client import WorkflowExecutionStatus

from domain.audit import OPERATOR
from domain.commissioning import CancelRequest, RunOptions
from domain.power.facts import SiteLoad
from domain.power.reasons import Reason
from domain.states import FeatureState, RunStatus, WaitingFor
from domain.withdrawals import WithdrawalOrder
from simulator import Fault, VirtualChargePoint
from storage.charge_points import ChargePoints, is_withdrawn
from storage.models.transactions import Transaction
from storage.withdrawals import Withdrawals
from temporal.reconciler import Reconciler
from tests.faults.stage import PATIENT, Run, Stage
from tests.sites.site import MAX_AMPS, Site, amps_of, charge, open_site
from tests.support.eventually import eventually
from workflows.commissioning import CommissioningWorkflow
from workflows.site import SiteWorkflow

pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]


_ABSENT = Fault.START_ACCEPTED_NOTHING_FOLLOWS


def _reason(load: SiteLoad, charge_point_id: str) -> Reason:
    reasons = {one.charge_point_id: one.reason for one in load.stations}
    assert charge_point_id in reasons, "a site that has just begun knows none yet"
    return reasons[charge_point_id]


async def _until_it_waits(run: Run, *what: WaitingFor) -> None:
    async def waits() -> None:
        view = await run.handle.query(CommissioningWorkflow.status)
        assert view.waiting is not None
        assert view.waiting.waiting_for in what

    await eventually(waits)


async def _until_it_shares_again(site: Site, charge_point_id: str) -> None:
    async def shares() -> None:
        assert _reason(await site.load(), charge_point_id) is Reason.STARTS_AT_ZERO
        assert (await site.status()).state is FeatureState.ACTIVE

    await eventually(shares)


async def test_the_others_make_room_for_the_test_charge_and_have_all_again(stage: Stage) -> None:
    async with open_site(stage, chargers=2, amps=40) as site:
        other, served = site.chargers
        charge(other)
        await site.until_allotted([MAX_AMPS, 0])
        run = await stage.start(served.identity)
        verdict = await stage.verdict(run)
        assert verdict.status is RunStatus.COMPLETED, verdict.failure
        await site.until_allotted([MAX_AMPS, 0])
        await _until_it_shares_again(site, served.identity)
        assert (20, 20) in site.seen, "both charge, each with its share"
        charge(served)
        await site.until_allotted([20, 20])


async def test_one_that_forgets_its_limits_in_its_run_is_told_them_anew(stage: Stage) -> None:
    faults = Fault.FORGETS_PROFILES, Fault.START_ACCEPTED_NOTHING_FOLLOWS
    async with open_site(stage, *faults, chargers=2, amps=40) as site:
        other, served = site.chargers
        charge(other)
        await site.until_allotted([MAX_AMPS, 0])
        run = await stage.start(served.identity)
        await _until_it_waits(run, WaitingFor.VEHICLE, WaitingFor.START)
        await site.until_allotted([20, 0])
        before = served.received["SetChargingProfile"]
        served.power_cycle()

        async def told_anew() -> None:
            assert served.received["SetChargingProfile"] > before

        await eventually(told_anew)
        served.clear_fault(Fault.START_ACCEPTED_NOTHING_FOLLOWS)
        served.plug_in()
        verdict = await stage.verdict(run)
        assert verdict.status is RunStatus.COMPLETED, verdict.failure
        assert (20, 20) in site.seen
        await site.until_allotted([MAX_AMPS, 0])
        await _until_it_shares_again(site, served.identity)


async def test_a_cancelled_run_gives_its_charge_point_back(stage: Stage) -> None:
    async with open_site(stage, chargers=2, amps=40) as site:
        other, served = site.chargers
        await _commissioned(stage, served)
        charge(other)
        await site.until_allotted([MAX_AMPS, 0])
        run = await _until_a_vehicle_is_awaited(stage, served)
        status = await site.until_it_is(FeatureState.ACTIVATING)
        (told,) = status.charge_points
        assert told.charge_point_id == served.identity
        assert "being serviced: a run tests it" in (told.cause or "")
        assert _reason(await site.load(), served.identity) is Reason.IN_SERVICE
        await run.handle.execute_update(CommissioningWorkflow.cancel, CancelRequest(by="Alex"))
        assert (await stage.verdict(run)).status is RunStatus.CANCELLED
        await _until_it_shares_again(site, served.identity)
        await site.until_allotted([MAX_AMPS, 0])


async def test_a_worker_dies_in_the_middle_and_so_does_the_link(stage: Stage) -> None:
    async with open_site(stage, chargers=2, amps=40) as site:
        other, served = site.chargers
        charge(other)
        await site.until_allotted([MAX_AMPS, 0])
        run = await _until_a_vehicle_is_awaited(stage, served)
        await site.until_allotted([20, 0])
        await stage.work_anew()
        served.clear_fault(_ABSENT)
        await site.darken(1)
        await site.until_offline(served)
        await site.relight(1)
        served.plug_in()
        verdict = await stage.verdict(run)
        assert verdict.status is RunStatus.COMPLETED, verdict.failure
        await stage.work_anew()
        served.unplug()
        await site.until_allotted([MAX_AMPS, 0])
        await _until_it_shares_again(site, served.identity)


async def test_a_site_that_temporal_has_lost_begins_anew_beside_a_run(stage: Stage) -> None:
    async with open_site(stage, chargers=2, amps=40) as site:
        other, served = site.chargers
        charge(other)
        await site.until_allotted([MAX_AMPS, 0])
        run = await _until_a_vehicle_is_awaited(stage, served)
        await site.until_allotted([20, 0])
        await site.handle.terminate("it lost its data")
        reconciler = _reconciler(stage)

        async def goes_on() -> None:
            await (
                reconciler.reconcile()
            )  # Temporal's list may not know of the end at the first look
            assert (await site.handle.describe()).status is WorkflowExecutionStatus.RUNNING
            assert _reason(await site.load(), served.identity) is Reason.IN_SERVICE

        await eventually(goes_on)
        served.clear_fault(_ABSENT)
        served.plug_in()
        verdict = await stage.verdict(run)
        assert verdict.status is RunStatus.COMPLETED, verdict.failure
        served.unplug()
        await site.until_allotted([MAX_AMPS, 0])
        await _until_it_shares_again(site, served.identity)


async def test_a_run_that_was_terminated_has_it_no_more(stage: Stage) -> None:
    async with open_site(stage, chargers=1, amps=20) as site:
        (served,) = site.chargers
        await _commissioned(stage, served)
        run = await _until_a_vehicle_is_awaited(stage, served)
        await run.handle.terminate("as nobody should")
        reconciler = _reconciler(stage)

        async def shares() -> None:
            await reconciler.reconcile()
            assert _reason(await site.load(), served.identity) is Reason.STARTS_AT_ZERO

        await eventually(shares)


async def test_a_session_that_the_run_is_to_end_is_ended_and_due(stage: Stage) -> None:
    async with open_site(stage, chargers=2, amps=40) as site:
        other, served = site.chargers
        charge(other)
        charge(served)
        await site.until_allotted([20, 20])
        options = RunOptions(wait_for_connection=timedelta(seconds=15), stop_sessions=True)
        run = await stage.start(served.identity, options=options)

        async def ended() -> None:
            rows = await _transactions(stage, served.identity)
            assert rows[0].stopped_at is not None
            assert rows[0].commissioning_id is None

        await eventually(ended)
        served.unplug()
        verdict = await stage.verdict(run)
        assert verdict.status is RunStatus.COMPLETED, verdict.failure
        first, *tests = await _transactions(stage, served.identity)
        assert first.stop_reason == "Remote"
        assert {row.commissioning_id for row in tests} == {run.commissioning_id}
        await site.until_allotted([MAX_AMPS, 0])


async def test_drivers_are_refused_there_while_it_is_serviced(stage: Stage) -> None:
    async with open_site(stage, chargers=2, amps=40) as site:
        other, served = site.chargers
        await _commissioned(stage, served)
        tests = len(await _transactions(stage, served.identity))
        asked = served.sent["Authorize"]
        await _until_a_vehicle_is_awaited(stage, served)
        served.present_card("DRIVER", 1)
        charge(other)
        await site.until_allotted([20, 0])
        assert served.sent["Authorize"] == asked + 1
        assert len(await _transactions(stage, served.identity)) == tests


class TestLeaving:
    async def test_it_can_draw_no_more_before_its_socket_is_cut(self, stage: Stage) -> None:
        async with open_site(stage, chargers=2, amps=40) as site:
            other, leaves = site.chargers
            charge(other)
            charge(leaves)
            await site.until_allotted([20, 20])
            await _withdraw(stage, leaves.identity)
            await _reconciler(stage).reconcile()  # nobody else has told the site
            await site.until_allotted([MAX_AMPS, 0])
            await _until_withdrawn(stage, leaves.identity)
            assert leaves.status(1) == "Unavailable"
            assert [row.stop_reason for row in await _transactions(stage, leaves.identity)] == [
                "Remote"
            ]
            assert [one.charge_point_id for one in (await site.load()).stations] == [other.identity]

    async def test_one_that_is_dark_is_counted_until_it_is_isolated(self, stage: Stage) -> None:
        async with open_site(stage, chargers=2, amps=40) as site:
            other, leaves = site.chargers
            charge(other)
            charge(leaves)
            await site.until_allotted([20, 20])
            await site.darken(1)
            await site.until_offline(leaves)
            await _withdraw(stage, leaves.identity)
            await site.handle.signal(SiteWorkflow.look_again, leaves.identity)

            async def counted() -> None:
                assert _reason(await site.load(), leaves.identity) is Reason.LEAVING

            await eventually(counted)
            assert [round(amps_of(one)) for one in site.chargers] == [20, 20]
            leaves.unplug()  # an electrician cuts it off
            await _withdraw(stage, leaves.identity, isolated=True)
            await site.handle.signal(SiteWorkflow.look_again, leaves.identity)
            await _until_withdrawn(stage, leaves.identity)
            await site.until_allotted([MAX_AMPS, 0])
            (row,) = await _transactions(stage, leaves.identity)
            assert row.superseded


async def test_one_that_is_new_joins_once_its_run_has_passed(stage: Stage) -> None:
    async with open_site(stage, chargers=1, amps=40) as site:
        (other,) = site.chargers
        charge(other)
        await site.until_allotted([MAX_AMPS])
        async with stage.powered(seed=7, listener=site.look) as new:
            site.chargers.append(new)
            await site.handle.signal(SiteWorkflow.look_again, new.identity)
            run = await stage.start(new.identity)
            verdict = await stage.verdict(run)
            assert verdict.status is RunStatus.COMPLETED, verdict.failure
            await site.until_allotted([MAX_AMPS, 0])
            await _until_it_shares_again(site, new.identity)
            charge(new)
            await site.until_allotted([20, 20])


async def test_one_that_is_new_is_kept_inoperative_before_its_run(stage: Stage) -> None:
    async with open_site(stage, chargers=1, amps=40) as site:
        (other,) = site.chargers
        charge(other)
        await site.until_allotted([MAX_AMPS])
        async with stage.powered(seed=7, listener=site.look) as new:
            site.chargers.append(new)
            await site.handle.signal(SiteWorkflow.look_again, new.identity)

            async def closed() -> None:
                assert new.status(1) == "Unavailable"
                assert _reason(await site.load(), new.identity) is Reason.NOT_COMMISSIONED

            await eventually(closed)
            await site.until_allotted([MAX_AMPS, 0])


def _reconciler(stage: Stage) -> Reconciler:
    return Reconciler(
        stage.client, stage.database, now=lambda: datetime.now(UTC), task_queue=stage.task_queue
    )


async def _commissioned(stage: Stage, charger: VirtualChargePoint) -> None:
    verdict = await stage.verdict(await stage.start(charger.identity))
    assert verdict.status is RunStatus.COMPLETED, verdict.failure


async def _until_a_vehicle_is_awaited(stage: Stage, charger: VirtualChargePoint) -> Run:
    """Start a run there, for which no vehicle comes."""
    charger.add_fault(_ABSENT)
    pace = replace(PATIENT, vehicle=timedelta(minutes=2))
    run = await stage.start(charger.identity, pace=pace)
    await _until_it_waits(run, WaitingFor.VEHICLE, WaitingFor.START)
    return run


async def _transactions(stage: Stage, charge_point_id: str) -> list[Row[Any]]:
    query = (
        select(Transaction.__table__)
        .where(col(Transaction.charge_point_id) == charge_point_id)
        .order_by(col(Transaction.id))
    )
    async with stage.database.read() as connection:
        return list(await connection.execute(query))


async def _withdraw(stage: Stage, charge_point_id: str, *, isolated: bool = False) -> None:
    order = WithdrawalOrder(
        reason="It is dead", by=OPERATOR, asked_at=datetime.now(UTC), isolated=isolated
    )
    async with stage.database.write() as connection:
        charge_point = await ChargePoints(connection).in_project(charge_point_id, stage.project.id)
        assert not await Withdrawals(connection).withdraw(charge_point, order, end_run=True)


async def _until_withdrawn(stage: Stage, charge_point_id: str) -> None:
    async def withdrawn() -> None:
        async with stage.database.read() as connection:
            assert await is_withdrawn(connection, charge_point_id)

    await eventually(withdrawn)
