"""What was kept of a release stays: migrations, histories, the API; it has its entry and page."""

from typing import Any

import pytest

from tests.release.changelog import entry
from tests.release.gate import Checkout, FailedError
from tests.release.gates import (
    HISTORIES,
    MIGRATIONS,
    OPENAPI,
    REGENERATE,
    api_breaks_nobody,
    changelog_has_an_entry,
    histories_are_kept,
    may_break,
    migrations_are_frozen,
    upgrade_is_described,
)
from tests.release.small import DOCUMENT, FILES, VERSION, keep_alone, rewrite


def test_a_released_migration_is_not_changed(released: Checkout) -> None:
    assert migrations_are_frozen(released) == "1 as 0.1.0 was released"
    rewrite(released, f"{MIGRATIONS}/0002_more.py", "revision = '0002'\n")
    assert migrations_are_frozen(released)
    rewrite(released, f"{MIGRATIONS}/0001_initial_schema.py", "revision = '0001b'\n")
    with pytest.raises(FailedError, match="0001_initial_schema"):
        migrations_are_frozen(released)


def test_nothing_writes_a_released_migration_anew(checkout: Checkout) -> None:
    rewrite(checkout, REGENERATE, "")
    keep_alone(checkout)
    assert not (checkout.root / REGENERATE).exists()
    assert migrations_are_frozen(checkout)
    rewrite(checkout, REGENERATE, "")
    with pytest.raises(FailedError, match="delete it"):
        migrations_are_frozen(checkout)


def test_recorded_histories_stay(released: Checkout) -> None:
    assert histories_are_kept(released) == "1 as they were recorded"
    (released.root / HISTORIES / "0.1" / "site.json").unlink()
    with pytest.raises(FailedError, match=r"site\.json"):
        histories_are_kept(released)


def test_a_release_without_histories_is_none(checkout: Checkout) -> None:
    (checkout.root / HISTORIES / "0.1" / "site.json").unlink()
    keep_alone(checkout)
    with pytest.raises(FailedError, match="without histories"):
        histories_are_kept(checkout)


def _with_state(*words: str) -> dict[str, Any]:
    answer = {"content": {"application/json": {"schema": {"type": "string", "enum": [*words]}}}}
    return {"paths": {"/state": {"get": {"responses": {"200": answer}}}}, "components": {}}


def test_a_breaking_change_needs_a_new_version(checkout: Checkout) -> None:
    keep_alone(checkout, _with_state("off"))
    assert api_breaks_nobody(checkout, _with_state("off", "on")).startswith("0 ")
    with pytest.raises(FailedError, match="may also be dim"):
        api_breaks_nobody(checkout, _with_state("off", "dim"))  # no page tells of it
    with pytest.raises(FailedError, match="GET /state: is gone"):
        api_breaks_nobody(checkout, DOCUMENT)
    raised = FILES["pyproject.toml"].replace(VERSION, "0.2.0")
    newer = rewrite(checkout, "pyproject.toml", raised)
    assert api_breaks_nobody(newer, DOCUMENT) == "1 breaking changes since 0.1.0"
    rewrite(checkout, f"tests/release/kept/{VERSION}/{OPENAPI}", "{}")
    with pytest.raises(FailedError, match="put it back"):
        api_breaks_nobody(newer, DOCUMENT)


@pytest.mark.parametrize(
    ("released", "present", "may"),
    [
        ("0.1.0", "0.1.0", False),
        ("0.1.0", "0.1.9", False),
        ("0.1.0", "0.2.0", True),
        ("0.9.0", "0.10.0", True),
        ("0.2.0", "0.1.0", False),
        ("0.1.0", "1.0.0", True),
        ("1.0.0", "1.1.0", False),
        ("1.9.0", "2.0.0", True),
    ],
)
def test_which_version_may_break(released: str, present: str, *, may: bool) -> None:
    assert may_break(released, present) is may


@pytest.mark.parametrize(
    "text",
    [
        "# Changelog\n\n## [Unreleased]\n\n- All of it.\n",
        f"## [{VERSION}]\n\n- Without a day.\n",
        f"## [{VERSION}] - 2027-01-02\n\n## [0.0.1] - 2026-01-02\n\n- Of another.\n",
    ],
)
def test_a_released_version_has_an_entry(released: Checkout, text: str) -> None:
    assert changelog_has_an_entry(released)
    with pytest.raises(FailedError, match=r"0\.1\.0"):
        changelog_has_an_entry(rewrite(released, "CHANGELOG.md", text))


def test_an_entry_ends_at_the_next() -> None:
    text = "## [0.2.0] - 2027-03-04\n\n- Two.\n\n## [0.1.0] - 2027-01-02\n\n- One.\n"
    assert entry(text, "0.2.0") == "- Two."
    assert entry(text, "0.1.0") == "- One."


@pytest.mark.parametrize(
    ("name", "text"),
    [("docs/README.md", ""), ("docs/how-to/upgrade.md", "# Upgrade\n\n`dynamo migrate`\n")],
)
def test_the_page_for_operators_is_there(checkout: Checkout, name: str, text: str) -> None:
    assert upgrade_is_described(checkout)
    with pytest.raises(FailedError, match=r"docs/how-to/upgrade\.md"):
        upgrade_is_described(rewrite(checkout, name, text))


def test_the_page_knows_of_the_release(released: Checkout) -> None:
    text = f"{FILES['docs/how-to/upgrade.md']}\nNo version is released yet.\n"
    with pytest.raises(FailedError, match="still says"):
        upgrade_is_described(rewrite(released, "docs/how-to/upgrade.md", text))
