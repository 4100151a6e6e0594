"""The reference says what the code says: each generated part is current, each word is told."""

import re
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

import pytest

from api.security import throttling
from docs.generate.commands import commands
from docs.generate.pages import DOCS, PARTS, REFERENCE, current, pages
from docs.generate.problems import scan
from docs.generate.routes import openapi
from domain import states
from domain.audit import AuditAction
from domain.failures import FailureCode
from domain.names import SearchAttribute
from ocpp_server.v16.protocol import ESSENTIALS
from runtime.settings import Settings
from simulator import Fault
from tests.support.ocpp import V16
from worker import WORKFLOWS

# Words of the charge points themselves, written as OCPP writes them.
_OF_OCPP = {states.RegistrationStatus, states.ConnectorStatus}
_WORDS = [
    words
    for words in vars(states).values()
    if isinstance(words, type) and issubclass(words, StrEnum) and words is not StrEnum
]


def page(name: str) -> str:
    return (REFERENCE / f"{name}.md").read_text()


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.stem)
def test_a_generated_part_is_current(path: Path) -> None:
    text = path.read_text()
    assert current(text) == text, f"run `make docs` and commit {path.relative_to(DOCS.parent)}"


def test_every_part_has_its_place() -> None:
    begins = re.compile(r"<!-- begin (\w+) ")
    placed = [name for path in pages() for name in begins.findall(path.read_text())]
    assert sorted(placed) == sorted(PARTS)


def test_every_setting_is_told() -> None:
    text = page("settings")
    for name, field in Settings.model_fields.items():
        row = next((row for row in text.splitlines() if f"`DYNAMO_{name.upper()}`" in row), "")
        assert field.description, name
        assert field.description.rstrip(".") in row, name


def test_every_command_and_option_is_told() -> None:
    text = page("cli")
    for name, options in commands().items():
        heading = f"## `{f'dynamo {name}'.strip()}`\n"
        assert heading in text
        section = text.partition(heading)[2].partition("\n## ")[0]
        for option in options:
            argument = option.param_type_name == "argument"
            for word in [option.name.upper()] if argument else option.opts:
                assert f"`{word}" in section, f"{name} {word}"


def test_every_failure_and_fault_is_told() -> None:
    for code in FailureCode:
        assert f"| `{code}` |" in page("failures")
    for fault in Fault:
        assert f"| `{fault}` |" in page("simulator")


def test_what_every_action_cannot_do_without_is_told() -> None:
    assert set(ESSENTIALS) == set(V16.routes)
    for action, essential in ESSENTIALS.items():
        row = next(
            row for row in page("forgiven").splitlines() if row.startswith(f"| `{action}` |")
        )
        for field in essential.fields:
            assert f"`{field}`" in row


def test_every_route_is_told() -> None:
    for path, methods in openapi()["paths"].items():
        for method in methods:
            assert f"`{method.upper()} {path}`" in page("api")


def test_every_problem_is_told_with_its_status() -> None:
    found = list(scan())
    assert len({one.code for one in found}) > 30
    for one in found:
        assert f"| {one.status} | `{one.code}` |" in page("api")


def test_every_problem_that_the_api_documents_exists() -> None:
    """A code in the description of a 409 is one that something raises."""
    raised = {one.code for one in scan()}
    for methods in openapi()["paths"].values():
        for operation in methods.values():
            conflict = operation["responses"].get("409", {}).get("description", "")
            assert set(re.findall(r"`(\w+)`:", conflict)) <= raised, operation["operationId"]


@pytest.mark.parametrize(
    "words", [AuditAction, *(words for words in _WORDS if words not in _OF_OCPP)]
)
def test_every_status_word_is_told(words: type[StrEnum]) -> None:
    text = page("words")
    for word in words:
        assert f"`{word}`" in text, word


def test_every_limit_on_attempts_is_told() -> None:
    table = page("api").partition("## Limits on attempts\n")[2].partition("\n\nA successful")[0]
    told = [row.strip("| ").split(" | ")[1] for row in table.strip().splitlines()[2:]]
    limits = [one for one in vars(throttling).values() if isinstance(one, throttling.Limit)]
    spans = {
        timedelta(minutes=15): "in 15 minutes",
        timedelta(hours=1): "an hour",
        timedelta(days=1): "a day",
    }
    assert sorted(told) == sorted(f"{one.attempts} {spans[one.window]}" for one in limits)


def test_every_search_attribute_and_workflow_is_told() -> None:
    text = page("search-attributes")
    for attribute in SearchAttribute:
        assert f"| `{attribute}` |" in text
    for workflow in WORKFLOWS:
        assert f"| `{workflow.__name__}` |" in text
