"""Whole runs: what they leave behind, and what happens when things go wrong in the middle."""

import json
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.policy import default

import pytest
from sqlalchemy import select
from sqlmodel import col
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from domain.checks import CheckRecord, RunView
from domain.commissioning import CancelRequest, RunOptions
from domain.failures import FailureCode
from domain.states import CheckName, CheckResult, LogLevel, RunStatus, WaitingFor
from simulator import Fault, VirtualChargePoint
from simulator.profile import ABB_TERRA_AC_W22, ALFEN_EVE_SINGLE, KEMPOWER_SATELLITE, Profile
from simulator.words import ChargePointStatus
from storage.log import LogEntry
from storage.models.transactions import Transaction
from tests.faults.encores import lose_connection
from tests.faults.stage import PATIENT, Run, Stage
from tests.ocpp_server.bed import Wire
from tests.support.eventually import eventually

_SOON = RunOptions(wait_for_connection=timedelta(seconds=1))
sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def check(view: RunView, name: CheckName) -> CheckRecord:
    return next(record for record in view.checks if record.name is name)


async def test_a_run_leaves_evidence_a_log_and_a_mail(stage: Stage) -> None:
    secret = replace(ABB_TERRA_AC_W22, firmware="ftp://fleet:geheim@abb.example/V1.8.21")
    async with stage.powered(profile=secret, serial="SN-1") as charge_point:
        run = await stage.start(charge_point.identity, options=RunOptions(notify_on_complete=True))
        view = await stage.verdict(run)
        assert charge_point.remote_starts == 1
        assert set(charge_point.id_tags.values()) == {1}
    assert view.status is RunStatus.COMPLETED
    _judge_evidence(view)
    log = await stage.log(run)
    _judge_frames(log)
    _judge_sentences(log)
    await eventually(lambda: _judge_mail(stage))


def _judge_evidence(view: RunView) -> None:
    handshake = check(view, CheckName.OCPP_HANDSHAKE)
    steps = [step.name for step in handshake.steps]
    assert steps == [
        "identity",
        "configuration.HeartbeatInterval",
        "configuration.MeterValueSampleInterval",
        "configuration.MaxChargingProfilesInstalled",
        "configuration.AuthorizationCacheEnabled",
        "accepted",
        "heartbeat",
        "round_trip",
        "clock",
    ]
    assert handshake.evidence["charge_point_serial"] == "SN-1"
    assert check(view, CheckName.FIRMWARE_VERSION).evidence["version"] == "1.8.21"
    charge = check(view, CheckName.TEST_TRANSACTION)
    assert [step.name for step in charge.steps] == ["started", "stopped", "energy"]
    counted, by_power = charge.evidence["register_energy_wh"], charge.evidence["power_over_time_wh"]
    assert isinstance(counted, float)
    assert isinstance(by_power, float)
    assert counted == pytest.approx(by_power, abs=2)
    assert view.completed_at is not None
    times = [step.at for record in view.checks for step in record.steps]
    assert [view.started_at, *times, view.completed_at] == sorted(
        [view.started_at, *times, view.completed_at]
    )


def _judge_frames(log: list[LogEntry]) -> None:
    frames = [entry for entry in log if entry.kind == "frame"]
    told = [entry.action for entry in frames if entry.direction == "out"]
    heard = [entry.action for entry in frames if entry.direction == "in"]
    assert {"GetConfiguration", "ChangeConfiguration", "RemoteStopTransaction"} <= set(told)
    assert {"Heartbeat", "StatusNotification", "StartTransaction", "MeterValues"} <= set(heard)
    starts = [entry for entry in frames if entry.action == "RemoteStartTransaction"]
    assert [entry.direction for entry in starts] == ["out", "in"]  # the call and its answer
    assert json.loads(starts[0].text)[1] == json.loads(starts[1].text)[1] == starts[0].message_id
    boots = [entry.text for entry in frames if entry.action == "BootNotification"]
    assert any("ftp://***@abb.example/V1.8.21" in text for text in boots)
    assert not any("geheim" in text for text in boots)


def _judge_sentences(log: list[LogEntry]) -> None:
    verdicts = [entry.text for entry in log if entry.kind == "verdict"]
    assert verdicts == [
        *(f"{name} passed." for name in CheckName),
        "The run is completed.",
    ]
    steps = [entry for entry in log if entry.kind == "step"]
    assert steps
    assert {entry.level for entry in steps} == {LogLevel.INFO}


def _judge_mail(stage: Stage) -> None:
    mails = list(stage.mail.glob("*.eml"))
    assert len(mails) == 1
    mail = message_from_bytes(mails[0].read_bytes(), policy=default)
    assert mail["To"] == "installer@acme.com"
    assert mail["Subject"].startswith("A charge point is commissioned (com_")
    text = mail.get_body().get_content()  # type: ignore[union-attr]
    assert '  Serial number: "SN-1"' in text
    assert "passed   test_transaction" in text


@sqlite
@pytest.mark.parametrize("profile", [ALFEN_EVE_SINGLE, KEMPOWER_SATELLITE], ids=lambda p: p.vendor)
async def test_other_models_pass_as_well(stage: Stage, profile: Profile) -> None:
    """Registers in steps of 10 and 100 Wh, readings in and after the stop, reboots, 2 outlets."""
    pace = replace(PATIENT, charge_at_most=timedelta(seconds=20))
    async with stage.powered(profile=profile) as charge_point:
        view = await stage.verdict(await stage.start(charge_point.identity, pace=pace))
    assert view.status is RunStatus.COMPLETED, view.failure


@sqlite
async def test_a_cancel_in_the_middle_of_a_start_leaves_nothing_running(stage: Stage) -> None:
    slow = replace(ABB_TERRA_AC_W22, plug_seconds=45.0)
    async with stage.powered(profile=slow) as charge_point:
        run = await stage.start(charge_point.identity)
        await charge_point.until(lambda: charge_point.remote_starts == 1)
        assert not charge_point.transactions
        await _cancel(run)
        view = await stage.verdict(run)
        assert charge_point.sent["StopTransaction"] == 1
        assert not charge_point.transactions
    assert view.status is RunStatus.CANCELLED
    assert (view.cancelled_by, view.cancel_reason) == ("installer@acme.com", "lunch")
    assert view.alarms == ()
    await _nothing_is_open(stage, charge_point)


@sqlite
async def test_a_cancel_in_the_middle_of_a_charge_stops_it(stage: Stage) -> None:
    async with stage.powered() as charge_point:
        run = await stage.start(charge_point.identity)
        await charge_point.until(lambda: bool(charge_point.transactions))
        await _cancel(run)
        view = await stage.verdict(run)
        assert charge_point.received["RemoteStopTransaction"] == 1
    assert view.status is RunStatus.CANCELLED
    assert check(view, CheckName.TEST_TRANSACTION).skip_reason == "The run was cancelled."
    await _nothing_is_open(stage, charge_point)


@sqlite
async def test_a_charge_that_ends_while_offline_is_told_late_and_fails(stage: Stage) -> None:
    """StopTransaction comes out of the charge point's queue, with its next connection."""
    async with stage.powered() as charge_point:
        run = await stage.start(charge_point.identity)
        await charge_point.until(lambda: charge_point.sent["MeterValues"] >= 1)
        lose_connection(charge_point, seconds=0.5)
        await charge_point.until(lambda: not charge_point.connected)
        charge_point.unplug()
        view = await stage.verdict(run)
    problem = view.failure
    assert problem is not None
    assert problem.code == FailureCode.TRANSACTION_ENDED_EARLY
    assert problem.cause == (
        "The test charge on connector 1 ended before the engine stopped it (EVDisconnected)."
    )


@sqlite
async def test_a_stale_fault_is_asked_about_again(stage: Stage) -> None:
    """Mended and switched on again: the status of before the reconnect says nothing."""
    async with stage.powered(Fault.CONNECTOR_FAULTED) as charge_point:
        first = await stage.verdict(await stage.start(charge_point.identity))
        assert first.status is RunStatus.FAILED
        lose_connection(charge_point, seconds=0.2)
        await charge_point.until(lambda: not charge_point.connected)
        charge_point.clear_fault(Fault.CONNECTOR_FAULTED)
        charge_point.add_fault(Fault.SILENT_CONNECTORS)
        run = await stage.start(charge_point.identity)
        view = await stage.verdict(run)
        assert charge_point.received["TriggerMessage"] >= 1
    assert view.status is RunStatus.COMPLETED, view.failure


@sqlite
async def test_a_vehicle_is_waited_for(stage: Stage) -> None:
    nobody = replace(ABB_TERRA_AC_W22, auto_plug=False, configuration={"ConnectionTimeOut": "600"})
    pace = replace(PATIENT, start=timedelta(milliseconds=300))
    async with stage.powered(profile=nobody) as charge_point:
        run = await stage.start(charge_point.identity, pace=pace)

        async def prompts() -> None:
            waiting = (await run.handle.query("status", result_type=RunView)).waiting
            assert waiting is not None
            assert waiting.waiting_for is WaitingFor.VEHICLE

        await eventually(prompts)
        charge_point.plug_in()
        view = await stage.verdict(run)
        assert charge_point.remote_starts <= 2  # it says Preparing for a start, as for a cable
    assert view.status is RunStatus.COMPLETED, view.failure


@sqlite
async def test_a_cable_that_comes_after_its_time_out_brings_another_start_at_once(
    stage: Stage,
) -> None:
    late = replace(ABB_TERRA_AC_W22, auto_plug=False, configuration={"ConnectionTimeOut": "60"})
    pace = replace(PATIENT, vehicle=timedelta(minutes=2), start=timedelta(minutes=1))
    async with stage.powered(profile=late) as charge_point:
        run = await stage.start(charge_point.identity, pace=pace)
        await charge_point.until(lambda: charge_point.status(1) is ChargePointStatus.PREPARING)
        await charge_point.until(lambda: charge_point.status(1) is ChargePointStatus.AVAILABLE)
        assert charge_point.remote_starts == 1
        charge_point.plug_in()
        await charge_point.until(lambda: charge_point.remote_starts > 1)
        view = await stage.verdict(run)
    assert view.status is RunStatus.COMPLETED, view.failure
    assert charge_point.remote_starts == 2


@sqlite
async def test_a_charge_point_that_keeps_its_configuration_to_itself_gets_a_verdict(
    stage: Stage,
) -> None:
    registered = await stage.register("SN-1", ABB_TERRA_AC_W22)
    url = f"{stage.ocpp_url}/{registered.id}"
    async with connect(url, subprotocols=[Subprotocol("ocpp1.6")]) as socket:
        await Wire(socket).boot()
        view = await stage.verdict(await stage.start(registered.id))
    assert view.failure is not None
    assert view.failure.code == FailureCode.CONFIGURATION_UNREADABLE
    assert view.failure.cause == (
        "The charge point did not tell its configuration (GetConfiguration was not answered within "
        "3 s)."
    )


@sqlite
async def test_one_that_never_comes(stage: Stage) -> None:
    registered = await stage.register("SN-1", ABB_TERRA_AC_W22)
    view = await stage.verdict(await stage.start(registered.id, options=_SOON))
    assert view.failure is not None
    assert view.failure.code == FailureCode.NEVER_CONNECTED
    assert view.failure.cause == "The charge point did not connect within 1 s."
    skipped = [record.result for record in view.checks[1:]]
    assert skipped == [CheckResult.SKIPPED] * 3


@sqlite
async def test_one_that_is_refused_all_the_time(stage: Stage) -> None:
    registered = await stage.register("SN-1", ABB_TERRA_AC_W22)
    run = await stage.start(registered.id, options=_SOON)
    with pytest.raises(InvalidStatus):
        await connect(f"{stage.ocpp_url}/{registered.id}", subprotocols=[Subprotocol("ocpp2.0.1")])
    view = await stage.verdict(run)
    assert view.failure is not None
    assert view.failure.code == FailureCode.CONNECTION_REFUSED
    assert view.failure.cause == (
        "The charge point tried to connect and was refused. The charge point offered ocpp2.0.1. "
        "Choose OCPP 1.6 JSON (subprotocol ocpp1.6) in its settings."
    )


async def _cancel(run: Run) -> None:
    request = CancelRequest(by="installer@acme.com", reason="lunch")
    await run.handle.execute_update("cancel", request)


async def _nothing_is_open(stage: Stage, charge_point: VirtualChargePoint) -> None:
    query = (
        select(col(Transaction.id))
        .where(col(Transaction.charge_point_id) == charge_point.identity)
        .where(col(Transaction.stopped_at).is_(None))
    )
    async with stage.database.read() as connection:
        assert (await connection.scalars(query)).all() == []
