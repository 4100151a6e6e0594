"""Which connectors are tested, and what their tests amount to, by table."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from domain.checks import ConnectorsToTest, ConnectorTest, Failure
from domain.failures import FailureCode, failure
from domain.id_tag import is_for_connector, is_of_run, tag_of
from domain.rules.every_connector import Plan, conclude, plan_of, with_connector
from domain.states import CheckResult, ConnectorChoice

AT = datetime(2026, 5, 1, 9, tzinfo=UTC)
PASSED = ConnectorTest(
    connector_id=1,
    result=CheckResult.PASSED,
    evidence={"connector_id": 1},
    started_at=AT,
    ended_at=AT,
)
FAILED = ConnectorTest(
    connector_id=2,
    result=CheckResult.FAILED,
    evidence={"connector_id": 2},
    failure=failure(FailureCode.NO_METER_VALUES),
    started_at=AT,
    ended_at=AT,
)
SKIPPED = ConnectorTest(
    connector_id=3,
    result=CheckResult.SKIPPED,
    skip_reason="pat skipped the test charge on connector 3: Rain",
    decided_by="pat",
    started_at=AT,
    ended_at=AT,
)
LEFT_OUT = replace(
    SKIPPED,
    connector_id=4,
    skip_reason="pat started the run for connector 1 alone.",
    started_at=None,
)


@pytest.mark.parametrize(
    ("choice", "present", "plan"),
    [
        (ConnectorChoice.ALL, [1], Plan(to_test=(1,))),
        (ConnectorChoice.ALL, [1, 2, 3], Plan(to_test=(1, 2, 3))),
        (ConnectorChoice.FIRST, [1, 2, 3], Plan(to_test=(1,), left_out=(2, 3))),
        (ConnectorChoice.FIRST, [70, 101], Plan(to_test=(70,), left_out=(101,))),
        ((3, 1), [1, 2, 3], Plan(to_test=(3, 1), left_out=(2,))),
        ((1, 1), [1, 2], Plan(to_test=(1,), left_out=(2,))),
        ((2, 3), [1, 2], Plan(to_test=(2,), left_out=(1,), missing=(3,))),
    ],
)
def test_the_plan(choice: ConnectorsToTest, present: list[int], plan: Plan) -> None:
    assert plan_of(choice, present) == plan


def test_all_passed() -> None:
    conclusion = conclude([PASSED, replace(PASSED, connector_id=2, evidence={"connector_id": 2})])
    assert conclusion.result is CheckResult.PASSED
    assert conclusion.evidence == {"connector_id": 1}
    assert (conclusion.notes, conclusion.needs_review) == ((), False)


def test_one_that_was_not_tested_is_named_and_to_be_looked_at() -> None:
    conclusion = conclude([PASSED, SKIPPED, LEFT_OUT])
    assert conclusion.result is CheckResult.PASSED
    assert conclusion.needs_review
    assert conclusion.notes == (
        f"Connector 3 was not tested: {SKIPPED.skip_reason}",
        f"Connector 4 was not tested: {LEFT_OUT.skip_reason}",
    )


def test_a_failure_names_its_connector_and_what_a_retry_keeps() -> None:
    stuck = Failure(code="no_energy", cause="It stayed at 7 Wh.", action="Check the meter.")
    another = replace(FAILED, connector_id=3, failure=stuck)
    conclusion = conclude([PASSED, FAILED, another])
    assert conclusion.failure is not None
    assert conclusion.failure.code == "no_meter_values"
    assert conclusion.failure.cause == (
        "Connector 2: No usable energy reading arrived during the test charge. "
        "Connector 3 failed, too (no_energy)."
    )
    assert conclusion.evidence == {"connector_id": 2}
    (note,) = conclusion.notes
    assert note.startswith("Connector 1 passed. A retry keeps that, unless")


def test_after_a_restart_a_retry_keeps_nothing_and_promises_nothing() -> None:
    restarted = failure(FailureCode.RESTARTED_IN_CHARGE, connector_id=2)
    conclusion = conclude([PASSED, replace(FAILED, failure=restarted)])
    assert conclusion.notes == ()


def test_one_connector_alone_fails_as_it_always_did() -> None:
    assert conclude([FAILED]).failure == FAILED.failure


def test_none_tested_is_a_skip_with_the_reasons_of_those_on_site() -> None:
    conclusion = conclude([SKIPPED, LEFT_OUT])
    assert conclusion.result is CheckResult.SKIPPED
    assert conclusion.skip_reason == SKIPPED.skip_reason


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("Connector 2 reports a fault.", "Connector 2 reports a fault."),
        ("The charge on connector 2 began.", "The charge on connector 2 began."),
        ("The charge on connector 21 began.", "Connector 2: The charge on connector 21 began."),
        ("The meter fell.", "Connector 2: The meter fell."),
    ],
)
def test_a_sentence_names_its_connector_once(sentence: str, said: str) -> None:
    assert with_connector(2, sentence) == said


def test_a_tag_is_twenty_characters_and_names_run_and_connector() -> None:
    run_tag = "A1B2C3D4E5F6071829"
    tags = [tag_of(run_tag, number) for number in range(1, 65)]
    assert len(set(tags)) == 64
    assert {len(tag) for tag in tags} == {20}
    assert all(is_of_run(tag.lower(), open_run_tag=run_tag) for tag in tags)
    assert is_for_connector(tags[1].lower(), run_tag=run_tag, connector_id=2)
    assert not is_for_connector(tags[1], run_tag=run_tag, connector_id=1)
    assert not is_of_run("B" + tags[1][1:], open_run_tag=run_tag)
