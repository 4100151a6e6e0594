"""Did the charge point take its configuration?"""

from dataclasses import replace

import pytest

from domain.failures import FailureCode
from domain.operations import DesiredParameter, ParameterOutcome
from domain.rules.configuration import describe_refusal, describe_state, judge_configuration
from domain.states import ParameterState

HEARTBEAT = DesiredParameter(key="HeartbeatInterval", value="60", required=True)
CACHE = DesiredParameter(key="AuthorizationCacheEnabled", value="true")


def outcome(
    desired: DesiredParameter, state: ParameterState, reported: str | None = "300"
) -> ParameterOutcome:
    return ParameterOutcome(key=desired.key, desired=desired.value, reported=reported, state=state)


@pytest.mark.parametrize(
    ("state", "reported", "words"),
    [
        (ParameterState.REJECTED, "300", "the charge point rejected the value"),
        (ParameterState.NOT_SUPPORTED, None, "the charge point does not know this parameter"),
        (ParameterState.READ_ONLY, "300", "read-only, the charge point has 300"),
        (ParameterState.READ_ONLY, None, "read-only, the charge point has nothing"),
        (ParameterState.PENDING_REBOOT, "300", "takes effect after a restart"),
        (ParameterState.MISMATCH, "300", "the charge point reports 300"),
        (ParameterState.MISMATCH, None, "the charge point reports nothing"),
        (ParameterState.MISMATCH, "", "the charge point reports (empty)"),
        (ParameterState.MISMATCH, "x" * 500, f"the charge point reports {'x' * 79}…"),
        (ParameterState.QUEUED, None, "the charge point gave no answer"),
    ],
)
def test_a_refusal_in_words(state: ParameterState, reported: str | None, words: str) -> None:
    said = describe_refusal(outcome(HEARTBEAT, state, reported))
    assert said == f"HeartbeatInterval = 60: {words}"


def test_all_taken() -> None:
    verdict = judge_configuration(
        [HEARTBEAT, CACHE],
        [outcome(HEARTBEAT, ParameterState.APPLIED), outcome(CACHE, ParameterState.APPLIED)],
    )
    assert (verdict.reboot, verdict.notes, verdict.failure) == (False, (), None)


def test_a_restart_is_asked_for_before_anything_else() -> None:
    verdict = judge_configuration([HEARTBEAT], [outcome(HEARTBEAT, ParameterState.PENDING_REBOOT)])
    assert verdict.reboot
    assert verdict.failure is None


@pytest.mark.parametrize(
    "state",
    sorted(
        set(ParameterState)
        - {ParameterState.APPLIED, ParameterState.UNCONFIRMED, ParameterState.PENDING_REBOOT}
    ),
)
def test_what_is_required_fails_and_the_rest_leaves_a_note(state: ParameterState) -> None:
    verdict = judge_configuration([CACHE], [outcome(CACHE, state)])
    assert verdict.failure is None
    assert len(verdict.notes) == 1
    verdict = judge_configuration([HEARTBEAT], [outcome(HEARTBEAT, state)])
    assert verdict.notes == ()
    assert verdict.failure is not None
    assert verdict.failure.code == FailureCode.CONFIGURATION_REJECTED


def test_what_was_accepted_and_is_not_reported_passes_and_is_said() -> None:
    accepted = replace(outcome(HEARTBEAT, ParameterState.UNCONFIRMED), written=True)
    verdict = judge_configuration([HEARTBEAT], [accepted])
    assert verdict.failure is None
    assert verdict.notes == ("HeartbeatInterval = 60: accepted, and not reported back",)


@pytest.mark.parametrize(
    ("state", "detail", "words"),
    [
        (ParameterState.REJECTED, "It answered 'OK'.", "did not take the value (It answered 'OK')"),
        (ParameterState.NOT_SUPPORTED, "No such action.", "cannot be told it (No such action)"),
        (ParameterState.QUEUED, "Silence.", "gave no answer (Silence)"),
    ],
)
def test_why_it_was_not_taken_is_said(state: ParameterState, detail: str, words: str) -> None:
    said = describe_refusal(replace(outcome(HEARTBEAT, state), detail=detail))
    assert said == f"HeartbeatInterval = 60: the charge point {words}"


@pytest.mark.parametrize("state", sorted(ParameterState))
@pytest.mark.parametrize("written", [True, False])
@pytest.mark.parametrize("detail", [None, "Because."])
def test_nothing_is_none_in_a_sentence(
    state: ParameterState, *, written: bool, detail: str | None
) -> None:
    one = replace(outcome(HEARTBEAT, state, None), written=written, detail=detail)
    assert "None" not in describe_refusal(one) + describe_state(one)
    assert "Accepted" not in describe_refusal(one)


def test_a_chosen_value_fails_and_a_mere_default_does_not() -> None:
    refused = [outcome(CACHE, ParameterState.REJECTED)]
    assert judge_configuration([CACHE], refused).failure is None
    verdict = judge_configuration([replace(CACHE, chosen=True)], refused)
    assert verdict.fatal == {CACHE.key}
    assert verdict.notes == ()


def test_a_failure_names_every_parameter_that_is_to_blame() -> None:
    wanted = [
        HEARTBEAT,
        DesiredParameter(key="MeterValueSampleInterval", value="30", required=True),
    ]
    verdict = judge_configuration(
        wanted, [outcome(parameter, ParameterState.REJECTED) for parameter in wanted]
    )
    assert verdict.failure is not None
    assert verdict.failure.cause == (
        "The charge point did not take the configuration: HeartbeatInterval = 60: the charge point "
        "rejected the value; MeterValueSampleInterval = 30: the charge point rejected the value."
    )


def test_a_required_parameter_without_an_outcome_fails() -> None:
    """A node that is silent about one of them must not pass for an applied one."""
    verdict = judge_configuration([HEARTBEAT, CACHE], [outcome(CACHE, ParameterState.APPLIED)])
    assert verdict.failure is not None


def test_a_restart_that_changed_nothing_is_a_refusal() -> None:
    verdict = judge_configuration(
        [HEARTBEAT], [outcome(HEARTBEAT, ParameterState.PENDING_REBOOT)], last_word=True
    )
    assert verdict.failure is not None
    assert "takes effect after a restart" in verdict.failure.cause
