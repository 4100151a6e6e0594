"""Withdrawing charge points, and bringing them back."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import insert

from domain.commissioning import AvailabilityOwed, WhoseSerial
from domain.power.facts import SiteQuestion
from storage.catalogue import load_catalogue
from storage.engine import Database
from storage.models.transactions import Transaction
from storage.power_sharing import StoredPowerSharing
from storage.run_records import StoredDirectory, StoredRuns
from storage.withdrawals import Withdrawals
from tests.api.callers import Caller, problem
from tests.api.conftest import Own
from tests.api.node import hold
from tests.api.test_charge_points import run_started
from tests.api.verdicts import judge

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

DEAD = {"reason": "Dead on arrival"}


async def withdraw(installer: Caller, identity: str) -> None:
    answer = await installer.post(f"/charge-points/{identity}/withdraw", DEAD)
    assert answer.status_code == 200, answer.text


async def charging(database: Database, identity: str) -> None:
    at = datetime.now(UTC)
    async with database.write() as connection:
        await connection.execute(
            insert(Transaction).values(
                ocpp_id="1",
                charge_point_id=identity,
                evse_id=1,
                id_tag="FREE",
                started_at=at,
                meter_start=0,
                received_at=at,
            )
        )


class TestWithdraw:
    async def test_anonymous(self, anonymous: Caller) -> None:
        problem(await anonymous.post("/charge-points/cp_x/withdraw", DEAD), 401, "token_missing")

    async def test_it_says_when_by_whom_and_why(self, installer: Caller) -> None:
        project = await installer.project()
        identity = await installer.charge_point(project)
        await withdraw(installer, identity)
        shown = (await installer.get(f"/charge-points/{identity}")).json()
        assert shown["status"] == "withdrawn"
        assert shown["withdrawal"]["by"] == installer.email
        assert shown["withdrawal"]["reason"] == "Dead on arrival"
        assert shown["withdrawal"]["at"]
        page = await installer.get("/charge-points", params={"status": "withdrawn"})
        assert [one["id"] for one in page.json()["items"]] == [identity]
        counts = (await installer.get(f"/projects/{project}")).json()["charge_points"]
        assert counts == {"withdrawn": 1}

    async def test_a_reason_is_needed(self, installer: Caller) -> None:
        identity = await installer.charge_point()
        problem(
            await installer.post(f"/charge-points/{identity}/withdraw", {}), 422, "invalid_input"
        )

    async def test_nothing_of_it_is_changed_any_more(self, installer: Caller) -> None:
        identity = await installer.charge_point()
        await withdraw(installer, identity)
        path = f"/charge-points/{identity}"
        choice = {"parameters": [{"key": "HeartbeatInterval", "value": 30}]}
        problem(await installer.patch(path, {"location": {}}), 409, "withdrawn")
        problem(await installer.post(f"{path}/config/customize", choice), 409, "withdrawn")
        problem(await installer.post(f"/commissioning/{identity}/start", {}), 409, "withdrawn")
        problem(await installer.post(f"{path}/withdraw", DEAD), 409, "withdrawn")

    async def test_its_connection_test_says_so(self, installer: Caller) -> None:
        identity = await installer.charge_point()
        await withdraw(installer, identity)
        tested = (await installer.post(f"/charge-points/{identity}/test-connection")).json()
        assert tested["connected"] is False
        assert "was withdrawn on" in tested["reason"]
        assert "/reinstate" in tested["reason"]

    async def test_its_serial_number_is_free(self, installer: Caller) -> None:
        project = await installer.project()
        first = await installer.charge_point(project)
        await withdraw(installer, first)
        second = await installer.charge_point(project)
        answer = await installer.post(f"/charge-points/{first}/reinstate")
        document = problem(answer, 409, "duplicate_serial")
        assert document["charge_point_id"] == second
        await withdraw(installer, second)
        assert (await installer.post(f"/charge-points/{first}/reinstate")).status_code == 200

    async def test_an_open_run_is_in_the_way(self, installer: Caller, database: Database) -> None:
        project = await installer.project()
        identity = await installer.charge_point(project)
        await run_started(database, project, identity)
        path = f"/charge-points/{identity}/withdraw"
        document = problem(await installer.post(path, DEAD), 409, "run_open")
        assert document["commissioning_id"].startswith("com_")
        # Its workflow has not begun: it is taken back at once.
        answer = await installer.post(path, DEAD | {"end_run": True})
        assert answer.status_code == 200, answer.text
        assert answer.json()["status"] == "withdrawn"

    async def test_a_session_is_in_the_way(self, installer: Caller, database: Database) -> None:
        identity = await installer.charge_point()
        await hold(database, identity, "node_1")
        await charging(database, identity)
        path = f"/charge-points/{identity}/withdraw"
        document = problem(await installer.post(path, DEAD), 409, "charging")
        assert len(document["transaction_ids"]) == 1
        answer = await installer.post(path, DEAD | {"end_run": True})
        assert answer.status_code == 202, answer.text
        assert answer.json()["withdrawal"]["at"] is None
        problem(await installer.post(f"/commissioning/{identity}/start", {}), 409, "withdrawn")
        async with database.write() as connection:
            at = datetime.now(UTC)
            assert not await Withdrawals(connection).complete(identity, at=at)
            await connection.execute(Transaction.__table__.update().values(stopped_at=at))
            assert await Withdrawals(connection).complete(identity, at=at)
        assert (await installer.get(f"/charge-points/{identity}")).json()["status"] == "withdrawn"

    async def test_one_that_died_while_it_charged(
        self, installer: Caller, database: Database
    ) -> None:
        identity = await installer.charge_point()
        await charging(database, identity)
        path = f"/charge-points/{identity}/withdraw"
        problem(await installer.post(path, DEAD), 409, "charging")
        answer = await installer.post(path, DEAD | {"end_run": True})
        assert answer.status_code == 200, answer.text

    async def test_a_withdrawal_that_waits_is_taken_back(
        self, installer: Caller, database: Database
    ) -> None:
        identity = await installer.charge_point()
        await hold(database, identity, "node_1")
        await charging(database, identity)
        await installer.post(f"/charge-points/{identity}/withdraw", DEAD | {"end_run": True})
        answer = await installer.post(f"/charge-points/{identity}/reinstate")
        assert answer.json()["withdrawal"] is None
        async with database.write() as connection:
            assert not await Withdrawals(connection).complete(identity, at=datetime.now(UTC))

    async def test_its_serial_number_is_not_taken_for_another_ones(
        self, installer: Caller, database: Database
    ) -> None:
        """Who reports it is told to correct the number here, not to swap with what is gone."""
        project = await installer.project()
        gone = await installer.charge_point(project)
        here = await installer.charge_point(project, serial_number="OTHER")
        runs = StoredRuns(database, load_catalogue(), now=lambda: datetime.now(UTC))
        question = WhoseSerial(
            project_id=project, charge_point_id=here, serials=("CP-SN-00483921",)
        )
        found = await runs.whose_serial(question)
        assert found is not None
        assert found.charge_point_id == gone
        await withdraw(installer, gone)
        assert await runs.whose_serial(question) is None

    async def test_no_workflow_waits_for_it(self, installer: Caller, database: Database) -> None:
        project = await installer.project()
        identity = await installer.charge_point(project)
        run = await judge(database, identity, project)
        runs = StoredRuns(database, load_catalogue(), now=lambda: datetime.now(UTC))
        directory = StoredDirectory(database, load_catalogue(), now=lambda: datetime.now(UTC))
        owed = AvailabilityOwed(charge_point_id=identity, commissioning_id=run, connector_ids=(1,))
        for withdrawn in (False, True):
            if withdrawn:
                await withdraw(installer, identity)
            assert await runs.is_newest(owed) is not withdrawn
            assert (await directory.locate(identity)).withdrawn is withdrawn


class TestReinstate:
    async def test_anonymous(self, anonymous: Caller) -> None:
        problem(await anonymous.post("/charge-points/cp_x/reinstate"), 401, "token_missing")

    async def test_what_is_not_withdrawn(self, installer: Caller) -> None:
        identity = await installer.charge_point()
        answer = await installer.post(f"/charge-points/{identity}/reinstate")
        problem(answer, 409, "not_withdrawn")

    async def test_its_verdict_counts_again(self, installer: Caller, database: Database) -> None:
        project = await installer.project()
        identity = await installer.charge_point(project)
        await judge(database, identity, project)
        await withdraw(installer, identity)
        answer = await installer.post(f"/charge-points/{identity}/reinstate")
        assert answer.json()["status"] == "commissioned"


class TestTheSite:
    async def test_the_handover_goes_past_it(
        self, installer: Caller, owner: Own, database: Database, engine: None
    ) -> None:
        project = await installer.project()
        good = await installer.charge_point(project)
        dead = await installer.charge_point(project, serial_number="DEAD")
        await judge(database, good, project)
        await owner("facilities@riversidebp.com", project)
        path, body = f"/projects/{project}/complete-handover", {"installer_signature": "J. Smith"}
        blocked = problem(await installer.post(path, body), 409, "handover_blocked")
        assert [one["charge_point_id"] for one in blocked["blockers"]] == [dead]
        await withdraw(installer, dead)
        answer = await installer.post(path, body)
        assert answer.status_code == 200, answer.text
        problem(
            await installer.post(f"/charge-points/{good}/withdraw", DEAD),
            409,
            "project_handed_over",
        )

    async def test_the_site_is_commissioned_without_it(self, installer: Caller) -> None:
        project = await installer.project()
        dead = await installer.charge_point(project, serial_number="DEAD")
        await withdraw(installer, dead)
        problem(
            await installer.post(f"/projects/{project}/commission", {}), 409, "no_charge_points"
        )
        await installer.charge_point(project)
        named = {"charge_point_ids": [dead]}
        answer = await installer.post(f"/projects/{project}/commission", named)
        assert problem(answer, 409, "withdrawn")["charge_point_ids"] == [dead]
        answer = await installer.post(f"/projects/{project}/commission", {})
        assert answer.json()["total"] == 1
        assert answer.json()["withdrawn"] == 1

    async def test_it_takes_no_power(self, installer: Caller, database: Database) -> None:
        project = await installer.project()
        dead = await installer.charge_point(project)
        await withdraw(installer, dead)
        sites = StoredPowerSharing(database, load_catalogue(), now=lambda: datetime.now(UTC))
        assert (await sites.read_site(SiteQuestion(project_id=project))).stations == ()

    async def test_the_sites_certificate_lists_it(
        self, installer: Caller, database: Database
    ) -> None:
        project = await installer.project()
        good = await installer.charge_point(project)
        dead = await installer.charge_point(project, serial_number="DEAD")
        await judge(database, good, project)
        await withdraw(installer, dead)
        answer = await installer.get(f"/projects/{project}/report", headers={"Accept": "text/html"})
        assert answer.status_code == 200, answer.text
        assert "1 of 1 passed, 1 withdrawn" in answer.text
        assert f"by {installer.email}: Dead on arrival." in answer.text
