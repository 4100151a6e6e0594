"""A service visit at a live site, by the API: a session is ended, a unit replaced."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlmodel import col

from domain.audit import ENGINE
from domain.ids import Prefix, new_id
from domain.names import commissioning_workflow_id
from domain.power.reasons import Reason
from domain.states import FeatureState, RunStatus, TransactionBilling
from storage.billing_activation import BillingActivation
from storage.models.projects import Project
from storage.models.transactions import Transaction
from storage.service_visits import ServiceVisit, ServiceVisits
from storage.tariffs import Tariffs
from tests.api.callers import problem
from tests.faults.stage import Run, Stage
from tests.sites.site import MAX_AMPS, charge, open_site
from tests.support.billing import energy_tariff, stored_tariff
from tests.support.eventually import eventually
from workflows.commissioning import CommissioningWorkflow

pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]


async def _visit(stage: Stage) -> datetime:
    """Open the site to its installer again, and bill; returns the visit's end."""
    now = datetime.now(UTC)
    ends_at = now + timedelta(hours=8)
    await stage.owner()
    async with stage.database.write() as connection:
        owner = await connection.scalar(select(col(Project.site_owner_id)))
        visit = ServiceVisit(
            id=new_id(Prefix.SERVICE_VISIT),
            project_id=stage.project.id,
            opened_by=owner or "",
            opened_at=now,
            ends_at=ends_at,
            purpose="Bay 2 is dead",
            all_charge_points=True,
            email=stage.installer.email,
            invitation_id=new_id(Prefix.INVITATION),
        )
        visits = ServiceVisits(connection)
        await visits.open(visit, charge_point_ids=None, by=ENGINE)
        await visits.accept(visit.id, account_id=stage.installer.id, by=ENGINE, at=now)
        tariff = stored_tariff(energy_tariff("0.36"), valid_from=now - timedelta(hours=1))
        await Tariffs(connection, stage.project.id).add(
            replace(tariff, set_by=stage.installer.id), by=ENGINE
        )
        await BillingActivation(connection, stage.project.id).activate(at=now - timedelta(hours=1))
    return ends_at


async def _started(stage: Stage, charge_point_id: str, body: dict[str, object]) -> Run:
    answer = await stage.front.post(f"/commissioning/{charge_point_id}/start", body)
    assert answer.status_code == 202, answer.text
    return Run(
        commissioning_id=answer.json()["commissioning_id"],
        charge_point_id=charge_point_id,
        handle=stage.client.get_workflow_handle_for(
            CommissioningWorkflow.run, commissioning_workflow_id(charge_point_id)
        ),
    )


async def test_a_session_is_ended_and_billed_and_the_test_charge_is_not(stage: Stage) -> None:
    async with open_site(stage, chargers=2, amps=40) as site:
        other, served = site.chargers
        ends_at = await _visit(stage)
        charge(other)
        charge(served)
        await site.until_allotted([20, 20])
        path = f"/commissioning/{served.identity}/start"
        refused = problem(await stage.front.post(path, {}), 409, "charging")
        (session,) = refused["transaction_ids"]
        run = await _started(stage, served.identity, {"stop_sessions": True})
        status = await site.until_it_is(FeatureState.ACTIVATING)
        (told,) = status.charge_points
        assert f"being serviced until {ends_at:%Y-%m-%d %H:%M} UTC" in (told.cause or "")

        async def ended() -> None:
            async with stage.database.read() as connection:
                query = select(col(Transaction.stopped_at)).where(
                    col(Transaction.ocpp_id) == session
                )
                assert await connection.scalar(query) is not None

        await eventually(ended)
        served.unplug()
        verdict = await stage.verdict(run)
        assert verdict.status is RunStatus.COMPLETED, verdict.failure

        async def billed() -> None:
            async with stage.database.read() as connection:
                rows = await connection.execute(
                    select(Transaction.__table__).where(
                        col(Transaction.charge_point_id) == served.identity
                    )
                )
                marks = {row.ocpp_id: row.billing for row in rows}
            assert marks.pop(session) in {TransactionBilling.BILLED, TransactionBilling.HELD}
            assert marks
            assert set(marks.values()) <= {None, TransactionBilling.EXEMPT}

        await eventually(billed)
        await site.until_allotted([MAX_AMPS, 0])


async def test_a_unit_is_replaced_and_the_site_keeps_its_limit(stage: Stage) -> None:
    async with open_site(stage, chargers=2, amps=40) as site:
        other, old = site.chargers
        await _visit(stage)
        charge(other)
        charge(old)
        await site.until_allotted([20, 20])
        answer = await stage.front.post(
            f"/charge-points/{old.identity}/replace", {"serial_number": "NEW-1", "end_run": True}
        )
        assert answer.status_code == 201, answer.text
        new = answer.json()["charge_point"]["id"]
        assert answer.json()["replaced"]["withdrawal"]["at"] is None, "it still draws"

        async def withdrawn() -> None:
            shown = (await stage.front.get(f"/charge-points/{old.identity}")).json()
            assert shown["status"] == "withdrawn"

        await eventually(withdrawn)
        assert old.status(1) == "Unavailable"
        await site.until_allotted([MAX_AMPS, 0])
        async with stage.switched_on(new, serial="NEW-1", seed=9, listener=site.look) as unit:
            site.chargers.append(unit)
            run = await _started(stage, new, {})
            verdict = await stage.verdict(run)
            assert verdict.status is RunStatus.COMPLETED, verdict.failure
            await site.until_it_is(FeatureState.ACTIVE)
            charge(unit)
            await site.until_allotted([20, 20, 0])
            reasons = {one.charge_point_id: one.reason for one in (await site.load()).stations}
            assert reasons.keys() == {other.identity, new}
            assert Reason.NOT_COMMISSIONED not in reasons.values()
