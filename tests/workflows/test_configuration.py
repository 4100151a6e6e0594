"""ConfigurationWorkflow on skipping time: push, one restart, read back, and who owns it."""

from datetime import timedelta

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle, WorkflowUpdateHandle, WorkflowUpdateStage

from domain.configuration import ConfigurationRequest, ConfigurationResult, PushNow
from domain.facts import EventKind, TransactionFact
from domain.names import GIVE_WAY_SIGNAL
from domain.operations import Reply
from domain.states import ConnectorStatus, ParameterState, RunStatus
from tests.support.eventually import eventually
from tests.workflows.charger import EPOCH, Behaviour
from tests.workflows.conftest import Stage, StageMaker
from workflows.configuration import ConfigurationWorkflow

NEEDS_RESTART = frozenset({"MeterValueSampleInterval"})
Pushing = WorkflowHandle[ConfigurationWorkflow, ConfigurationResult]


async def _start(stage: Stage, *, restart: bool = True) -> Pushing:
    workflow_id = "configuration-cp_1"
    stage.charger.handle = stage.env.client.get_workflow_handle(workflow_id)
    return await stage.env.client.start_workflow(
        ConfigurationWorkflow.run,
        ConfigurationRequest(charge_point_id="cp_1", restart=restart),
        id=workflow_id,
        task_queue=stage.task_queue,
    )


async def _push(stage: Stage, *, restart: bool = True) -> ConfigurationResult:
    return await (await _start(stage, restart=restart)).result()


def _states(result: ConfigurationResult) -> dict[str, ParameterState]:
    return {parameter.key: parameter.state for parameter in result.parameters}


async def test_a_push_says_where_each_value_stands(set_stage: StageMaker) -> None:
    stage = await set_stage(
        Behaviour(
            rejects=frozenset({"HeartbeatInterval"}),
            reboot_for=frozenset({"MeterValueSampleInterval"}),
        )
    )
    result = await _push(stage, restart=False)
    assert result.pushed
    assert _states(result) == {
        "HeartbeatInterval": ParameterState.REJECTED,
        "MeterValueSampleInterval": ParameterState.PENDING_REBOOT,
        "AuthorizationCacheEnabled": ParameterState.APPLIED,
    }
    assert stage.charger.received["reset"] == 0


async def test_values_chosen_during_a_push_are_pushed_too(set_stage: StageMaker) -> None:
    stage = await set_stage()
    stage.records.queued = True
    assert (await _push(stage)).pushed
    assert stage.charger.received["apply_configuration"] == 2


async def test_one_that_cannot_be_read_is_asked_once(set_stage: StageMaker) -> None:
    stage = await set_stage(Behaviour(unreadable="GetConfiguration was not answered."))
    stage.records.queued = True
    result = await _push(stage)
    assert (result.pushed, result.reason) == (False, "GetConfiguration was not answered.")
    assert stage.charger.received["apply_configuration"] == 1


async def test_a_push_gives_way_to_a_run(set_stage: StageMaker) -> None:
    stage = await set_stage()
    stage.records.busy_for = 1
    result = await _push(stage)
    assert (result.pushed, result.reason) == (False, "The charge point is being commissioned.")
    assert stage.charger.received["apply_configuration"] == 0


async def test_values_chosen_while_it_gives_way_are_left_to_the_run(
    set_stage: StageMaker,
) -> None:
    stage = await set_stage()
    stage.charger.configurable.clear()
    pushing = await _start(stage)
    await eventually(lambda: _is_under_way(pushing))
    await pushing.signal(GIVE_WAY_SIGNAL)
    asked = await _ask(pushing)
    stage.charger.configurable.set()
    left = await asked.result()
    assert (left.pushed, left.reason) == (False, "The charge point is being commissioned.")
    assert stage.charger.received["apply_configuration"] == 1
    assert (await pushing.result()).pushed


async def test_a_charge_point_that_is_away_is_pushed_later(set_stage: StageMaker) -> None:
    stage = await set_stage(Behaviour(online=False))
    result = await _push(stage)
    assert (result.pushed, result.reason) == (False, "The charge point has never connected.")


async def test_a_run_has_pushed_what_was_chosen_meanwhile(set_stage: StageMaker) -> None:
    stage = await set_stage()
    stage.records.queued = True
    handle = await stage.start()
    await stage.verdict_of(handle)
    history = await handle.fetch_history()
    started = [
        event.child_workflow_execution_started_event_attributes.workflow_execution.workflow_id
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED
    ]
    assert started == ["configuration-cp_1"]


async def test_a_value_that_needs_a_restart_gets_one_and_is_read_back(
    set_stage: StageMaker,
) -> None:
    stage = await set_stage(Behaviour(reboot_for=NEEDS_RESTART))
    result = await _push(stage)
    assert set(_states(result).values()) == {ParameterState.APPLIED}
    assert stage.charger.received["reset"] == 1
    assert stage.charger.received["apply_configuration"] == 2
    (release,) = stage.records.releases
    assert (release.note, release.restart_due) == (None, False)


async def test_a_value_that_the_restart_did_not_help_is_not_restarted_for_again(
    set_stage: StageMaker,
) -> None:
    stage = await set_stage(Behaviour(reboot_for=NEEDS_RESTART, reboots_in_vain=True))
    result = await _push(stage)
    assert _states(result)["MeterValueSampleInterval"] is ParameterState.MISMATCH
    stage.charger.pending = set(NEEDS_RESTART)  # should it be said to wait for one again
    assert (await _push(stage)).pushed
    assert stage.charger.received["reset"] == 1


async def test_nobody_who_charges_is_cut_off(set_stage: StageMaker) -> None:
    stage = await set_stage(Behaviour(reboot_for=NEEDS_RESTART))
    stage.charger.transaction = TransactionFact(
        transaction_id="7", connector_id=1, id_tag="T", started_at=EPOCH, meter_start=0
    )
    result = await _push(stage)
    assert _states(result)["MeterValueSampleInterval"] is ParameterState.PENDING_REBOOT
    assert stage.charger.received["reset"] == 0
    (release,) = stage.records.releases
    assert release.restart_due
    assert release.note == (
        "The restart waits until nobody charges: transaction 7 is running on connector 1."
    )


async def test_nobody_who_is_about_to_charge_is_sent_away(set_stage: StageMaker) -> None:
    stage = await set_stage(
        Behaviour(reboot_for=NEEDS_RESTART, statuses={1: ConnectorStatus.PREPARING})
    )
    await _push(stage)
    assert stage.charger.received["reset"] == 0
    assert stage.records.releases[0].restart_due


async def test_others_of_the_project_restart_before_it(set_stage: StageMaker) -> None:
    stage = await set_stage(Behaviour(reboot_for=NEEDS_RESTART))
    stage.records.reboot_waits["restart"] = timedelta(minutes=3)
    result = await _push(stage)
    assert set(_states(result).values()) == {ParameterState.APPLIED}
    assert stage.charger.received["reset"] == 1


async def test_one_that_does_not_come_back_is_let_go(set_stage: StageMaker) -> None:
    stage = await set_stage(Behaviour(reboot_for=NEEDS_RESTART, comes_back=False))
    result = await _push(stage)
    assert _states(result)["MeterValueSampleInterval"] is ParameterState.PENDING_REBOOT
    (release,) = stage.records.releases
    assert release.note
    assert release.note.startswith("The charge point was told to restart and did not come back")
    assert not release.restart_due


async def test_one_that_does_not_obey_is_told_once(set_stage: StageMaker) -> None:
    stage = await set_stage(Behaviour(reboot_for=NEEDS_RESTART, restarts=False))
    await _push(stage)
    await _push(stage)
    assert stage.charger.received["reset"] == 1
    assert stage.records.releases[-1].note == (
        "The charge point was told to restart at 2026-05-01 09:00:00 UTC, and has not. "
        "Restart it by hand."
    )


async def test_one_that_refuses_to_restart_says_so(set_stage: StageMaker) -> None:
    stage = await set_stage(Behaviour(reboot_for=NEEDS_RESTART, reset_reply=Reply.REJECTED))
    await _push(stage)
    assert stage.records.releases[-1].note == (
        "The charge point refused to restart (rejected). Restart it by hand."
    )


async def test_a_push_follows_a_charge_point_whose_node_died(set_stage: StageMaker) -> None:
    stage = await set_stage()
    stage.charger.gone_for["apply_configuration"] = 1
    assert (await _push(stage)).pushed


async def test_the_boot_that_a_dead_node_did_not_tell_is_read(set_stage: StageMaker) -> None:
    stage = await set_stage(Behaviour(reboot_for=NEEDS_RESTART, comes_back=False))
    pushing = await _start(stage)
    charger = stage.charger
    await eventually(lambda: _assert(charger.received["reset"] == 1))
    charger.behaviour.online = True
    charger.generation += 1
    charger.clock += timedelta(seconds=1)
    await charger.tell(EventKind.CONNECTED, connection=charger.connection())
    assert set(_states(await pushing.result()).values()) == {ParameterState.APPLIED}


async def test_a_connection_that_comes_before_the_answer_to_the_reset_counts(
    set_stage: StageMaker,
) -> None:
    stage = await set_stage(Behaviour(reboot_for=NEEDS_RESTART, boot_is_told=False))
    pushing = await _start(stage)
    assert set(_states(await pushing.result()).values()) == {ParameterState.APPLIED}


async def test_who_chooses_a_value_does_not_wait_for_the_restart(set_stage: StageMaker) -> None:
    stage = await set_stage(Behaviour(reboot_for=NEEDS_RESTART, comes_back=False))
    stage.charger.configurable.clear()
    pushing = await _start(stage)
    asked = await _ask(pushing)
    stage.charger.configurable.set()
    first = await asked.result()
    assert _states(first)["MeterValueSampleInterval"] is ParameterState.PENDING_REBOOT
    await eventually(lambda: _assert(stage.charger.received["reset"] == 1))
    second = await pushing.execute_update(ConfigurationWorkflow.push_now, PushNow())
    assert (second.pushed, second.reason) == (False, "The charge point is restarting.")
    await stage.charger.connect()
    assert set(_states(await pushing.result()).values()) == {ParameterState.APPLIED}
    assert stage.charger.received["reset"] == 1


async def test_a_run_takes_over_from_a_push_that_waits_for_the_restart(
    set_stage: StageMaker,
) -> None:
    stage = await set_stage(Behaviour(reboot_for=NEEDS_RESTART, comes_back=False))
    pushing = await _start(stage)
    await eventually(lambda: _assert(stage.charger.received["reset"] == 1))
    run = await stage.start()
    await eventually(lambda: _assert(_owner(stage) == run.id))
    await stage.charger.connect()
    view = await stage.verdict_of(run)
    assert (await pushing.result()).pushed
    assert view.status is RunStatus.COMPLETED, view.failure
    assert stage.charger.received["reset"] == 1
    assert stage.records.releases[-1].note is None


async def _ask(pushing: Pushing) -> WorkflowUpdateHandle[ConfigurationResult]:
    return await pushing.start_update(
        ConfigurationWorkflow.push_now,
        PushNow(),
        wait_for_stage=WorkflowUpdateStage.ACCEPTED,
    )


async def _is_under_way(pushing: Pushing) -> None:
    assert (await pushing.describe()).raw_description.pending_activities


def _assert(condition: object) -> None:
    assert condition


def _owner(stage: Stage) -> str | None:
    owner = stage.records.owner
    return None if owner is None else owner.workflow_id
