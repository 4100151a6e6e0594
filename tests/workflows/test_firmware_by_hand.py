"""A firmware that only a person can bring: one word leads to one look."""

from dataclasses import replace
from datetime import timedelta

from temporalio.client import WorkflowHandle

from domain.catalogue import FirmwareUpdate
from domain.checks import RunView, Waiting
from domain.commissioning import RunAnswer, RunOptions
from domain.facts import EventKind
from domain.states import InstallerAnswer, RunStatus, WaitingFor
from tests.support.eventually import eventually
from tests.workflows.charger import FIRMWARE, Behaviour
from tests.workflows.conftest import StageMaker
from workflows.commissioning import CommissioningWorkflow

DONE = RunAnswer(answer=InstallerAnswer.DONE, by="alex@acme.com")
GIVE_UP = RunAnswer(answer=InstallerAnswer.GIVE_UP, by="alex@acme.com", note="no app here")


async def test_a_word_is_used_up_by_one_look(set_stage: StageMaker) -> None:
    """The boot that was asked for may be told before the answer to the trigger is."""
    stage = await set_stage(Behaviour(firmware="1.7.0"))
    stage.records.firmware = replace(FIRMWARE, update=FirmwareUpdate.VENDOR)
    with stage.env.auto_time_skipping_disabled():
        handle = await stage.start(RunOptions(update_firmware=True))
        await eventually(lambda: _asks(handle, "Update the firmware to 1.8.0"))
        looks = stage.charger.received["trigger BootNotification"]
        await handle.execute_update(CommissioningWorkflow.answer, DONE)
        await eventually(lambda: _asks(handle, "still reports firmware 1.7.0"))
        assert stage.charger.received["trigger BootNotification"] == looks + 1
        stage.charger.behaviour.firmware = "1.8.0"
        await handle.execute_update(CommissioningWorkflow.answer, DONE)
    view = await stage.verdict_of(handle)
    assert view.status is RunStatus.COMPLETED, view.failure
    assert stage.charger.received["trigger BootNotification"] == looks + 2
    assert [step.name for step in view.checks[1].steps].count("confirmed") == 2
    told = [(note.number, note.asked, note.answer) for note in stage.records.answers]
    assert told == [(number, WaitingFor.INSTALLER, DONE) for number in (1, 2)]


async def test_one_that_is_still_installing_is_waited_for(set_stage: StageMaker) -> None:
    """Longer than a reconnect may take elsewhere."""
    stage = await set_stage(Behaviour(firmware="1.7.0"))
    stage.records.firmware = replace(FIRMWARE, update=FirmwareUpdate.VENDOR)
    charger = stage.charger
    with stage.env.auto_time_skipping_disabled():
        handle = await stage.start(RunOptions(update_firmware=True))
        await eventually(lambda: _asks(handle, "Update the firmware to 1.8.0"))
        charger.behaviour.online = False
        await charger.tell(EventKind.DISCONNECTED, connection=charger.connection())
        await handle.execute_update(CommissioningWorkflow.answer, DONE)
        waiting = await _asks(handle, "Wait until the charge point is back")
        assert waiting.until - waiting.since > timedelta(hours=23)
    await stage.env.sleep(timedelta(minutes=20))
    charger.behaviour.firmware = "1.8.0"
    await charger.connect()
    view = await stage.verdict_of(handle)
    assert view.status is RunStatus.COMPLETED, view.failure


async def _asks(
    handle: WorkflowHandle[CommissioningWorkflow, RunView | None], text: str
) -> Waiting:
    waiting = (await handle.query(CommissioningWorkflow.status)).waiting
    assert waiting is not None
    assert text in waiting.prompt
    return waiting


async def test_an_answer_that_ends_the_run_is_heard_before_the_end(set_stage: StageMaker) -> None:
    """In one task with the end it would be lost, and refused, if an event came meanwhile."""
    stage = await set_stage(Behaviour(firmware="1.7.0"))
    stage.records.firmware = replace(FIRMWARE, update=FirmwareUpdate.VENDOR)
    with stage.env.auto_time_skipping_disabled():
        handle = await stage.start(RunOptions(update_firmware=True))
        await eventually(lambda: _asks(handle, "Update the firmware to 1.8.0"))
        await handle.execute_update(CommissioningWorkflow.answer, GIVE_UP)
    view = await stage.verdict_of(handle)
    assert view.status is RunStatus.FAILED
    kinds = [event.WhichOneof("attributes") async for event in handle.fetch_history_events()]
    heard = kinds.index("workflow_execution_update_completed_event_attributes")
    ended = kinds.index("workflow_execution_failed_event_attributes")
    assert "workflow_task_started_event_attributes" in kinds[heard:ended]
