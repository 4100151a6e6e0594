"""Charge points with two connectors: each has its turn, and what fails there is its own."""

from dataclasses import replace
from datetime import timedelta

import pytest

from documents.certificate.content import content_of
from domain.checks import CheckRecord, RunView
from domain.states import CheckName, CheckResult, RunStatus, WaitingFor
from simulator import VirtualChargePoint
from simulator.profile import ABB_TERRA_AC_W22
from simulator.words import ChargePointStatus
from storage.reports import Reports
from tests.faults.stage import PATIENT, Run, Stage
from tests.support.eventually import eventually

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
TWO = replace(ABB_TERRA_AC_W22, connectors=2)
BY_HAND = replace(TWO, auto_plug=False)
PASSED, FAILED, SKIPPED = CheckResult.PASSED, CheckResult.FAILED, CheckResult.SKIPPED
_SOON = replace(PATIENT, vehicle=timedelta(seconds=4), start=timedelta(seconds=3))


def _test(view: RunView) -> CheckRecord:
    return next(check for check in view.checks if check.name is CheckName.TEST_TRANSACTION)


def _results(view: RunView) -> list[CheckResult]:
    return [test.result for test in _test(view).connectors]


async def _waits_at(stage: Stage, run: Run, connector: int) -> None:
    """Wait until the status, as the installer reads it, asks for a vehicle there."""

    async def asks() -> None:
        status = (await stage.front.get(f"/commissioning/{run.charge_point_id}/status")).json()
        assert status["waiting_for"] == WaitingFor.VEHICLE
        assert status["waiting"]["connector_id"] == connector
        prompt = f"Plug a vehicle or a tester into connector {connector}."
        assert status["waiting"]["prompt"].startswith(prompt)
        assert status["waiting"]["answers"] == ["skip"]

    await eventually(asks)


async def _skip(stage: Stage, charge_point: VirtualChargePoint, connector: int, why: str) -> None:
    answer = await stage.front.post(
        f"/commissioning/{charge_point.identity}/answer",
        {"answer": "skip", "note": why, "connector_id": connector},
    )
    assert answer.is_success, answer.text


async def _charges(charge_point: VirtualChargePoint, connector: int) -> None:
    await charge_point.until(
        lambda: any(one.connector_id == connector for one in charge_point.transactions)
    )


@sqlite
async def test_a_tester_is_led_from_one_to_the_next(stage: Stage) -> None:
    async with stage.powered(profile=BY_HAND) as charge_point:
        run = await stage.start(charge_point.identity)
        for connector in (1, 2):
            await _waits_at(stage, run, connector)
            charge_point.plug_in(connector)
            await _charges(charge_point, connector)
            await charge_point.until(lambda: not charge_point.transactions)
            charge_point.unplug(connector)
        view = await stage.verdict(run)
        assert len(charge_point.id_tags) == 2
    assert view.status is RunStatus.COMPLETED, view.failure
    assert _results(view) == [PASSED, PASSED]
    assert not _test(view).needs_review


@sqlite
async def test_the_second_is_skipped_with_a_reason_and_the_certificate_says_so(
    stage: Stage,
) -> None:
    async with stage.powered(profile=BY_HAND) as charge_point:
        run = await stage.start(charge_point.identity)
        await _waits_at(stage, run, 1)
        charge_point.plug_in(1)
        await _waits_at(stage, run, 2)
        await _skip(stage, charge_point, 2, "The bay is blocked")
        view = await stage.verdict(run)
        async with stage.database.read() as connection:
            report = await Reports(connection, stage.catalogue).of_charge_point(
                charge_point.identity
            )
    assert view.status is RunStatus.COMPLETED, view.failure
    assert _results(view) == [PASSED, SKIPPED]
    assert _test(view).needs_review
    content = content_of(report.charge_points[0])
    assert content.verdict == "Passed, connector 2 not tested"
    rows = dict(content.connectors)
    assert rows["Connector 1"].startswith("Tested: ")
    assert rows["Connector 2"] == (
        "Not tested: installer@acme.com skipped the test charge on connector 2 while a vehicle was "
        "waited for: The bay is blocked."
    )


@sqlite
async def test_nobody_at_the_second_fails_it_alone_and_a_retry_tests_only_that(
    stage: Stage,
) -> None:
    async with stage.powered(profile=BY_HAND) as charge_point:
        charge_point.plug_in(1)
        run = await stage.start(charge_point.identity, pace=_SOON)
        failed = await stage.verdict(run)
        assert failed.failure is not None
        assert failed.failure.code == "transaction_not_started"
        assert "connector 2" in failed.failure.cause
        assert _results(failed) == [PASSED, FAILED]
        charge_point.unplug(1)
        charge_point.plug_in(2)
        again = await stage.retry(charge_point.identity)
        starts = [one for one in charge_point.commands if one.action == "RemoteStartTransaction"]
        assert again.status is RunStatus.COMPLETED, again.failure
        one, two = _test(again).connectors
        assert (one.kept_from, two.kept_from) == (run.commissioning_id, None)
        assert starts[-1].id_tag is not None
        assert starts[-1].id_tag.endswith("02")


@sqlite
async def test_both_are_plugged_in_from_the_start(stage: Stage) -> None:
    async with stage.powered(profile=BY_HAND) as charge_point:
        charge_point.plug_in(1)
        charge_point.plug_in(2)
        view = await stage.verdict(await stage.start(charge_point.identity))
        assert charge_point.remote_starts == 2
    assert view.status is RunStatus.COMPLETED, view.failure
    assert _results(view) == [PASSED, PASSED]


@sqlite
async def test_connectors_that_share_an_outlet_are_tested_in_turn(stage: Stage) -> None:
    """While one is in use, even if only plugged in, the other is Unavailable."""
    async with stage.powered(profile=replace(BY_HAND, shared_outlet=True)) as charge_point:
        run = await stage.start(charge_point.identity)
        await _waits_at(stage, run, 1)
        charge_point.plug_in(1)
        await _charges(charge_point, 1)
        assert charge_point.status(2) is ChargePointStatus.UNAVAILABLE
        await _waits_at(stage, run, 2)
        charge_point.unplug(1)
        charge_point.plug_in(2)
        await _charges(charge_point, 2)
        view = await stage.verdict(run)
    assert view.status is RunStatus.COMPLETED, view.failure
    assert _results(view) == [PASSED, PASSED]


@sqlite
async def test_connectors_are_chosen_through_the_api(stage: Stage) -> None:
    """By number at the start, and others at a retry, where one was not there."""
    async with stage.powered(profile=TWO) as charge_point:
        path = f"/commissioning/{charge_point.identity}"
        started = await stage.front.post(f"{path}/start", {"test_connectors": [2, 3]})
        assert started.is_success, started.text
        await eventually(lambda: _is(stage, path, RunStatus.FAILED))
        (problem,) = (
            check
            for check in (await stage.front.get(f"{path}/status")).json()["checks"]
            if check["name"] == "test_transaction"
        )
        assert problem["code"] == "connector_not_there"
        assert "test_connectors" in problem["action"]
        again = await stage.front.post(f"{path}/retry", {"test_connectors": [2]})
        assert again.is_success, again.text
        await eventually(lambda: _is(stage, path, RunStatus.COMPLETED))
        record = (await stage.front.get(f"{path}/runs/{again.json()['commissioning_id']}")).json()
    assert record["test_connectors"] == [2]
    one, two = record["checks"][3]["connectors"]
    assert (one["result"], one["decided_by"]) == ("skipped", "installer@acme.com")
    assert two["result"] == "passed"
    assert two["evidence"]["connector_id"] == 2


async def _is(stage: Stage, path: str, wanted: RunStatus) -> None:
    assert (await stage.front.get(f"{path}/status")).json()["status"] == wanted
