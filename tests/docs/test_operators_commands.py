"""Commands of Temporal's CLI on the operators' page: they are there, and take what is given."""

import re
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise

import pytest
from pydantic import TypeAdapter
from temporalio import workflow

from embedded import binaries
from tests.docs.test_links import ROOT, pieces
from workflows.commissioning import CommissioningWorkflow
from workflows.project import ProjectWorkflow

_WORKFLOWS: Mapping[str, type] = {"commissioning-": CommissioningWorkflow, "prj_": ProjectWorkflow}
COMMANDS = [
    shlex.split(line)[1:]
    for piece in pieces((ROOT / "docs" / "operators.md").read_text())
    for line in piece.splitlines()
    if line.startswith("temporal ")
]


@cache
def _help(*words: str) -> str:
    asked = [str(binaries.find(binaries.TEMPORAL)), *words, "--help"]
    return subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60).stdout


def test_they_are_found() -> None:
    assert len(COMMANDS) >= 8


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_it_takes_what_the_page_gives(command: Sequence[str]) -> None:
    options = [word for word in command if word.startswith("--")]
    told = _help(*command[: command.index(options[0])])
    assert f"temporal {' '.join(command[: command.index(options[0])])} [flags]" in told
    for option in options:
        assert re.search(rf"{option}\b", told.partition("\nFlags:")[2]), option
    if "update" in command:
        given = dict(pairwise(command))
        (kind,) = (
            k for prefix, k in _WORKFLOWS.items() if given["--workflow-id"].startswith(prefix)
        )
        update = workflow._Definition.must_from_class(kind).updates[given["--name"]]
        assert update.arg_types is not None
        TypeAdapter(update.arg_types[0]).validate_json(given["--input"])
