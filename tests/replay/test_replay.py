"""An upgrade keeps the runs in flight: the workflows replay what earlier versions recorded.

Record anew with ``python -m tests.replay.record`` (under a minute), which replaces
``histories/0.1``. Until a version is released, that is right after any change of a workflow; a
released version's histories never change, and a change that breaks them needs ``workflow.patched``.
"""

import base64
import json
import platform
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from domain.names import node_task_queue
from temporal.client import DATA_CONVERTER
from temporal.deployment import RELEASE
from tests.replay.masking import IDENTITY, leaks
from tests.replay.record import HISTORIES, VERSION, WORDS_OF_PEOPLE
from worker import WORKFLOWS, workflow_runner

_FILES = sorted(HISTORIES.rglob("*.json"))
every_history = pytest.mark.parametrize(
    "path", _FILES, ids=lambda path: f"{path.parent.name}/{path.stem}"
)


def replayer() -> Replayer:
    return Replayer(
        workflows=WORKFLOWS,
        workflow_runner=workflow_runner(),
        data_converter=DATA_CONVERTER,
        build_id=RELEASE,
    )


@every_history
async def test_a_recorded_history_replays(path: Path) -> None:
    await replayer().replay_workflow(WorkflowHistory.from_json("replayed", path.read_text()))


@every_history
def test_a_history_names_no_machine_and_no_secret(path: Path) -> None:
    text = path.read_text()
    assert leaks(text, names={platform.node(), "dynamo-tests-"} - {"", "localhost"}) == []
    identities = {value for key, value in _members(json.loads(text)) if key == "identity"}
    assert identities <= {IDENTITY}


@every_history
def test_a_history_says_nothing_of_owners_and_colleagues(path: Path) -> None:
    """Neither where they get mail nor what is said to them: rows hold that, and are erased."""
    said = "\n".join(
        base64.b64decode(value).decode(errors="replace") if key == "data" else value
        for key, value in _members(json.loads(path.read_text()))
        if isinstance(value, str)
    )
    assert set(re.findall(r"[\w.+-]+@[\w-]+\.\w+", said)) <= {"installer@acme.com"}  # started_by
    assert [words for words in WORDS_OF_PEOPLE if words in said] == []


def test_every_workflow_has_a_history() -> None:
    recorded = {
        _started(path)["workflowType"]["name"]
        for path in _FILES  # its own: a child's type is only named in it
    }
    assert {workflow.__name__ for workflow in WORKFLOWS} <= recorded


@pytest.mark.parametrize(
    ("run", "end"),
    [
        ("commissioning-passed", "COMPLETED"),
        ("commissioning-failed", "FAILED"),
        ("commissioning-cancelled", "CANCELED"),
        ("commissioning-retried", "COMPLETED"),
        ("commissioning-waited-for-days", "COMPLETED"),
        ("commissioning-moved-node", "COMPLETED"),
        ("configuration-pushed-now", "COMPLETED"),
        ("project-commissioning-cancelled", "COMPLETED"),
        ("webhook-given-up", "COMPLETED"),
        ("billing-issued", "COMPLETED"),
        ("project-continues", "CONTINUED_AS_NEW"),
        ("site-continues", "CONTINUED_AS_NEW"),
    ],
)
def test_each_kind_of_run_has_a_history(run: str, end: str) -> None:
    last = _events(_file(run))[-1]["eventType"]
    assert last == f"EVENT_TYPE_WORKFLOW_EXECUTION_{end}"


@pytest.mark.parametrize("name", ["project-continued", "site-continued"])
def test_there_is_one_that_was_continued(name: str) -> None:
    assert _started(_file(name))["continuedExecutionRunId"]


def test_the_run_that_moved_was_on_two_nodes() -> None:
    queues = {
        event["activityTaskScheduledEventAttributes"]["taskQueue"]["name"]
        for event in _events(_file("commissioning-moved-node"))
        if "activityTaskScheduledEventAttributes" in event
    }
    assert len({queue for queue in queues if queue.startswith(node_task_queue(""))}) == 2


def test_the_run_that_waited_did_for_days() -> None:
    began, *_, ended = (
        datetime.fromisoformat(event["eventTime"])
        for event in _events(_file("commissioning-waited-for-days"))
    )
    assert ended - began > timedelta(days=2)


def test_what_happens_to_invitations_is_in_a_history() -> None:
    told = _file("project").read_text()
    for update in ("invite_site_owner", "invite_collaborator", "resend_invitation"):
        assert f'"name": "{update}"' in told
    results = [
        base64.b64decode(payload.get("data", ""))
        for name in ("project", "project-invitation-expired")
        for event in _events(_file(name))
        for payload in event.get("activityTaskCompletedEventAttributes", {})
        .get("result", {})
        .get("payloads", [])
    ]
    for status in (b'"accepted"', b'"declined"', b'"expired"'):
        assert any(status in result for result in results), status


async def test_a_change_that_would_break_a_run_in_flight_is_noticed() -> None:
    path = _file("commissioning-passed")
    other = path.read_text().replace(
        '"name": "stop_test_transaction"', '"name": "read_something_else"'
    )
    assert other != path.read_text()
    with pytest.raises(NondeterminismError):
        await replayer().replay_workflow(WorkflowHistory.from_json("replayed", other))


def _file(name: str) -> Path:
    return HISTORIES / VERSION / f"{name}.json"


def _events(path: Path) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = json.loads(path.read_text())["events"]
    return events


def _started(path: Path) -> dict[str, Any]:
    started: dict[str, Any] = _events(path)[0]["workflowExecutionStartedEventAttributes"]
    return started


def _members(node: object) -> list[tuple[str, Any]]:
    """Give every member of every object in a JSON document."""
    match node:
        case dict():
            inner = [found for value in node.values() for found in _members(value)]
            return [*node.items(), *inner]
        case list():
            return [found for item in node for found in _members(item)]
        case _:
            return []
