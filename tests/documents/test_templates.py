"""HTML comes from templates, in which whatever is put in is escaped."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from documents.templates import templates

ROOT = Path(__file__).parents[2]
ELEMENT = re.compile(r"</[a-z]+[1-6]?>|<[a-z]+[1-6]?\s+[a-z-]+=|<(?:p|h[1-6]|br|tr|td|li)>")


def _modules() -> list[str]:
    return sorted(
        str(path.relative_to(ROOT))
        for folder in ("activities", "api", "documents")
        for path in (ROOT / folder).rglob("*.py")
    )


def _written(tree: ast.Module) -> Iterator[str]:
    """Every piece of text that a module holds but its docstrings."""
    docs = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value


def test_no_module_puts_html_together_by_hand() -> None:
    found = {
        module: text
        for module in _modules()
        for text in _written(ast.parse((ROOT / module).read_text()))
        if ELEMENT.search(text)
    }
    assert found == {}


@pytest.mark.parametrize("package", ["activities", "api.invitations", "documents.certificate"])
def test_what_is_put_in_is_escaped_and_a_wrong_name_fails(package: str) -> None:
    found = templates(package)
    assert found.list_templates()
    said = found.from_string("<p>{{ said }}</p>")
    assert said.render(said='<b> & "it\'s"') == "<p>&lt;b&gt; &amp; &#34;it&#39;s&#34;</p>"
    with pytest.raises(UndefinedError):
        said.render(sayd="")


def test_only_our_own_style_and_script_go_in_as_they_are() -> None:
    spared = {
        (path.name, found)
        for path in ROOT.glob("*/**/templates/*")
        if ".venv" not in path.parts
        for found in re.findall(r"(\w+)\s*\|\s*safe\b|\bautoescape\b", path.read_text())
    }
    assert spared == {("page.html", "style"), ("page.html", "script")}
