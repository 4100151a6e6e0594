"""Commissioning a whole project over HTTP."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import select, update
from sqlmodel import col
from temporalio.client import Client

from api.temporal import TemporalGateway
from domain.batch import WaitNote
from domain.checks import Waiting
from domain.ids import Prefix, new_id
from domain.names import batch_workflow_id
from domain.states import ChargePointStatus, ProjectStatus, RunStatus, WaitingFor
from embedded.ports import free_port
from storage.batch_records import StoredBatches
from storage.catalogue import load_catalogue
from storage.engine import Database
from storage.models.charge_points import ChargePoint
from storage.models.connections import ConnectionAttempt
from storage.models.projects import Project as ProjectRow
from storage.models.runs import Batch, CommissioningRun
from storage.runs import Runs
from temporal.client import DATA_CONVERTER
from tests.api.callers import Caller, fields, problem
from tests.api.test_commissioning import failed
from tests.support.eventually import eventually

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
AT = datetime(2026, 5, 1, 9, 35, tzinfo=UTC)


class Project:
    """A project of the installer's, with charge points."""

    def __init__(self, installer: Caller, database: Database, project_id: str) -> None:
        self.installer = installer
        self.database = database
        self.id = project_id

    async def add(self, number: int) -> list[str]:
        return [
            await self.installer.charge_point(self.id, serial_number=new_id(Prefix.EVENT))
            for _ in range(number)
        ]

    async def post(self, body: Any = None) -> Any:
        return await self.installer.post(f"/projects/{self.id}/commission", body)

    async def cancel(self, body: Any = None) -> Any:
        return await self.installer.post(f"/projects/{self.id}/commissioning/cancel", body)

    async def get(self, **params: Any) -> Any:
        return await self.installer.get(f"/projects/{self.id}/commissioning", params=params)

    async def set_status(self, status: ChargePointStatus, *ids: str) -> None:
        async with self.database.write() as connection:
            await connection.execute(
                update(ChargePoint).where(col(ChargePoint.id).in_(ids)).values(status=status)
            )

    async def begin(self) -> list[str]:
        """Commit to the first runs, as the workflow's first step does; their charge points."""
        step = await StoredBatches(self.database, load_catalogue(), now=lambda: AT).advance(self.id)
        return [run.request.charge_point_id for run in step.start]

    async def run_of(self, charge_point: str) -> str:
        async with self.database.read() as connection:
            run = await Runs(connection).latest(charge_point)
        assert run is not None
        return run.request.commissioning_id

    async def fail(self, charge_point: str) -> None:
        run = await self.run_of(charge_point)
        async with self.database.write() as connection:
            await Runs(connection).finish(failed(charge_point, run))

    async def wait(self, charge_point: str, waiting_for: WaitingFor) -> None:
        note = WaitNote(
            commissioning_id=await self.run_of(charge_point),
            charge_point_id=charge_point,
            number=1,
            waiting=Waiting(
                waiting_for=waiting_for,
                since=AT,
                until=AT + timedelta(minutes=15),
                prompt="Do something.",
            ),
        )
        async with self.database.write() as connection:
            await Runs(connection).note_wait(note)


@pytest.fixture
async def project(installer: Caller, database: Database) -> Project:
    return Project(installer, database, await installer.project())


def away(app: FastAPI) -> None:
    """Take Temporal away from the API."""
    port = free_port()

    async def connect() -> Client:
        return await Client.connect(f"127.0.0.1:{port}", data_converter=DATA_CONVERTER)

    app.state.parts = replace(app.state.parts, temporal=TemporalGateway(connect))


class TestStart:
    async def test_anonymous(self, anonymous: Caller) -> None:
        problem(await anonymous.post("/projects/prj_x/commission", {}), 401, "token_missing")

    async def test_starts(self, project: Project, temporal_client: Client) -> None:
        await project.add(3)
        answer = await project.post({"max_parallel": 2, "wait_for_connection": "PT8H"})
        assert answer.status_code == 202, answer.text
        body = answer.json()
        assert body.pop("batch_id").startswith("bat_")
        assert body.pop("started_at").endswith("Z")
        assert body == {
            "project_id": project.id,
            "status": "in_progress",
            "total": 3,
            "withdrawn": 0,
            "max_parallel": 2,
        }
        handle = temporal_client.get_workflow_handle(batch_workflow_id(project.id))
        description = await handle.describe()
        assert await description.static_summary() == "Commission Riverside Business Park"
        shown = {pair.key.name: pair.value for pair in description.typed_search_attributes}
        assert shown["ProjectId"] == project.id

    async def test_each_run_is_as_a_single_start_makes_it(
        self, project: Project, database: Database
    ) -> None:
        (one,) = await project.add(1)
        await project.post({"run_test_transaction": False, "skip_reason": "No vehicle on site"})
        await project.begin()
        async with database.read() as connection:
            run = await Runs(connection).latest(one)
        assert run is not None
        assert run.status is RunStatus.STARTING
        assert run.request.options.skip_reason == "No vehicle on site"
        assert run.request.started_by == project.installer.email
        assert run.request.from_scratch
        status = (await project.installer.get(f"/commissioning/{one}/status")).json()
        assert status["status"] == "in_progress"

    async def test_a_second_one_names_the_first(self, project: Project) -> None:
        await project.add(1)
        first = (await project.post()).json()["batch_id"]
        assert problem(await project.post(), 409, "batch_open")["batch_id"] == first

    async def test_an_empty_project(self, project: Project) -> None:
        problem(await project.post(), 409, "no_charge_points")
        problem(await project.get(), 404, "no_batch")

    async def test_all_commissioned_already(self, project: Project) -> None:
        await project.set_status(ChargePointStatus.COMMISSIONED, *await project.add(2))
        refused = problem(await project.post({"only": "all"}), 409, "nothing_to_commission")
        assert "None of the project's 2 charge points is to be commissioned." in refused["detail"]
        answer = await project.post({"only": "all", "from_scratch": True})
        assert answer.json()["total"] == 2

    async def test_one_that_is_withdrawn_while_it_is_queued(self, project: Project) -> None:
        await project.add(3)
        await project.post({"max_parallel": 1})
        (first,) = await project.begin()
        page = (await project.installer.get("/charge-points")).json()["items"]
        queued = sorted(one["id"] for one in page if one["id"] != first)
        answer = await project.installer.post(
            f"/charge-points/{queued[0]}/withdraw", {"reason": "The bay is dropped"}
        )
        assert answer.json()["status"] == "withdrawn"
        await project.fail(first)
        assert await project.begin() == []
        assert await project.begin() == [queued[1]]
        counts = (await project.get()).json()["counts"]
        assert (counts["cancelled"], counts["in_progress"], counts["queued"]) == (1, 1, 0)

    async def test_only_the_failed_ones(self, project: Project) -> None:
        one, *_ = await project.add(3)
        problem(await project.post({"only": "failed"}), 409, "nothing_to_commission")
        await project.set_status(ChargePointStatus.COMMISSIONING_FAILED, one)
        assert (await project.post({"only": "failed"})).json()["total"] == 1
        assert await project.begin() == [one]

    async def test_only_the_named_ones(self, project: Project, stranger: Caller) -> None:
        one, *_ = await project.add(3)
        theirs = await stranger.charge_point()
        answer = await project.post({"charge_point_ids": [one, theirs]})
        problem(answer, 404, "charge_point_not_found")
        assert (await project.post({"charge_point_ids": [one]})).json()["total"] == 1

    async def test_a_handed_over_project(self, project: Project, database: Database) -> None:
        await project.add(1)
        async with database.write() as connection:
            await connection.execute(
                update(ProjectRow)
                .where(col(ProjectRow.id) == project.id)
                .values(status=ProjectStatus.HANDED_OVER)
            )
        problem(await project.post(), 409, "project_handed_over")

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"max_parallel": 0}, "max_parallel"),
            ({"max_parallel": 101}, "max_parallel"),
            ({"max_parallel": "10"}, "max_parallel"),
            ({"only": "new"}, "only"),
            ({"charge_point_ids": []}, "charge_point_ids"),
            ({"charge_point_ids": ["x"], "only": "all"}, "only"),
            ({"from_scratch": 1}, "from_scratch"),
            ({"wait_for_connection": "P31D"}, "wait_for_connection"),
            ({"skip_reason": "No vehicle"}, "skip_reason"),
            ({"parallel": 3}, "parallel"),
        ],
    )
    async def test_a_wrong_field_is_named(
        self, project: Project, body: dict[str, Any], field: str
    ) -> None:
        await project.add(1)
        assert fields(problem(await project.post(body), 422, "invalid_input")) == {field}

    async def test_without_temporal_nothing_is_written(
        self, app: FastAPI, project: Project, database: Database
    ) -> None:
        await project.add(1)
        away(app)
        answer = await project.post()
        problem(answer, 503, "temporal_unavailable")
        assert int(answer.headers["retry-after"]) > 0
        async with database.read() as connection:
            assert (await connection.execute(select(Batch.__table__))).all() == []

    async def test_when_temporal_goes_in_between_it_is_taken_back(
        self,
        app: FastAPI,
        project: Project,
        database: Database,
        monkeypatch: pytest.MonkeyPatch,
        gateway: TemporalGateway,
    ) -> None:
        await project.add(1)
        away(app)

        async def believed() -> None:
            """The cached answer of a moment ago."""

        monkeypatch.setattr(app.state.parts.temporal, "check", believed)
        problem(await project.post(), 503, "temporal_unavailable")
        async with database.read() as connection:
            assert (await connection.scalars(select(col(Batch.status)))).all() == ["abandoned"]
            assert (await connection.execute(select(CommissioningRun.__table__))).all() == []
        problem(await project.get(), 404, "no_batch")
        app.state.parts = replace(app.state.parts, temporal=gateway)
        assert (await project.post()).status_code == 202


class TestStatus:
    async def test_anonymous(self, anonymous: Caller) -> None:
        problem(await anonymous.get("/projects/prj_x/commissioning"), 401, "token_missing")

    async def test_without_a_worker_or_temporal(self, app: FastAPI, project: Project) -> None:
        """The rows tell all of it."""
        await project.add(2)
        started = (await project.post()).json()
        away(app)
        answer = await project.get()
        assert answer.status_code == 200, answer.text
        assert answer.json() == {
            "batch_id": started["batch_id"],
            "project_id": project.id,
            "status": "in_progress",
            "started_at": started["started_at"],
            "started_by": project.installer.email,
            "completed_at": None,
            "cancelled_by": None,
            "cancel_reason": None,
            "max_parallel": 10,
            "counts": {
                "total": 2,
                "queued": 2,
                "in_progress": 0,
                "waiting": 0,
                "passed": 0,
                "failed": 0,
                "cancelled": 0,
                "kept": 0,
            },
            "needs_a_person": {"items": [], "next_cursor": None},
        }

    async def test_who_needs_a_person_and_why(self, project: Project, database: Database) -> None:
        ids = sorted(await project.add(3))
        await project.post()
        await project.begin()
        bad, dark, bare = ids
        await project.fail(bad)
        await project.wait(dark, WaitingFor.CONNECTION)
        await project.wait(bare, WaitingFor.VEHICLE)
        async with database.write() as connection:
            for at, reason in (
                (AT - timedelta(days=1), "Before the run."),
                (AT + timedelta(minutes=1), "Wrong password."),
            ):
                await connection.execute(
                    ConnectionAttempt.__table__.insert().values(
                        identity=dark, identity_key=dark, at=at, code="x", reason=reason
                    )
                )
        answer = (await project.get()).json()
        assert answer["counts"]["failed"] == 1
        assert answer["counts"]["waiting"] == 2
        items = answer["needs_a_person"]["items"]
        assert [item["charge_point_id"] for item in items] == ids
        assert items[0]["status"] == "failed"
        assert items[0]["place"] == "Bay 3, Car Park A, Riverside Business Park"
        assert items[0]["failure"] == {
            "code": "connector_faulted",
            "cause": "Connector 1 is faulted.",
            "action": "Mend it.",
            "claim": None,
        }
        assert items[0]["since"] == "2026-05-01T09:37:00Z"
        assert items[0]["waiting"] is None
        assert items[1]["waiting_for"] == "connection"
        assert items[1]["waiting"] == {
            "since": "2026-05-01T09:35:00Z",
            "until": "2026-05-01T09:50:00Z",
            "prompt": "Do something.",
            "likely_cause": "Wrong password.",
            "claim": None,
            "answers": [],
        }
        assert items[1]["failure"] is None
        assert items[2]["waiting_for"] == "vehicle"
        assert items[2]["waiting"]["likely_cause"] is None

    async def test_the_list_is_paged(self, project: Project) -> None:
        ids = sorted(await project.add(5))
        await project.post()
        await project.begin()
        for identity in ids:
            await project.fail(identity)
        seen: list[str] = []
        cursor: dict[str, str] = {}
        for size in (2, 2, 1):
            page = (await project.get(limit=2, **cursor)).json()["needs_a_person"]
            assert len(page["items"]) == size
            seen += [item["charge_point_id"] for item in page["items"]]
            cursor = {"cursor": page["next_cursor"]}
        assert cursor == {"cursor": None}
        assert seen == ids
        problem(await project.get(cursor="x"), 422, "invalid_cursor")


class TestCancel:
    async def test_anonymous(self, anonymous: Caller) -> None:
        answer = await anonymous.post("/projects/prj_x/commissioning/cancel")
        problem(answer, 401, "token_missing")

    async def test_nothing_is_open(self, project: Project) -> None:
        problem(await project.cancel(), 409, "no_open_batch")

    async def test_cancels(self, project: Project, engine: None) -> None:
        ids = await project.add(3)
        await project.post({"max_parallel": 1})

        async def all_wait() -> None:  # dark ones make room for each other
            assert (await project.get()).json()["counts"]["waiting"] == 3

        await eventually(lambda: all_wait())  # noqa: PLW0108 - its type is then known
        need = (await project.get()).json()["needs_a_person"]["items"]
        assert {item["charge_point_id"] for item in need} == set(ids)
        answer = await project.cancel({"reason": "rain"})
        assert answer.status_code == 202
        assert answer.json()["status"] == "in_progress"

        async def is_cancelled() -> None:
            shown = (await project.get()).json()
            assert shown["status"] == "cancelled", shown

        await eventually(lambda: is_cancelled())  # noqa: PLW0108 - its type is then known
        shown = (await project.get()).json()
        assert shown["counts"]["cancelled"] == 3
        assert (shown["cancelled_by"], shown["cancel_reason"]) == (project.installer.email, "rain")
        assert shown["needs_a_person"]["items"] == []
        one = (await project.installer.get(f"/commissioning/{ids[0]}/status")).json()
        assert one["status"] == "cancelled"
        problem(await project.cancel(), 409, "no_open_batch")

    async def test_without_temporal(self, app: FastAPI, project: Project) -> None:
        await project.add(1)
        await project.post()
        away(app)
        problem(await project.cancel(), 503, "temporal_unavailable")
        shown = (await project.get()).json()
        assert shown["cancelled_by"] is None
