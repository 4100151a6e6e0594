"""What else holds after a verdict, or happens then, fault by fault."""

from dataclasses import dataclass

from temporalio.client import WorkflowExecutionStatus

from documents.certificate.content import content_of
from domain.checks import CheckRecord, RunView
from domain.names import orphaned_transaction_workflow_id
from domain.states import CheckName, CheckResult, RunStatus, WaitingFor
from simulator import Fault, VirtualChargePoint
from simulator.power import Downtime
from storage.reports import Reports
from tests.faults.stage import Run, Stage
from tests.support.eventually import eventually


@dataclass(kw_only=True)
class Act:
    """One charge point's commissioning, up to its verdict."""

    stage: Stage
    fault: Fault
    charge_point: VirtualChargePoint
    run: Run
    view: RunView

    def check(self, name: CheckName) -> CheckRecord:
        return next(check for check in self.view.checks if check.name is name)

    async def once_more(self) -> RunView:
        run = await self.stage.start(self.charge_point.identity)
        return await self.stage.verdict(run)


async def connectors_were_looked_at(act: Act) -> None:
    """One visit on site can mend both."""
    assert act.check(CheckName.CONNECTOR_AVAILABLE).result is CheckResult.PASSED


async def the_new_firmware_is_on_the_record(act: Act) -> None:
    """What was there, what was installed, what is there; and the configuration was looked at."""
    evidence = act.check(CheckName.FIRMWARE_VERSION).evidence
    assert (evidence["reported_before"], evidence["reported"]) == ("1.2.0", "1.8.32")
    assert evidence["image"] == "https://firmware.example/abb/terra-ac-1.8.32.bin"
    steps = [step.name for step in act.check(CheckName.FIRMWARE_VERSION).steps]
    assert steps[:3] == ["version_before", "update_ordered", "restarted"]
    assert "configuration.HeartbeatInterval" in steps
    assert steps[-1] == "version"


async def another_run_after_a_reconnect(act: Act) -> None:
    """It is known by the boot it once sent."""
    lose_connection(act.charge_point)
    boots = act.charge_point.sent["BootNotification"]
    assert (await act.once_more()).status is RunStatus.COMPLETED
    assert act.charge_point.sent["BootNotification"] == boots


async def the_certificate_says_that_the_serial_is_declared(act: Act) -> None:
    async with act.stage.database.read() as connection:
        report = await Reports(connection, act.stage.catalogue).of_charge_point(
            act.charge_point.identity
        )
    (one,) = report.charge_points
    rows = dict(content_of(one).identity)
    serial = one.registered.serial_number
    assert rows["Serial number"] == f"{serial} (declared, not read)"


async def frames_that_are_no_ocpp_are_in_the_log(act: Act) -> None:
    unnamed = [
        entry
        for entry in await act.stage.log(act.run)
        if entry.kind == "frame" and entry.direction == "in" and entry.action is None
    ]
    assert len(unnamed) >= 3


async def it_was_connected_twice(act: Act) -> None:
    log = await act.stage.log(act.run)
    came = [entry for entry in log if entry.kind == "connection" and "Connected" in entry.text]
    assert len(came) >= 1  # the first connection came before the run
    assert any("Disconnected" in entry.text for entry in log if entry.kind == "connection")


async def the_new_value_is_in_force(act: Act) -> None:
    assert act.charge_point.configuration("MeterValueSampleInterval") == "30"
    assert act.check(CheckName.OCPP_HANDSHAKE).evidence["reboots"] == 1


async def the_key_was_not_told(act: Act) -> None:
    log = await act.stage.log(act.run)
    told = [entry.text for entry in log if entry.action == "ChangeConfiguration"]
    assert told
    assert not any("AuthorizationCacheEnabled" in text for text in told)


async def the_change_was_told_again(act: Act) -> None:
    assert act.charge_point.configuration("HeartbeatInterval") == "60"
    assert act.charge_point.configuration("MeterValueSampleInterval") == "30"


async def a_cable_is_plugged_in(act: Act) -> None:
    details = [step.detail for step in act.check(CheckName.CONNECTOR_AVAILABLE).steps]
    assert "Connector 1 reports Preparing. A cable is plugged in." in details


async def one_trigger_was_enough(act: Act) -> None:
    assert act.charge_point.received["TriggerMessage"] == 1


async def no_message_was_asked_for_twice(act: Act) -> None:
    """One that it cannot send says nothing of the others."""
    assert act.charge_point.received["TriggerMessage"] == 3


async def somebody_keeps_trying_to_stop_it(act: Act) -> None:
    transaction_id = act.check(CheckName.TEST_TRANSACTION).steps[0].evidence["transaction_id"]
    assert isinstance(transaction_id, str)
    orphaned = act.stage.client.get_workflow_handle(
        orphaned_transaction_workflow_id(act.charge_point.identity, transaction_id)
    )
    assert (await orphaned.describe()).status is WorkflowExecutionStatus.RUNNING
    await orphaned.terminate()  # it would ask once a minute for as long as the test session lasts


async def the_fault_is_in_the_report(act: Act) -> None:
    """With its code, the vendor's code and what the charge point says of it."""
    await nothing_runs_any_more(act)
    evidence = act.check(CheckName.TEST_TRANSACTION).evidence
    assert (evidence["fault"], evidence["fault_vendor_code"]) == ("GroundFailure", "E-1042")
    assert evidence["fault_info"] == "Residual current monitor tripped"
    async with act.stage.database.read() as connection:
        report = await Reports(connection, act.stage.catalogue).of_charge_point(
            act.charge_point.identity
        )
    (judged,) = report.charge_points
    told = [frame.text for frame in judged.frames if "GroundFailure" in frame.text]
    assert any("StatusNotification" in text and "E-1042" in text for text in told)


async def nothing_runs_any_more(act: Act) -> None:
    await act.charge_point.until(lambda: not act.charge_point.transactions)


async def the_clock_was_judged_in_the_test_charge(act: Act) -> None:
    assert "clock_skew_s" not in act.check(CheckName.OCPP_HANDSHAKE).evidence
    skew = act.check(CheckName.TEST_TRANSACTION).evidence["clock_skew_s"]
    assert isinstance(skew, float)
    assert abs(skew) < 30


async def only_the_second_connector_failed(act: Act) -> None:
    """And its evidence is what the check shows."""
    test = act.check(CheckName.TEST_TRANSACTION)
    results = [one.result for one in test.connectors]
    assert results == [CheckResult.PASSED, CheckResult.FAILED]
    assert test.evidence["connector_id"] == 2


async def the_next_run_asks_for_named_keys(act: Act) -> None:
    """What made it drop its link is remembered, and not asked again."""
    boots = act.charge_point.sent["BootNotification"]  # one for each connection
    assert boots > 1
    assert (await act.once_more()).status is RunStatus.COMPLETED
    assert act.charge_point.sent["BootNotification"] == boots


async def the_next_run_asks_to_unplug(act: Act) -> None:
    """The engine waits for a person here, and says so."""
    run = await act.stage.start(act.charge_point.identity)

    async def waits_for_unplugging() -> None:
        waiting = (await run.handle.query("status", result_type=RunView)).waiting
        assert waiting is not None
        assert waiting.waiting_for is WaitingFor.UNPLUG
        assert waiting.prompt == "Unplug the cable from connector 1."

    await eventually(waits_for_unplugging)
    act.charge_point.unplug()
    assert (await act.stage.verdict(run)).status is RunStatus.COMPLETED


def lose_connection(charge_point: VirtualChargePoint, *, seconds: float = 0.1) -> None:
    """Cut the link, for so many real seconds."""
    charge_point._connection.hang_up(
        Downtime(seconds=seconds * charge_point._station.timers.speed, politely=False)
    )
