"""CommissioningWorkflow on skipping time: each behaviour of a charge point gets its verdict."""

import asyncio
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from temporalio.client import WorkflowExecutionStatus

from domain import operations as op
from domain.commissioning import Briefing, OrphanedTransaction, RunOptions, RunRequest
from domain.facts import (
    ChargePointEvents,
    EventKind,
    Snapshot,
    TransactionFact,
)
from domain.failures import FailureCode
from domain.names import CHARGE_POINT_EVENTS_SIGNAL
from domain.operations import Reply
from domain.ownership import Owner
from domain.states import CheckName, CheckResult, ConnectorStatus, RunStatus, WaitingFor
from tests.support.eventually import eventually
from tests.workflows.charger import EPOCH, Behaviour
from tests.workflows.conftest import StageMaker
from workflows import policies
from workflows.after_run import StrayTransactionWorkflow
from workflows.commissioning import CommissioningWorkflow


async def test_a_good_charge_point_passes_all_four_checks(set_stage: StageMaker) -> None:
    stage = await set_stage()
    view = await stage.verdict()
    assert view.status is RunStatus.COMPLETED
    assert [check.result for check in view.checks] == [CheckResult.PASSED] * 4
    assert [check.name for check in view.checks] == list(CheckName)
    assert stage.charger.received["start_test_transaction"] == 1
    assert stage.charger.transaction is not None
    assert stage.charger.transaction.stopped_at is not None


_VERDICTS = [
    (Behaviour(online=False), "ocpp_handshake", "never_connected"),
    (Behaviour(boots=False), "ocpp_handshake", "identity_unknown"),
    (Behaviour(serial="CP-SN-1"), "ocpp_handshake", "serial_mismatch"),
    (Behaviour(vendor="Alfen"), "ocpp_handshake", "vendor_mismatch"),
    (Behaviour(model="Terra DC"), "ocpp_handshake", "model_mismatch"),
    (
        Behaviour(rejects=frozenset({"HeartbeatInterval"})),
        "ocpp_handshake",
        "configuration_rejected",
    ),
    (
        Behaviour(reboot_for=frozenset({"HeartbeatInterval"}), comes_back=False),
        "ocpp_handshake",
        "reboot_not_seen",
    ),
    (
        Behaviour(reboot_for=frozenset({"HeartbeatInterval"}), reset_reply=Reply.REJECTED),
        "ocpp_handshake",
        "reboot_refused",
    ),
    (Behaviour(triggers=False), "ocpp_handshake", "boot_not_accepted"),
    (Behaviour(heartbeats=False), "ocpp_handshake", "heartbeat_missing"),
    (Behaviour(clock_skew_s=-7200), "ocpp_handshake", "clock_skew"),
    (Behaviour(ping_ms=9000), "ocpp_handshake", "slow_link"),
    (Behaviour(firmware="1.7.3"), "firmware_version", "firmware_outdated"),
    (Behaviour(firmware="1.9.9"), "firmware_version", "firmware_blocked"),
    (
        Behaviour(statuses={1: ConnectorStatus.FAULTED}),
        "connector_available",
        "connector_faulted",
    ),
    (
        Behaviour(statuses={1: ConnectorStatus.FINISHING}),
        "connector_available",
        "connector_in_use",
    ),
    (
        Behaviour(statuses={1: ConnectorStatus.UNAVAILABLE}, heals_when_made_available=False),
        "connector_available",
        "connector_unavailable",
    ),
    (
        Behaviour(number_of_connectors=2, heals_when_made_available=False),
        "connector_available",
        "connector_silent",
    ),
    (Behaviour(starts=False), "test_transaction", "transaction_not_started"),
    (Behaviour(start_reply=Reply.REJECTED), "test_transaction", "transaction_rejected"),
    (Behaviour(starts_on=2), "test_transaction", "wrong_connector"),
    (Behaviour(stops=False), "test_transaction", "transaction_not_stopped"),
    (Behaviour(meters=False), "test_transaction", "no_meter_values"),
    (Behaviour(registers=(1000, 1000, 1000)), "test_transaction", "meter_stands_still"),
    (Behaviour(registers=(1000, 1000, 1000), power_w=None), "test_transaction", "no_energy"),
    (Behaviour(registers=(1000, 1060, 1010, 1200)), "test_transaction", "meter_fell"),
    (Behaviour(registers=(1.0, 1.06, 1.12, 1.18)), "test_transaction", "meter_units"),
    (Behaviour(registers=(1000, 1600, 2200)), "test_transaction", "meter_disagrees"),
]


@pytest.mark.parametrize(
    ("behaviour", "check", "code"), _VERDICTS, ids=[code for _, _, code in _VERDICTS]
)
async def test_each_fault_gets_its_verdict(
    set_stage: StageMaker, behaviour: Behaviour, check: str, code: str
) -> None:
    stage = await set_stage(behaviour)
    view = await stage.verdict()
    assert view.status is RunStatus.FAILED
    failed = next(record for record in view.checks if record.result is CheckResult.FAILED)
    assert failed.failure is not None
    assert (failed.name, failed.failure.code) == (check, code)
    assert failed.failure.cause.endswith(".")
    said = f"{failed.failure.cause} {failed.failure.action}"
    assert not re.search(r"\{|\bNone\b|''|  | \.", said), said
    later = view.checks[list(CheckName).index(failed.name) + 1 :]
    assert all(record.result is not CheckResult.PENDING for record in view.checks)
    assert all(record.skip_reason for record in later if record.result is CheckResult.SKIPPED)


async def test_a_clock_is_told_to_be_ahead_or_behind(set_stage: StageMaker) -> None:
    stage = await set_stage(Behaviour(clock_skew_s=-7200.4))
    failure = (await stage.verdict()).failure
    assert failure is not None
    said = "The clock of the charge point is 120 min behind; 2 min is allowed."
    assert failure.cause == said


@pytest.mark.parametrize("said", [65, 1_850_027_108, 2**31])
async def test_a_number_of_connectors_that_nobody_has_is_a_note(
    set_stage: StageMaker, said: int
) -> None:
    """It sizes no loop of a worker, whose other runs would end with it."""
    stage = await set_stage(Behaviour(number_of_connectors=said))
    view = await stage.verdict()
    assert view.status is RunStatus.COMPLETED
    (note,) = [note for check in view.checks for note in check.notes if "connectors" in note]
    assert "not plausible" in note


async def test_a_serial_number_that_it_does_not_say_is_declared_and_asks_for_a_review(
    set_stage: StageMaker,
) -> None:
    stage = await set_stage(Behaviour(serial="0000000000"))
    view = await stage.verdict()
    assert view.status is RunStatus.COMPLETED, view.failure
    check = view.checks[0]
    assert any("CP-SN-00483921" in note for note in check.notes), check.notes
    assert check.needs_review


async def test_a_reboot_is_made_once_and_read_back(set_stage: StageMaker) -> None:
    stage = await set_stage(Behaviour(reboot_for=frozenset({"HeartbeatInterval"})))
    view = await stage.verdict()
    assert view.status is RunStatus.COMPLETED
    assert stage.charger.received["reset"] == 1
    assert stage.charger.received["apply_configuration"] == 2


async def test_reboots_that_are_in_vain_are_few(set_stage: StageMaker) -> None:
    key = "HeartbeatInterval"
    stage = await set_stage(Behaviour(reboot_for=frozenset({key}), reboots_in_vain=True))
    view = await stage.verdict()
    assert view.status is RunStatus.FAILED
    assert stage.charger.received["reset"] == policies.MAX_REBOOTS


async def test_a_reboot_waits_for_its_turn(set_stage: StageMaker) -> None:
    stage = await set_stage(Behaviour(reboot_for=frozenset({"HeartbeatInterval"})))
    stage.records.reboot_waits = {"com_1:reset:1": timedelta(minutes=3)}
    handle = await stage.start()

    async def waits() -> None:
        waiting = (await handle.query(CommissioningWorkflow.status)).waiting
        assert waiting is not None
        assert waiting.waiting_for is WaitingFor.REBOOT
        assert "after others of the project" in waiting.prompt
        assert waiting.until - waiting.since == timedelta(minutes=3)

    await eventually(lambda: waits())  # noqa: PLW0108 - its type is then known
    assert stage.charger.received["reset"] == 0
    view = await stage.verdict_of(handle)
    assert view.status is RunStatus.COMPLETED
    assert stage.charger.received["reset"] == 1


async def test_a_dark_charge_point_is_noted_at_once(set_stage: StageMaker) -> None:
    stage = await set_stage(Behaviour(online=False))
    handle = await stage.start()

    async def is_noted() -> None:
        assert stage.records.waits

    await eventually(lambda: is_noted())  # noqa: PLW0108 - its type is then known
    await stage.charger.connect()
    view = await stage.verdict_of(handle)
    assert view.status is RunStatus.COMPLETED
    (waits, goes_on) = stage.records.waits
    assert waits.waiting is not None
    assert waits.waiting.waiting_for is WaitingFor.CONNECTION
    assert (goes_on.number, goes_on.waiting) == (2, None)


async def test_a_wait_for_a_person_is_noted_once_it_lasts(set_stage: StageMaker) -> None:
    """Nobody unplugs: noted after some seconds. A restart comes to its end by itself: never."""
    stage = await set_stage(
        Behaviour(
            statuses={1: ConnectorStatus.FINISHING}, reboot_for=frozenset({"HeartbeatInterval"})
        )
    )
    view = await stage.verdict()
    assert view.status is RunStatus.FAILED
    # The verdict ends the wait as well, so nothing waits for the note that it is over.
    noted, *_ = [note.waiting for note in stage.records.waits if note.waiting is not None]
    assert noted.waiting_for is WaitingFor.UNPLUG
    assert noted.until - noted.since == RunOptions().pace.unplug


async def test_a_good_run_notes_nothing(set_stage: StageMaker) -> None:
    stage = await set_stage()
    await stage.verdict()
    assert stage.records.waits == []


async def test_a_missing_trigger_is_not_tried_again(set_stage: StageMaker) -> None:
    stage = await set_stage(Behaviour(triggers=False))
    stage.charger.provisioned = True
    await stage.verdict()
    assert sum(n for name, n in stage.charger.received.items() if "trigger" in name) == 1


async def test_no_test_transaction_is_a_skip_with_a_reason(set_stage: StageMaker) -> None:
    stage = await set_stage()
    view = await stage.verdict(RunOptions(run_test_transaction=False))
    assert view.status is RunStatus.COMPLETED
    last = view.checks[-1]
    assert last.result is CheckResult.SKIPPED
    assert last.skip_reason == ("installer@acme.com started the run without a test transaction.")
    assert stage.charger.received["start_test_transaction"] == 0


async def test_a_run_that_was_taken_back_leaves_no_verdict(set_stage: StageMaker) -> None:
    stage = await set_stage()
    stage.records.accepted = False
    handle = await stage.start()
    assert await handle.result() is None
    assert stage.records.verdicts == []


async def test_a_busy_charge_point_is_waited_for(set_stage: StageMaker) -> None:
    stage = await set_stage()
    stage.records.busy_for = 3
    assert (await stage.verdict()).status is RunStatus.COMPLETED


async def test_an_operation_is_sent_again_when_the_socket_moved(set_stage: StageMaker) -> None:
    stage = await set_stage()
    stage.charger.gone_for["apply_configuration"] = 2
    view = await stage.verdict()
    assert view.status is RunStatus.COMPLETED
    assert stage.charger.received["apply_configuration"] == 3


async def test_a_start_that_was_lost_with_its_node_is_asked_for_again(
    set_stage: StageMaker,
) -> None:
    stage = await set_stage(Behaviour(lost_starts=1))
    view = await stage.verdict()  # nobody plugs a vehicle in: it is there already
    assert view.status is RunStatus.COMPLETED
    assert stage.charger.received["start_test_transaction"] == 2


async def test_the_mail_is_asked_for_when_wanted(set_stage: StageMaker) -> None:
    stage = await set_stage()
    await stage.verdict(RunOptions(notify_on_complete=True, run_test_transaction=False))
    await stage.env.client.get_workflow_handle("notice-com_1").result()
    assert stage.records.mailed == ["com_1"]


async def test_a_transaction_that_will_not_stop_is_an_alarm(set_stage: StageMaker) -> None:
    stage = await set_stage(Behaviour(stops=False))
    view = await stage.verdict()
    assert view.alarms == (
        "Test transaction 7 on connector 1 is still running; the engine keeps trying to stop it.",
    )
    orphaned = await stage.env.client.get_workflow_handle("stray-transaction-cp_1-7").describe()
    assert orphaned.status is WorkflowExecutionStatus.RUNNING


async def test_an_orphaned_transaction_is_asked_to_stop_until_it_has(set_stage: StageMaker) -> None:
    stage = await set_stage(Behaviour(stops=False))
    charger = stage.charger
    charger.transaction = TransactionFact(
        transaction_id="7", connector_id=1, id_tag="T", started_at=EPOCH, meter_start=0
    )
    orphaned = await stage.env.client.start_workflow(
        StrayTransactionWorkflow.run,
        OrphanedTransaction(charge_point_id="cp_1", commissioning_id="com_1", transaction_id="7"),
        id="stray-transaction-cp_1-7",
        task_queue=stage.task_queue,
    )
    await stage.env.sleep(timedelta(hours=5))
    asked = charger.received["stop_test_transaction"]
    assert 8 <= asked <= 12  # after 1, 2, 4 … minutes, then hourly
    assert charger.transaction is not None
    charger.transaction = replace(charger.transaction, stopped_at=EPOCH)
    await orphaned.result()
    assert charger.received["stop_test_transaction"] == asked


async def test_nobody_is_asked_to_stop_what_was_withdrawn(set_stage: StageMaker) -> None:
    stage = await set_stage(Behaviour(online=False))
    charger = stage.charger
    charger.transaction = TransactionFact(
        transaction_id="7", connector_id=1, id_tag="T", started_at=EPOCH, meter_start=0
    )
    orphaned = await stage.env.client.start_workflow(
        StrayTransactionWorkflow.run,
        OrphanedTransaction(charge_point_id="cp_1", commissioning_id="com_1", transaction_id="7"),
        id="stray-transaction-cp_1-7",
        task_queue=stage.task_queue,
    )
    await stage.env.sleep(timedelta(hours=1))
    assert (await orphaned.describe()).status is WorkflowExecutionStatus.RUNNING
    stage.records.withdrawn = True
    await orphaned.result()
    assert charger.received["stop_test_transaction"] == 0


async def test_a_connection_that_is_heard_before_the_snapshot_is_read_up_on(
    set_stage: StageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its node may have died with the rest of what it had to tell."""
    stage = await set_stage(Behaviour(online=False, boot_is_told=False))
    charger, begin = stage.charger, stage.records.begin_run
    stage.records.busy_for = 1

    async def begin_run(request: RunRequest, *, owner: Owner) -> Briefing:
        briefing = await begin(request, owner=owner)
        if briefing.busy_with is not None:
            await charger.connect()
        return replace(briefing, snapshot=Snapshot())

    monkeypatch.setattr(stage.records, "begin_run", begin_run)
    view = await stage.verdict()
    assert view.status is RunStatus.COMPLETED, view.failure
    assert stage.records.caught_up == 1


async def test_what_a_dying_node_did_not_tell_is_read_after_the_reconnect(
    set_stage: StageMaker,
) -> None:
    stage = await set_stage(Behaviour(stop_is_told=False))
    view = await stage.verdict()
    assert view.status is RunStatus.COMPLETED
    assert stage.charger.received["stop_test_transaction"] <= 2


async def test_what_a_node_could_not_keep_is_read_again(
    set_stage: StageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The start of the transaction is among the events that were dropped."""
    stage = await set_stage()
    charger, start = stage.charger, stage.charger.start_test_transaction

    async def untold(request: op.StartTestTransaction) -> op.Outcome:
        with monkeypatch.context() as patch:
            patch.setattr(charger, "tell", _dropped)
            outcome = await start(request)
        assert charger.handle is not None
        incomplete = ChargePointEvents(events=(), incomplete=True)
        await charger.handle.signal(CHARGE_POINT_EVENTS_SIGNAL, incomplete)
        return outcome

    monkeypatch.setattr(charger, "start_test_transaction", untold)
    view = await stage.verdict()
    assert view.status is RunStatus.COMPLETED, view.failure
    assert charger.received["start_test_transaction"] == 1


async def _dropped(_kind: EventKind, **_facts: object) -> None: ...


async def test_the_station_may_speak_only_when_it_is_asked(
    set_stage: StageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = await set_stage(
        Behaviour(statuses={0: ConnectorStatus.FAULTED, 1: ConnectorStatus.AVAILABLE})
    )
    monkeypatch.setattr(stage.charger, "connectors", tuple)
    view = await stage.verdict()
    assert view.failure is not None
    assert view.failure.code == FailureCode.CONNECTOR_FAULTED
    assert view.checks[2].steps[0].name == "connector.0"


async def test_a_connector_that_says_once_more_that_it_is_unavailable(
    set_stage: StageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its word crossed the order that makes it available, and is not the answer to that."""
    stage = await set_stage(Behaviour(statuses={1: ConnectorStatus.UNAVAILABLE}))
    told = asyncio.Event()

    async def later(_request: op.ChangeAvailability) -> op.Outcome:
        told.set()
        return op.Outcome(reply=op.Reply.ACCEPTED)

    monkeypatch.setattr(stage.charger, "change_availability", later)
    with stage.env.auto_time_skipping_disabled():
        handle = await stage.start()
        await asyncio.wait_for(told.wait(), timeout=45)
        for seconds, status in enumerate((ConnectorStatus.UNAVAILABLE, ConnectorStatus.AVAILABLE)):
            said = replace(
                stage.charger.fact(1), status=status, at=EPOCH + timedelta(seconds=seconds + 1)
            )
            await stage.charger.tell(EventKind.CONNECTOR, connector=said)
            await handle.query(CommissioningWorkflow.status)  # it has heard that
    assert (await stage.verdict_of(handle)).status is RunStatus.COMPLETED


async def test_what_was_another_on_an_earlier_connection_is_asked_who_it_is(
    set_stage: StageMaker,
) -> None:
    """Whoever swaps them on site retries before the right one has said who it is."""
    stage = await set_stage()
    another = replace(stage.charger.boot(), charge_point_serial="SN-2")
    stage.charger.behaviour.boot_before = replace(another, at=EPOCH - timedelta(minutes=5))
    view = await stage.verdict()
    assert view.status is RunStatus.COMPLETED, view.failure


@pytest.mark.parametrize("model", ["Terra AC W22", "Terra AC W7"])
async def test_the_unit_of_another_bay_is_named(set_stage: StageMaker, model: str) -> None:
    stage = await set_stage(Behaviour(serial="SN-OF-BAY-4", model=model))
    view = await stage.verdict()
    assert view.failure is not None
    assert view.failure.code == FailureCode.SERIAL_OF_ANOTHER
    assert view.failure.cause == (
        "The charge point reports the serial number of another one of the project: 'SN-OF-BAY-4' "
        "is registered in Bay 4; 'CP-SN-00483921' was registered here."
    )
    assert '"charge_point_ids": ["cp_1", "cp_2"] and "exchange"' in view.failure.action
