"""How a process of ours ends, and what its log says of it."""

import ast
import re
from pathlib import Path

from structlog.testing import capture_logs

from runtime.process import FAILED, _until_told

_ROOT = Path(__file__).parents[2]


async def test_an_error_without_words_is_told_by_its_name() -> None:
    async def main() -> None:
        raise TimeoutError

    with capture_logs() as lines:
        assert await _until_told(main()) == FAILED
    assert [(line["event"], line["reason"]) for line in lines] == [("stopped", "TimeoutError()")]


def test_no_line_of_a_log_has_the_words_of_an_error_alone() -> None:
    """A time-out has none, and those of a failed activity do not say why it failed."""
    wrong = [
        f"{file.relative_to(_ROOT)}:{node.lineno}"
        for file in (*_ROOT.glob("*.py"), *_ROOT.glob("[!.]*/**/*.py"))
        if "tests" not in file.parts and "str(error)" in (code := file.read_text())
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Call)
        and re.search(r"log(ger)?\.\w+$", ast.unparse(node.func))
        and "str(error)" in ast.unparse(node)
    ]
    assert not wrong
