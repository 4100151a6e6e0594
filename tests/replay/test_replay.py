"""An upgrade keeps the runs in flight: the workflows replay what earlier versions recorded.

Record anew with ``python -m tests.replay.record`` (under a minute), which replaces
``histories/0.1``. Until a version is released, that is right after any change of a workflow; a
released version's histories never change, and a change that breaks them needs ``workflow.patched``.
"""

import json
import platform
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from temporal_client import BUILD_ID, DATA_CONVERTER
from tests.replay.masking import IDENTITY, leaks
from tests.replay.record import HISTORIES
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
        build_id=BUILD_ID,
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


def test_every_workflow_has_a_history() -> None:
    types = {
        value["name"]
        for path in _FILES
        for key, value in _members(json.loads(path.read_text()))
        if key == "workflowType"
    }
    assert {workflow.__name__ for workflow in WORKFLOWS} <= types


@pytest.mark.parametrize(
    "run", ["passed", "failed", "cancelled", "retried", "waited-for-days", "moved-node"]
)
def test_each_kind_of_run_has_a_history(run: str) -> None:
    assert f"commissioning-{run}" in {path.stem for path in _FILES}


async def test_a_change_that_would_break_a_run_in_flight_is_noticed() -> None:
    path = HISTORIES / "0.1" / "commissioning-passed.json"
    other = path.read_text().replace(
        '"name": "stop_test_transaction"', '"name": "read_something_else"'
    )
    assert other != path.read_text()
    with pytest.raises(NondeterminismError):
        await replayer().replay_workflow(WorkflowHistory.from_json("replayed", other))


def _members(node: object) -> list[tuple[str, dict[str, str]]]:
    """Give every member of every object in a JSON document."""
    match node:
        case dict():
            inner = [found for value in node.values() for found in _members(value)]
            return [*node.items(), *inner]
        case list():
            return [found for item in node for found in _members(item)]
        case _:
            return []
