"""Every link, picture, make target, test and command that the pages name is there."""

import re
from functools import cache
from pathlib import Path

import pytest
import yaml

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
_COMPOSE = re.compile(r"\bdocker compose run((?: --[a-z-]+)*) ([a-z0-9-]+)((?: [^\s`;&|]+)*)")
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


def pieces(text: str) -> list[str]:
    """What a page gives to be typed: the blocks of a shell, and code within a line."""
    blocks = [re.sub(r" *\\\n *", " ", block) for block in _SHELL.findall(text)]
    return [*blocks, *re.findall(r"`([^`\n]+)`", _FENCE.sub("", text))]


def wrong_commands(text: str) -> list[str]:
    """Commands of a page that do not exist, or do not take what is given to them."""
    wrong = []
    for piece in pieces(text):
        for name, rest in _DYNAMO.findall(piece):
            if name in {"postgresql", "temporal"}:
                continue
            if not _takes(name, re.findall(r"--[a-z-]+", rest)):
                wrong.append(f"dynamo {name}{rest}")
        wrong += [
            f"docker compose run {service}{words}"
            for _, service, words in _COMPOSE.findall(piece)
            if not _runs(service, words.split())
        ]
    return wrong


def _takes(name: str, options: list[str]) -> bool:
    known = commands().get(name)
    return known is not None and {*options} <= {word for one in known for word in one.opts}


def _runs(service: str, words: list[str]) -> bool:
    """Whether a service takes these words, which the image's entry point hands to dynamo."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    if service not in services:
        return False
    name, *rest = words or services[service]["command"]
    return _takes(name, [word for word in rest if word.startswith("--")])


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_commands_take_the_options_that_are_given(path: Path) -> None:
    assert wrong_commands(path.read_text()) == []


@pytest.mark.parametrize(
    "text",
    [
        "Run `dynamo migrate --newer-keys`.",
        "```sh\ndynamo migrate \\\n  --newer-keys\n```\n",
        "Run `docker compose run --rm api dynamo migrate`.",
        "Run `docker compose run --rm api migrate --newer-keys`.",
        "Run `docker compose run --rm console migrate`.",
        "Run `dynamo mend`.",
    ],
)
def test_a_command_that_is_none_is_found(text: str) -> None:
    assert len(wrong_commands(text)) == 1


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
