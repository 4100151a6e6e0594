import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlmodel import col
from temporalio.client import Client

from domain.checks import CheckRecord, Failure, RunView, Step
from domain.ids import Prefix, new_id
from domain.names import commissioning_workflow_id
from domain.states import CheckName, CheckResult, RunStatus
from storage.engine import Database
from storage.fact_records import Oddity
from storage.irregularities import store_oddities
from storage.models.facts import LogEntry
from storage.models.runs import CommissioningRun
from storage.runs import Runs
from tests.api.callers import Caller, fields, problem
from tests.support.eventually import eventually

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
AT = datetime(2026, 5, 1, 9, 35, tzinfo=UTC)


def failed(charge_point: str, run: str) -> RunView:
    """A run whose connector was faulted."""
    handshake = CheckRecord(
        name=CheckName.OCPP_HANDSHAKE,
        result=CheckResult.PASSED,
        steps=(
            Step(
                name="identity",
                result=CheckResult.PASSED,
                at=AT,
                detail="Serial number matches.",
                evidence={"serial": "CP-SN-00483921"},
            ),
        ),
        evidence={"ping_ms": 20.5},
        started_at=AT,
        ended_at=AT + timedelta(seconds=2, milliseconds=250),
    )
    failure = Failure(code="connector_faulted", cause="Connector 1 is faulted.", action="Mend it.")
    connector = CheckRecord(
        name=CheckName.CONNECTOR_AVAILABLE, result=CheckResult.FAILED, failure=failure
    )
    return RunView(
        commissioning_id=run,
        charge_point_id=charge_point,
        status=RunStatus.FAILED,
        checks=(
            handshake,
            CheckRecord(name=CheckName.FIRMWARE_VERSION, result=CheckResult.PASSED),
            connector,
            CheckRecord(
                name=CheckName.TEST_TRANSACTION,
                result=CheckResult.SKIPPED,
                skip_reason="A check before it failed.",
            ),
        ),
        started_at=AT,
        completed_at=AT + timedelta(minutes=2),
        failure=failure,
        started_by="installer@acme.com",
    )


async def cancelled(installer: Caller, identity: str) -> None:
    assert (await installer.post(f"/commissioning/{identity}/cancel")).status_code == 202

    async def is_so() -> None:
        status = (await installer.get(f"/commissioning/{identity}/status")).json()
        assert status["status"] == "cancelled", status

    await eventually(lambda: is_so())  # noqa: PLW0108 - its type is then known


async def fail(database: Database, installer: Caller, identity: str) -> str:
    """Leave a run with that verdict; no worker runs, so no workflow answers for it."""
    answer = await installer.post(f"/commissioning/{identity}/start", {"notify_on_complete": True})
    run = str(answer.json()["commissioning_id"])
    async with database.write() as connection:
        await Runs(connection).finish(failed(identity, run))
    return run


async def terminate(client: Client, identity: str) -> None:
    await client.get_workflow_handle(commissioning_workflow_id(identity)).terminate()


class TestStart:
    async def test_anonymous(self, anonymous: Caller) -> None:
        answer = await anonymous.post("/commissioning/cp_x/start", {"run_test_transaction": 7})
        problem(answer, 401, "token_missing")

    async def test_tells_operators_what_it_is_about(
        self, installer: Caller, temporal_client: Client
    ) -> None:
        identity = await installer.charge_point()
        answer = await installer.post(f"/commissioning/{identity}/start")
        assert answer.status_code == 202
        handle = temporal_client.get_workflow_handle(commissioning_workflow_id(identity))
        description = await handle.describe()
        shown = {pair.key.name: pair.value for pair in description.typed_search_attributes}
        assert shown["ChargePointId"] == identity
        assert shown["SerialNumber"] == "CP-SN-00483921"
        assert shown["RunStatus"] == "in_progress"
        assert shown["CommissioningId"] == answer.json()["commissioning_id"]
        assert set(shown) >= {"ProjectId", "InstallerId", "Vendor", "Model"}
        summary = await description.static_summary()
        assert summary == "Bay 3 · ABB Terra AC W22 · CP-SN-00483921"

    async def test_many_at_once_make_one_run(self, installer: Caller, database: Database) -> None:
        identity = await installer.charge_point()
        answers = await asyncio.gather(
            *(installer.post(f"/commissioning/{identity}/start") for _ in range(8))
        )
        started = [answer for answer in answers if answer.status_code == 202]
        assert len(started) == 1
        winner = started[0].json()["commissioning_id"]
        for answer in answers:
            if answer is not started[0]:
                assert problem(answer, 409, "run_open")["commissioning_id"] == winner
        async with database.read() as connection:
            rows = (await connection.execute(select(col(CommissioningRun.id)))).all()
        assert [row.id for row in rows] == [winner]

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"run_test_transaction": "yes"}, "run_test_transaction"),
            ({"notify_on_complete": 1}, "notify_on_complete"),
            ({"wait_for_connection": 0}, "wait_for_connection"),
            ({"skip_reason": "No vehicle"}, "skip_reason"),
            ({"run_test_transaction": False, "skip_reason": " "}, "skip_reason"),
            ({"run_test": True}, "run_test"),
            ({"test_connectors": "second"}, "test_connectors"),
            ({"test_connectors": []}, "test_connectors"),
            ({"test_connectors": [0]}, "test_connectors"),
            ({"test_connectors": [1, 1]}, "test_connectors"),
            ({"test_connectors": ["1"]}, "test_connectors"),
            ({"test_connectors": [True]}, "test_connectors"),
            ({"test_connectors": [2**31]}, "test_connectors"),
            ({"test_connectors": None}, "test_connectors"),
            ({"test_connectors": 2}, "test_connectors"),
            ({"test_connectors": "first", "run_test_transaction": False}, "test_connectors"),
        ],
    )
    async def test_a_wrong_field_is_named(
        self, installer: Caller, body: dict[str, Any], field: str
    ) -> None:
        identity = await installer.charge_point()
        answer = await installer.post(f"/commissioning/{identity}/start", body)
        assert fields(problem(answer, 422, "invalid_input")) == {field}

    @pytest.mark.parametrize(
        ("wait", "asked"),
        [(1, timedelta(seconds=1)), ("PT10M", timedelta(minutes=10)), ("P30D", timedelta(days=30))],
    )
    async def test_waits_as_long_as_asked(
        self, installer: Caller, database: Database, wait: Any, asked: timedelta
    ) -> None:
        identity = await installer.charge_point()
        body = {
            "wait_for_connection": wait,
            "run_test_transaction": False,
            "skip_reason": "No vehicle on site",
        }
        assert (await installer.post(f"/commissioning/{identity}/start", body)).status_code == 202
        async with database.read() as connection:
            run = await Runs(connection).latest(identity)
        assert run is not None
        assert run.request.options.skip_reason == "No vehicle on site"
        assert run.request.options.wait_for_connection == asked


class TestStatus:
    async def test_anonymous(self, anonymous: Caller) -> None:
        problem(await anonymous.get("/commissioning/cp_x/status"), 401, "token_missing")

    async def test_without_a_run(self, installer: Caller) -> None:
        identity = await installer.charge_point()
        problem(await installer.get(f"/commissioning/{identity}/status"), 404, "no_run")

    async def test_a_failed_run_says_why(self, installer: Caller, database: Database) -> None:
        identity = await installer.charge_point()
        run = await fail(database, installer, identity)
        status = (await installer.get(f"/commissioning/{identity}/status")).json()
        assert status == {
            "commissioning_id": run,
            "charge_point_id": identity,
            "status": "failed",
            "checks": [
                {"name": "ocpp_handshake", "result": "passed"},
                {"name": "firmware_version", "result": "passed"},
                {
                    "name": "connector_available",
                    "result": "failed",
                    "code": "connector_faulted",
                    "cause": "Connector 1 is faulted.",
                    "action": "Mend it.",
                },
                {
                    "name": "test_transaction",
                    "result": "skipped",
                    "skip_reason": "A check before it failed.",
                },
            ],
            "started_at": "2026-05-01T09:35:00Z",
            "completed_at": "2026-05-01T09:37:00Z",
            "waiting_for": None,
            "waiting": None,
            "failure": {
                "code": "connector_faulted",
                "cause": "Connector 1 is faulted.",
                "action": "Mend it.",
                "claim": None,
            },
            "cleaning_up": False,
            "alarms": [],
        }

    @pytest.mark.usefixtures("engine")
    async def test_an_open_and_a_finished_run_have_one_shape(self, installer: Caller) -> None:
        identity = await installer.charge_point()
        await installer.post(f"/commissioning/{identity}/start")
        while_open = (await installer.get(f"/commissioning/{identity}/status")).json()
        await cancelled(installer, identity)
        afterwards = (await installer.get(f"/commissioning/{identity}/status")).json()
        assert list(while_open) == list(afterwards)


class TestRetry:
    async def test_anonymous(self, anonymous: Caller) -> None:
        problem(await anonymous.post("/commissioning/cp_x/retry"), 401, "token_missing")

    async def test_without_a_run(self, installer: Caller) -> None:
        identity = await installer.charge_point()
        answer = await installer.post(f"/commissioning/{identity}/retry")
        problem(answer, 409, "nothing_to_retry")

    async def test_while_one_is_open(self, installer: Caller) -> None:
        identity = await installer.charge_point()
        await installer.post(f"/commissioning/{identity}/start")
        problem(await installer.post(f"/commissioning/{identity}/retry"), 409, "run_open")

    async def test_with_the_options_of_the_run_before(
        self, installer: Caller, database: Database, temporal_client: Client
    ) -> None:
        identity = await installer.charge_point()
        before = await fail(database, installer, identity)
        await terminate(temporal_client, identity)
        answer = await installer.post(f"/commissioning/{identity}/retry")
        assert answer.status_code == 202
        assert answer.json()["commissioning_id"] != before
        async with database.read() as connection:
            run = await Runs(connection).latest(identity)
        assert run is not None
        assert run.request.previous_commissioning_id == before
        assert run.request.from_scratch is False
        assert run.request.options.notify_on_complete is True
        listed = (await installer.get(f"/commissioning/{identity}/runs")).json()["items"]
        assert [item["previous_commissioning_id"] for item in listed] == [before, None]

    async def test_from_scratch(
        self, installer: Caller, database: Database, temporal_client: Client
    ) -> None:
        identity = await installer.charge_point()
        await fail(database, installer, identity)
        await terminate(temporal_client, identity)
        answer = await installer.post(
            f"/commissioning/{identity}/retry", json={"from_scratch": True}
        )
        assert answer.status_code == 202
        async with database.read() as connection:
            run = await Runs(connection).latest(identity)
        assert run is not None
        assert run.request.from_scratch is True

    async def test_while_the_run_before_is_closing(
        self, installer: Caller, database: Database, temporal_client: Client
    ) -> None:
        identity = await installer.charge_point()
        await fail(database, installer, identity)  # the verdict is stored; the workflow not closed
        retry = asyncio.create_task(installer.post(f"/commissioning/{identity}/retry"))
        await terminate(temporal_client, identity)
        assert (await retry).status_code == 202

    async def test_not_after_a_run_that_passed(self, installer: Caller, database: Database) -> None:
        identity = await installer.charge_point()
        answer = await installer.post(f"/commissioning/{identity}/start")
        passed = RunView(
            commissioning_id=answer.json()["commissioning_id"],
            charge_point_id=identity,
            status=RunStatus.COMPLETED,
            checks=(),
            started_at=AT,
            completed_at=AT,
        )
        async with database.write() as connection:
            await Runs(connection).finish(passed)
        answer = await installer.post(f"/commissioning/{identity}/retry")
        problem(answer, 409, "already_completed")


class TestCancel:
    async def test_anonymous(self, anonymous: Caller) -> None:
        problem(await anonymous.post("/commissioning/cp_x/cancel"), 401, "token_missing")

    async def test_without_an_open_run(self, installer: Caller) -> None:
        identity = await installer.charge_point()
        problem(await installer.post(f"/commissioning/{identity}/cancel"), 409, "no_open_run")

    @pytest.mark.usefixtures("engine")
    async def test_is_on_the_record(self, installer: Caller) -> None:
        identity = await installer.charge_point()
        run = (await installer.post(f"/commissioning/{identity}/start")).json()["commissioning_id"]
        answer = await installer.post(f"/commissioning/{identity}/cancel", {"reason": "Wrong bay"})
        assert answer.status_code == 202
        assert answer.json()["commissioning_id"] == run

        async def is_recorded() -> None:
            record = (await installer.get(f"/commissioning/{identity}/runs/{run}")).json()
            assert record["status"] == "cancelled"
            assert record["cancelled_by"] == installer.email
            assert record["cancel_reason"] == "Wrong bay"

        await eventually(lambda: is_recorded())  # noqa: PLW0108
        problem(await installer.post(f"/commissioning/{identity}/cancel"), 409, "no_open_run")

    async def test_a_row_whose_workflow_is_lost_is_taken_back(
        self, installer: Caller, temporal_client: Client
    ) -> None:
        identity = await installer.charge_point()
        await installer.post(f"/commissioning/{identity}/start")
        await terminate(temporal_client, identity)
        answer = await installer.post(f"/commissioning/{identity}/cancel")
        assert answer.status_code == 202
        assert answer.json()["status"] == "cancelled"
        problem(await installer.get(f"/commissioning/{identity}/status"), 404, "no_run")

    @pytest.mark.usefixtures("engine")
    async def test_the_run_before_is_not_meant(
        self, installer: Caller, database: Database, temporal_client: Client
    ) -> None:
        """It has its verdict, and its workflow is about to close; the next has not begun."""
        identity = await installer.charge_point()
        answer = await installer.post(f"/commissioning/{identity}/start")
        before = answer.json()["commissioning_id"]
        workflow = temporal_client.get_workflow_handle(commissioning_workflow_id(identity))

        async def begun() -> None:
            status = (await installer.get(f"/commissioning/{identity}/status")).json()
            assert status["waiting_for"] == "connection"

        await eventually(lambda: begun())  # noqa: PLW0108
        async with database.write() as connection:
            run = await Runs(connection).get(identity, before)
            assert run is not None
            await Runs(connection).finish(failed(identity, before))
            meant = replace(run.request, commissioning_id=new_id(Prefix.COMMISSIONING))
            await Runs(connection).create_starting(meant)
        answer = await installer.post(f"/commissioning/{identity}/answer", {"answer": "done"})
        problem(answer, 409, "nothing_asked")
        answer = await installer.post(f"/commissioning/{identity}/cancel")
        assert answer.json() == {
            "commissioning_id": meant.commissioning_id,
            "charge_point_id": identity,
            "status": "cancelled",
        }
        view = await workflow.query("status", result_type=RunView)
        assert (view.status, view.cancelled_by) == (RunStatus.IN_PROGRESS, None)
        await terminate(temporal_client, identity)


class TestAnswer:
    async def test_anonymous(self, anonymous: Caller) -> None:
        problem(await anonymous.post("/commissioning/cp_x/answer"), 401, "token_missing")

    async def test_without_an_open_run(self, installer: Caller) -> None:
        identity = await installer.charge_point()
        answer = await installer.post(f"/commissioning/{identity}/answer", {"answer": "done"})
        problem(answer, 409, "no_open_run")

    @pytest.mark.usefixtures("engine")
    async def test_when_nothing_is_asked(self, installer: Caller) -> None:
        identity = await installer.charge_point()
        await installer.post(f"/commissioning/{identity}/start")
        answer = await installer.post(f"/commissioning/{identity}/answer", {"answer": "done"})
        problem(answer, 409, "nothing_asked")
        await cancelled(installer, identity)

    @pytest.mark.parametrize("body", [{}, {"answer": "yes"}, {"answer": "skip"}])
    async def test_a_word_that_is_no_answer(self, installer: Caller, body: dict[str, str]) -> None:
        identity = await installer.charge_point()
        answer = await installer.post(f"/commissioning/{identity}/answer", body)
        problem(answer, 422, "invalid_input")


class TestRecord:
    async def test_anonymous(self, anonymous: Caller) -> None:
        problem(await anonymous.get("/commissioning/cp_x/runs"), 401, "token_missing")
        problem(await anonymous.get("/commissioning/cp_x/runs/com_x"), 401, "token_missing")

    async def test_steps_evidence_and_timings(self, installer: Caller, database: Database) -> None:
        identity = await installer.charge_point()
        run = await fail(database, installer, identity)
        listed = (await installer.get(f"/commissioning/{identity}/runs")).json()["items"]
        assert [(item["commissioning_id"], item["failed_check"]) for item in listed] == [
            (run, "connector_available")
        ]
        record = (await installer.get(f"/commissioning/{identity}/runs/{run}")).json()
        handshake = record["checks"][0]
        assert handshake["duration_s"] == 2.25
        assert handshake["evidence"] == {"ping_ms": 20.5}
        assert handshake["steps"] == [
            {
                "name": "identity",
                "result": "passed",
                "at": "2026-05-01T09:35:00.000Z",
                "detail": "Serial number matches.",
                "evidence": {"serial": "CP-SN-00483921"},
            }
        ]
        assert record["checks"][2]["failure"]["code"] == "connector_faulted"

    async def test_what_was_refused_and_repaired_is_counted_by_run(
        self, installer: Caller, database: Database, temporal_client: Client
    ) -> None:
        """Not that of the run before, of no run, or of the time after the verdict."""
        identity = await installer.charge_point()
        first = await fail(database, installer, identity)
        await terminate(temporal_client, identity)
        second = await fail(database, installer, identity)

        def odd(run: str | None, what: str, *, refused: bool = False, at: datetime = AT) -> Oddity:
            return Oddity(
                charge_point_id=identity,
                commissioning_id=run,
                at=at,
                action="" if refused else "MeterValues",
                what=what,
                refused=refused,
                excerpt='[2,"7"',
            )

        unit, cut_off = "a unit is no word of the standard", "it is no JSON."
        late = AT + timedelta(hours=1)
        for batch in (
            [odd(first, unit), odd(first, unit), odd(first, cut_off, refused=True)],
            [odd(first, unit), odd(None, unit), odd(second, unit)],
            [odd(first, unit, at=late), odd(first, cut_off, refused=True, at=late)],
        ):
            async with database.write() as connection:
                await store_oddities(connection, batch)
        records = [
            (await installer.get(f"/commissioning/{identity}/runs/{run}")).json()["odd_messages"]
            for run in (first, second)
        ]
        read = {
            "action": "MeterValues",
            "refused": False,
            "astray": False,
            "count": 3,
            "said": "MeterValues was read although a unit is no word of the standard.",
        }
        unread = {
            "action": None,
            "refused": True,
            "astray": False,
            "count": 1,
            "said": "A message could not be read: it is no JSON.",
        }
        assert records == [
            {"repaired": 3, "refused": 1, "astray": 0, "kinds": [unread, read]},
            {"repaired": 1, "refused": 0, "astray": 0, "kinds": [read | {"count": 1}]},
        ]
        log = (await installer.get(f"/commissioning/{identity}/logs?run={first}")).json()["items"]
        told = [one["text"] for one in log if one["kind"] in {"repaired", "refused"}]
        assert set(told) == {unread["said"], read["said"]}

    async def test_a_run_of_another_charge_point_is_not_found(
        self, installer: Caller, database: Database
    ) -> None:
        identity, other = await installer.charge_point(), await installer.charge_point()
        run = await fail(database, installer, other)
        for wrong in (run, new_id(Prefix.COMMISSIONING), "com_x"):
            answer = await installer.get(f"/commissioning/{identity}/runs/{wrong}")
            problem(answer, 404, "run_not_found")


class TestLogs:
    async def test_anonymous(self, anonymous: Caller) -> None:
        problem(await anonymous.get("/commissioning/cp_x/logs"), 401, "token_missing")

    async def test_filters_and_pages(self, installer: Caller, database: Database) -> None:
        identity = await installer.charge_point()
        run = await fail(database, installer, identity)
        rows = [
            (None, "debug", "frame"),
            (run, "debug", "frame"),
            (run, "info", "step"),
            (run, "error", "verdict"),
            (run, "warning", "connection"),
        ]
        async with database.write() as connection:
            for number, (commissioning, level, kind) in enumerate(rows):
                await connection.execute(
                    insert(LogEntry).values(
                        charge_point_id=identity,
                        commissioning_id=commissioning,
                        at=AT + timedelta(minutes=number),
                        level=level,
                        kind=kind,
                        direction="in" if kind == "frame" else None,
                        text=f"entry {number}",
                    )
                )

        async def texts(**query: Any) -> list[str]:
            page = await installer.get(f"/commissioning/{identity}/logs", params=query)
            assert page.status_code == 200, page.text
            return [item["text"] for item in page.json()["items"]]

        assert len(await texts()) == 5
        assert await texts(run=run) == ["entry 1", "entry 2", "entry 3", "entry 4"]
        assert await texts(level="warning") == ["entry 3", "entry 4"]
        assert await texts(since="2026-05-01T09:37:00Z", until="2026-05-01T11:38:00+02:00") == [
            "entry 2"
        ]
        first = (await installer.get(f"/commissioning/{identity}/logs", params={"limit": 3})).json()
        assert await texts(limit=3, cursor=first["next_cursor"]) == ["entry 3", "entry 4"]

    @pytest.mark.parametrize(
        ("query", "status"),
        [
            ({"level": "loud"}, 422),
            ({"since": "yesterday"}, 422),
            ({"since": "2026-05-01T09:00:00"}, 422),
            ({"since": "0001-01-01T00:00:00+14:00"}, 422),
            ({"until": "9999-12-31T23:59:59-14:00"}, 422),
            ({"cursor": "!"}, 422),
            ({"run": "com_x"}, 404),
        ],
    )
    async def test_a_wrong_filter(
        self, installer: Caller, query: dict[str, str], status: int
    ) -> None:
        identity = await installer.charge_point()
        answer = await installer.get(f"/commissioning/{identity}/logs", params=query)
        assert answer.status_code == status
