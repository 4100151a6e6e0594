"""Every link, picture, make target, test and command that the pages name is there."""

import re
from functools import cache
from pathlib import Path

import pytest

from docs.generate.commands import commands
from runtime.settings import Settings

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [*(ROOT / "docs").rglob("*.md"), *(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING"))]
)
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_MAKE = re.compile(r"\bmake ([a-z-]+)\b")
_DYNAMO = re.compile(r"\bdynamo ([a-z-]+)((?: (?:--[a-z-]+|[^\s`-]\S*))*)")
_TEST = re.compile(r"tests/[\w/]+\.py(?:::(\w+))?(?:::(\w+))?")
_VARIABLE = re.compile(r"\bDYNAMO_[A-Z_]+\b")
_SHELL = re.compile(r"^```(?:bash|sh)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ONLY_OF_COMPOSE = {"DYNAMO_TAG"}


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def anchors(path: Path) -> set[str]:
    """Anchors that GitHub gives to the headings of a page."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", _FENCE.sub("", path.read_text()), re.MULTILINE):
        text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        found.add(re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-"))
    return found


def test_an_anchor_is_made_as_github_makes_it(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One, `two` & three\n```\n# no heading\n```\n")
    assert anchors(page) == {"one-two--three"}


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_links_lead_somewhere(path: Path) -> None:
    for target in _LINK.findall(_FENCE.sub("", path.read_text())):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        assert there.exists(), target
        assert ROOT in there.parents, target
        if anchor:
            assert anchor in anchors(there), target


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_what_is_named_exists(path: Path) -> None:
    text = path.read_text()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    # In prose "make" is a verb as well; as code it is the program.
    code = "\n".join([*re.findall(r"`([^`\n]+)`", text), *_SHELL.findall(text)])
    assert set(_MAKE.findall(code)) <= targets
    known = {f"DYNAMO_{name.upper()}" for name in Settings.model_fields} | _ONLY_OF_COMPOSE
    assert set(_VARIABLE.findall(text)) <= known
    for found in _TEST.finditer(text):
        file = ROOT / found[0].partition("::")[0]
        assert file.exists(), found[0]
        for name in filter(None, found.groups()):
            assert re.search(rf"(def|class) {name}\b", file.read_text()), found[0]


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_commands_take_the_options_that_are_given(path: Path) -> None:
    for block in _SHELL.findall(path.read_text()):
        for name, rest in _DYNAMO.findall(block.replace("\\\n", " ")):
            if name in {"postgresql", "temporal"}:
                continue
            options = {word for option in commands()[name] for word in option.opts}
            assert set(re.findall(r"--[a-z-]+", rest)) <= options, f"dynamo {name}{rest}"


def test_every_page_is_reached_from_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    linked = {
        (index.parent / target.partition("#")[0]).resolve()
        for target in _LINK.findall(index.read_text())
        if "://" not in target
    }
    inside = {path for path in PAGES if (ROOT / "docs") in path.parents and path != index}
    assert inside <= linked


def test_no_page_names_a_machine() -> None:
    for path in [*PAGES, ROOT / "CHANGELOG.md"]:
        assert not re.search(r"/(work|home|root|Users)/", path.read_text()), path
