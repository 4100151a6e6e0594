"""The events of a run only grow, however its record grows: a number is a number for ever."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from temporalio import workflow

from domain.checks import CheckRecord, Failure, RunView, Waiting
from domain.commissioning import RunOptions
from domain.progress import ProgressEvent, ProgressKind, progress
from domain.states import CheckName, CheckResult, WaitingFor
from tests.support.rows import run_request
from workflows.journal import CheckFailedError, Journal

AT = datetime(2026, 5, 1, 9, 35, tzinfo=UTC)
FAILURE = Failure(code="connector_faulted", cause="Connector 1 is faulted.", action="Mend it.")
WAITING = Waiting(
    waiting_for=WaitingFor.VEHICLE,
    since=AT,
    until=AT + timedelta(minutes=1),
    prompt="Plug a vehicle in.",
)
Story = Callable[[Journal], Iterator[None]]
"""Writes in a journal, and stops wherever somebody may look at it."""


def _check(journal: Journal, name: CheckName, *, fails: bool = False) -> Iterator[None]:
    with journal.check(name):
        yield
        journal.step("first", "It is so.\nReally.")
        yield
        journal.note("A remark.", needs_review=True)
        with journal.wait(WAITING):
            yield
        journal.step("second", "It is so, too.")
        yield
        if fails:
            raise CheckFailedError(FAILURE)
    yield


def _passed(journal: Journal) -> Iterator[None]:
    yield
    for name in CheckName:
        yield from _check(journal, name)
    journal.close()
    yield


def _failed(journal: Journal) -> Iterator[None]:
    yield from _check(journal, CheckName.OCPP_HANDSHAKE)
    yield from _check(journal, CheckName.FIRMWARE_VERSION, fails=True)
    yield from _check(journal, CheckName.CONNECTOR_AVAILABLE)
    journal.alarm("Something goes on.")
    yield
    journal.close()
    yield


def _retried(journal: Journal) -> Iterator[None]:
    """The last check is taken over while those before it are still to come."""
    yield from _check(journal, CheckName.OCPP_HANDSHAKE)
    journal.keep(
        CheckRecord(
            name=CheckName.TEST_TRANSACTION,
            result=CheckResult.PASSED,
            kept_from="com_0",
            started_at=AT - timedelta(days=1),
            ended_at=AT - timedelta(days=1),
        )
    )
    yield
    yield from _check(journal, CheckName.FIRMWARE_VERSION)
    yield from _check(journal, CheckName.CONNECTOR_AVAILABLE)
    journal.close()
    yield


def _cancelled(journal: Journal) -> Iterator[None]:
    yield from _check(journal, CheckName.OCPP_HANDSHAKE)
    with suppress(KeyboardInterrupt), journal.check(CheckName.FIRMWARE_VERSION):
        journal.step("first", "It is so.")
        yield
        raise KeyboardInterrupt
    yield
    journal.close(cancelled=True)
    yield


STORIES: list[Story] = [_passed, _failed, _retried, _cancelled]


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Callable[[Story], list[RunView]]:
    """Give the views that somebody sees who looks all the time."""
    moments = count()
    monkeypatch.setattr(workflow, "now", lambda: AT + timedelta(seconds=next(moments)))

    def watch(story: Story) -> list[RunView]:
        request = replace(
            run_request("cp_1"), previous_commissioning_id="com_0", options=RunOptions()
        )
        journal = Journal(request, on_change=lambda: None)
        return [journal.view(), *(journal.view() for _ in story(journal))]

    return watch


def _told(view: RunView) -> list[tuple[object, ...]]:
    """What of an event never changes: the check of an early event is shown as it was then."""
    return [
        (event.kind, event.at, event.check.name if event.check else None, event.step)
        for event in progress(view)
    ]


@pytest.mark.parametrize("story", STORIES)
def test_what_was_told_keeps_its_place(
    story: Story, watched: Callable[[Story], list[RunView]]
) -> None:
    views = watched(story)
    before: list[tuple[object, ...]] = []
    for view in views:
        now = _told(view)
        assert now[: len(before)] == before
        before = now
    assert before[0][0] is ProgressKind.STARTED
    assert [event[0] for event in before].count(ProgressKind.VERDICT) == 1
    assert before[-1][0] is ProgressKind.VERDICT


def _kinds(events: tuple[ProgressEvent, ...], name: CheckName) -> list[ProgressKind]:
    return [event.kind for event in events if event.check and event.check.name is name]


def test_a_kept_check_is_told_by_its_end_alone(
    watched: Callable[[Story], list[RunView]],
) -> None:
    *_, last = watched(_retried)
    events = progress(last)
    assert _kinds(events, CheckName.TEST_TRANSACTION) == [ProgressKind.CHECK_ENDED]
    assert events[-2].check is not None
    assert events[-2].check.kept_from == "com_0"


def test_a_check_that_was_cut_short_is_skipped_after_its_steps(
    watched: Callable[[Story], list[RunView]],
) -> None:
    *_, last = watched(_cancelled)
    assert _kinds(progress(last), CheckName.FIRMWARE_VERSION) == [
        ProgressKind.CHECK_STARTED,
        ProgressKind.STEP,
        ProgressKind.CHECK_ENDED,
    ]
    assert _kinds(progress(last), CheckName.TEST_TRANSACTION) == [ProgressKind.CHECK_ENDED]
