"""How a process of ours ends, and what its log says of it."""

import ast
import re
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.pool import QueuePool
from structlog.testing import capture_logs

from runtime.process import FAILED, _until_told, open_database
from runtime.settings import Settings

_ROOT = Path(__file__).parents[2]


async def test_an_error_without_words_is_told_by_its_name() -> None:
    async def main() -> None:
        raise TimeoutError

    with capture_logs() as lines:
        assert await _until_told(main()) == FAILED
    assert [(line["event"], line["reason"]) for line in lines] == [("stopped", "TimeoutError()")]


@pytest.mark.parametrize(("chosen", "told"), [("", "dynamo-api"), ("of mine", "of mine")])
async def test_the_database_is_opened_as_the_settings_say(
    postgresql_server_url: str, chosen: str, told: str
) -> None:
    settings = Settings(
        database_url=postgresql_server_url,
        database_pool_size=7,
        database_application_name=chosen,
    )
    database = open_database(settings, "api")
    try:
        pool = database._engine.pool
        assert isinstance(pool, QueuePool)
        assert pool.size() == 7
        async with database.read() as connection:
            assert await connection.scalar(text("SHOW application_name")) == told
    finally:
        await database.close()


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
