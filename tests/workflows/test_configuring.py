"""Configuration and heartbeat of a run: what is asked again, what may fail it, how it waits."""

from dataclasses import replace

import pytest

from domain.commissioning import RunPace
from domain.operations import Reply
from domain.states import CheckResult, ConnectorStatus, RunStatus, WaitingFor
from tests.support.eventually import eventually
from tests.workflows.charger import Behaviour
from tests.workflows.conftest import StageMaker
from workflows.commissioning import CommissioningWorkflow


async def test_what_was_declared_overrides_what_it_reports(set_stage: StageMaker) -> None:
    stage = await set_stage(
        Behaviour(
            number_of_connectors=1,
            statuses={1: ConnectorStatus.AVAILABLE, 2: ConnectorStatus.FAULTED},
        )
    )
    stage.records.registered = replace(stage.records.registered, connectors=2)
    view = await stage.verdict()
    handshake, connector = view.checks[0], view.checks[2]
    assert handshake.notes == (
        "It reports 1 as its number of connectors; 2 was declared, and that counts.",
    )
    assert [step.name for step in connector.steps] == ["connector.1", "connector.2"]
    assert connector.failure is not None
    assert connector.failure.code == "connector_faulted"


async def test_what_gave_no_answer_is_asked_again(set_stage: StageMaker) -> None:
    stage = await set_stage(Behaviour(unanswered=2))
    view = await stage.verdict()
    assert view.status is RunStatus.COMPLETED
    assert stage.charger.received["apply_configuration"] == 3
    assert view.checks[0].notes == ()


async def test_what_never_gives_an_answer_is_named(set_stage: StageMaker) -> None:
    stage = await set_stage(Behaviour(unanswered=1000))
    view = await stage.verdict()
    assert view.failure is not None
    assert view.failure.code == "configuration_rejected"
    assert "HeartbeatInterval = 60: the charge point gave no answer" in view.failure.cause
    assert 2 < stage.charger.received["apply_configuration"] < 100


async def test_what_it_does_not_know_is_not_asked_again_in_the_run(set_stage: StageMaker) -> None:
    cache = "AuthorizationCacheEnabled"
    stage = await set_stage(
        Behaviour(lacks=frozenset({cache}), reboot_for=frozenset({"HeartbeatInterval"}))
    )
    view = await stage.verdict()
    assert view.status is RunStatus.COMPLETED
    asked = [request.not_supported for request in stage.charger.applied]
    assert asked == [(), (cache,)]
    assert {request.restart_follows for request in stage.charger.applied} == {True}


@pytest.mark.parametrize(
    "behaviour",
    [
        Behaviour(reset_reply=Reply.REJECTED),
        Behaviour(restarts=False, reset_reply=Reply.ACCEPTED),
    ],
    ids=["refused", "ignored"],
)
async def test_a_mere_default_that_needs_a_restart_fails_nobody(
    set_stage: StageMaker, behaviour: Behaviour
) -> None:
    cache = "AuthorizationCacheEnabled"
    stage = await set_stage(replace(behaviour, reboot_for=frozenset({cache})))
    view = await stage.verdict()
    assert view.status is RunStatus.COMPLETED, view.failure
    notes = " ".join(view.checks[0].notes)
    assert "restart" in notes
    assert f"{cache} = true: takes effect after a restart" in notes


async def test_a_chosen_value_fails_the_run_where_it_is_refused(set_stage: StageMaker) -> None:
    cache = "AuthorizationCacheEnabled"
    stage = await set_stage(Behaviour(rejects=frozenset({cache})))
    assert (await stage.verdict()).status is RunStatus.COMPLETED
    stage = await set_stage(Behaviour(rejects=frozenset({cache})))
    stage.records.desired = tuple(
        replace(one, chosen=one.key == cache) for one in stage.records.desired
    )
    view = await stage.verdict()
    assert view.failure is not None
    assert view.failure.code == "configuration_rejected"
    steps = {step.name: step.result for step in view.checks[0].steps}
    assert steps[f"configuration.{cache}"] is CheckResult.FAILED
    assert steps["configuration.HeartbeatInterval"] is CheckResult.PASSED


async def test_no_step_of_a_passed_check_has_failed(set_stage: StageMaker) -> None:
    """What a mere default is refused is told by a note."""
    stage = await set_stage(Behaviour(rejects=frozenset({"AuthorizationCacheEnabled"})))
    view = await stage.verdict()
    assert view.status is RunStatus.COMPLETED
    for check in view.checks:
        if check.result is CheckResult.PASSED:
            assert all(step.result is CheckResult.PASSED for step in check.steps)


@pytest.mark.parametrize("said", ["86400", "1e20", "9" * 39])
async def test_an_interval_that_it_does_not_change_is_waited_for_within_bounds(
    set_stage: StageMaker, said: str
) -> None:
    """To advise another one would be of no use, and a number of its own sizes no wait."""
    stage = await set_stage(Behaviour(heartbeats=False, said_interval=said))
    stage.records.desired = tuple(replace(one, required=False) for one in stage.records.desired)
    handle = await stage.start()

    async def shown() -> None:
        view = await handle.query(CommissioningWorkflow.status)
        assert view is not None
        assert view.waiting is not None
        assert view.waiting.waiting_for is WaitingFor.HEARTBEAT
        assert view.waiting.until - view.waiting.since == RunPace().heartbeat_at_most

    await eventually(shown)
    view = await stage.verdict_of(handle)
    assert view.status is RunStatus.COMPLETED, view.failure
    (note,) = [note for note in view.checks[0].notes if "heartbeat" in note]
    assert note.startswith("It has a HeartbeatInterval of ")
    assert note.endswith(" s and takes no other, so that no heartbeat came within 15 min.")
    assert view.checks[0].needs_review


async def test_a_short_interval_is_no_advice_for_one_that_is_silent(
    set_stage: StageMaker,
) -> None:
    stage = await set_stage(Behaviour(heartbeats=False, said_interval="240"))
    stage.records.desired = tuple(replace(one, required=False) for one in stage.records.desired)
    view = await stage.verdict()
    assert view.failure is not None
    assert view.failure.code == "heartbeat_missing"
    assert view.failure.cause == (
        "The charge point has a HeartbeatInterval of 240 s and sent no heartbeat within 8 min."
    )
    assert "Customise" not in view.failure.action


async def test_what_it_was_told_with_its_boot_is_known_where_it_tells_nothing(
    set_stage: StageMaker,
) -> None:
    stage = await set_stage(
        Behaviour(heartbeats=False, lacks=frozenset({"HeartbeatInterval"}), told_interval=60)
    )
    stage.records.desired = tuple(replace(one, required=False) for one in stage.records.desired)
    view = await stage.verdict()
    assert view.failure is not None
    assert view.failure.cause == (
        "The charge point was told to send a heartbeat every 60 s and sent no heartbeat within "
        "3 min."
    )
