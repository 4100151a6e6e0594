"""The OpenAPI document before its users: a linter, and generators that lose nothing of it."""

import json
import re
from pathlib import Path

from tests.clients.tools import (
    ROOT,
    PythonClient,
    document,
    installed,
    npm,
    operation_ids,
    snake,
    written,
)

LICENCE = ("info-license", "#/info")
"""No licence has been chosen; the README says so."""


def nothing_to_be_wrong() -> set[tuple[str, str]]:
    """Operations that take nothing, from anybody: no 4xx can be told of them."""
    return {
        ("operation-4xx-response", f"#/paths/{path.replace('/', '~1')}/{method}/responses")
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
        if not (operation["security"] or "requestBody" in operation or "parameters" in operation)
    }


_IMPORT = "POST /api/v1/installer/projects/{project_id}/charge-points/import"
_PHOTOS = "/api/v1/installer/charge-points/{charge_point_id}/photos"
_AS_BYTES = "It sends the file as application/octet-stream, which is taken as well."
_AS_LINES = "It gives the lines as `content` of the answer; they are read one by one."
WARNED = {
    (_IMPORT, "text/csv"): _AS_BYTES,
    (f"POST {_PHOTOS}", "image/jpeg"): _AS_BYTES,
    (f"POST {_PHOTOS}", "image/png"): _AS_BYTES,
    (f"POST {_PHOTOS}", "image/webp"): _AS_BYTES,
    (f"GET {_PHOTOS}/{{photo_id}}", "image/jpeg"): (
        "It gives the bytes as `content` of the answer in place of a parsed one."
    ),
    ("GET /api/v1/installer/export", "application/x-ndjson"): _AS_LINES,
    ("GET /api/v1/site-owner/export", "application/x-ndjson"): _AS_LINES,
}


def test_the_linter_finds_no_error_and_no_warning_without_a_reason(tmp_path: Path) -> None:
    installed()
    path = written(tmp_path)
    linted = npm("redocly", "lint", path, "--extends=recommended", "--format=json", cwd=tmp_path)
    found = json.loads(linted.stdout[linted.stdout.index("{") :])
    problems = {
        (one["ruleId"], one["location"][0]["pointer"]): one["severity"] for one in found["problems"]
    }
    assert found["totals"]["errors"] == 0, found["problems"]
    assert problems.keys() == {LICENCE, *nothing_to_be_wrong()}, found["problems"]
    assert linted.returncode == 0, linted.stderr


def test_the_linter_would_notice(tmp_path: Path) -> None:
    installed()
    broken = document()
    del broken["servers"]
    (tmp_path / "broken.json").write_text(json.dumps(broken))
    linted = npm("redocly", "lint", "broken.json", "--format=json", cwd=tmp_path)
    assert linted.returncode != 0
    assert "no-empty-servers" in linted.stdout


def test_the_python_client_has_every_operation_and_every_schema(
    python_client: PythonClient,
) -> None:
    assert python_client.operations == {snake(one) for one in operation_ids()}
    for schema in document()["components"]["schemas"]:
        assert hasattr(python_client.models, schema), schema
    for operation_id in operation_ids():
        python_client.operation(operation_id)  # it can be imported
    assert set(python_client.warnings()) == WARNED.keys()


def test_the_typescript_types_have_every_operation_and_every_schema(tmp_path: Path) -> None:
    """The compiler looks: a name that is missing is an error, and one too many as well."""
    installed()
    made = npm("openapi-typescript", written(tmp_path), "--output=api.ts", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert "warn" not in (made.stdout + made.stderr).lower(), made.stderr
    schemas = document()["components"]["schemas"]
    (tmp_path / "use.ts").write_text(
        "import type { components, operations } from './api';\n"
        f"export const all: Record<keyof operations, true> = {_true_of(operation_ids())};\n"
        "export const shapes: Record<keyof components['schemas'], true> = "
        f"{_true_of(schemas)};\n"
        "type Cdrs = operations['listCdrs']['responses'][200]['content']['application/json'];\n"
        "export const billed = (page: Cdrs): string[] =>"
        " page.items.map((cdr) => cdr.total_cost.incl_vat);\n"
    )
    compiled = npm("tsc", "--noEmit", "--strict", "use.ts", cwd=tmp_path)
    assert compiled.returncode == 0, compiled.stdout
    (tmp_path / "wrong.ts").write_text(
        "import type { operations } from './api';\n"
        "export const all: Record<keyof operations, true> = { signUpInstaller: true };\n"
    )
    assert npm("tsc", "--noEmit", "--strict", "wrong.ts", cwd=tmp_path).returncode != 0


PAGE = ROOT / "docs" / "how-to" / "generate-a-client.md"


def test_the_page_has_each_warning() -> None:
    """By the type of the content, and by whether it is a body's or an answer's."""
    named = re.findall(r"^\| (`[^|]+`) of (a body|an answer) \|", PAGE.read_text(), re.MULTILINE)
    rows = {(one.strip("`"), of) for types, of in named for one in types.split(", ")}
    told = {
        (media, "a body" if operation.startswith("POST ") else "an answer")
        for operation, media in WARNED
    }
    pictures = {(media, of) for media, of in told if media.startswith("image/") and of == "a body"}
    assert rows == (told - pictures) | {("image/…", "a body")}


def test_the_page_names_the_versions_that_are_tested() -> None:
    page = PAGE.read_text()
    tools = json.loads((ROOT / "tests" / "clients" / "package.json").read_text())["devDependencies"]
    assert f"openapi-typescript@{tools['openapi-typescript']} " in page
    pinned = (ROOT / "requirements" / "clients.lock").read_text()
    (python,) = re.findall(r"openapi-python-client==\S+", page)
    assert f"{python} \\\n" in pinned


def _true_of(names: object) -> str:
    assert isinstance(names, set | dict)
    return json.dumps(dict.fromkeys(sorted(names), True))
