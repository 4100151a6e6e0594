"""The routes of the API, from its OpenAPI document."""

from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from api.app import create_app
from api.temporal import TemporalGateway
from docs.generate.table import code, table
from runtime.settings import Settings
from storage.engine import Database

_TOLD_BY_NAME = ("200", "201", "202", "204")


@cache
def openapi() -> dict[str, Any]:
    """Compose the document of an API that is never served; it takes seconds, so once. Read only."""

    async def nowhere() -> Any:
        raise RuntimeError("nobody connects")

    app = create_app(
        settings=Settings(secret_key=SecretStr("s" * 64), data_dir=Path("nowhere")),
        database=Database("sqlite+aiosqlite:///nowhere.sqlite3"),
        temporal=TemporalGateway(nowhere),
    )
    return app.openapi()


def routes() -> str:
    """One table a tag."""
    document = openapi()
    rows: dict[str, list[tuple[str, str, str, str]]] = defaultdict(list)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            rows[operation["tags"][0]].append(
                (
                    code(f"{method.upper()} {path}"),
                    operation["summary"],
                    _who(path, operation),
                    _success(operation),
                )
            )
    sections = []
    for tag in document["tags"]:
        sections += [f"### {tag['name']}", tag["description"]]
        sections.append(table(("Route", "Does", "Who", "Answers"), rows.pop(tag["name"])))
    if rows:
        raise LookupError(f"tags without a description: {', '.join(rows)}")
    return "\n\n".join(sections)


def _who(path: str, operation: dict[str, Any]) -> str:
    if not operation["security"]:
        return "anybody"
    return "site owner" if "/site-owner/" in path else "installer"


def _success(operation: dict[str, Any]) -> str:
    return ", ".join(status for status in _TOLD_BY_NAME if status in operation["responses"])
