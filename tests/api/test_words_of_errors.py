"""Whatever is wrong with a request is said in our words; no phrase and no pattern of a library."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest
from fastapi import FastAPI
from jsonschema_rs import Draft202012Validator

from domain.ids import Prefix, new_id
from domain.wording import LAST_RESORT
from tests.api.callers import GUIDE_CHARGE_POINT, V1, Caller, problem
from tests.api.conftest import Own

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

_RAW: Final = re.compile(
    r"should|Input|Value error|Field required|\bmatch|pattern|[\\^$]|\[[0-9A-Za-z]-|"
    r"constrained|function-|validator|dictionary|instance",
)
_POOL: Final[tuple[Any, ...]] = (
    None, True, 1, 0, -1, 1.5, 1e9, 10**30, float("nan"), float("inf"), "", "x", "é", "\x00",
    "\ud800", "x" * 6000, "2026-13-45", "2026-05-01", "2026-05-01T09:35:00", "25:99", [], ["x"],
    ["x"] * 101, [[]], {}, {"nope": 1},
)  # fmt: skip
"""What fields may be given; of those that its schema does not allow each is sent every third."""
_FIELDS_WRONG: Final = {"invalid_input", "invalid_parameters"}
_HEADERS: Final = {"Content-Type": "application/json"}


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field of a body: where it stands in the example, and what it may be."""

    place: tuple[str | int, ...]
    schema: dict[str, Any]

    def __str__(self) -> str:
        return ".".join(map(str, self.place))


def resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """The schema behind a reference, and behind "or null"."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return resolved(document["components"]["schemas"][name], document)
    kinds = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    return resolved(kinds[0], document) if len(kinds) == 1 else schema


def filled(schema: dict[str, Any], document: dict[str, Any], example: Any) -> Any:
    """An example that has every part in it, so that every part can be spoilt."""
    schema = resolved(schema, document)
    if schema.get("type") == "array":
        return [
            filled(schema["items"], document, one) for one in (example or [None]) if example != []
        ]
    if "properties" not in schema:
        return example
    example = example or {}
    return {
        name: filled(part, document, example.get(name))
        for name, part in schema["properties"].items()
        if name in example or name in schema.get("required", ()) or has_parts(part, document)
    }


def has_parts(schema: dict[str, Any], document: dict[str, Any]) -> bool:
    return "properties" in resolved(schema, document)


def fields_of(
    schema: dict[str, Any],
    document: dict[str, Any],
    example: Any,
    place: tuple[str | int, ...] = (),
) -> Iterator[Field]:
    """Every field, at every depth that the example has."""
    known = resolved(schema, document)
    for name, part in known.get("properties", {}).items():
        yield Field(place=(*place, name), schema=part)
        inside = example.get(name) if isinstance(example, dict) else None
        yield from fields_of(part, document, inside, (*place, name))
    if known.get("type") == "array" and isinstance(example, list) and example:
        yield Field(place=(*place, 0), schema=known["items"])
        yield from fields_of(known["items"], document, example[0], (*place, 0))


def spoilt(example: Any, place: tuple[str | int, ...], value: Any) -> Any:
    """The example with another value in one place."""
    first, *rest = place
    copy = list(example) if isinstance(first, int) else dict(example or {})
    if rest:
        had = example[first] if isinstance(first, int) else (example or {}).get(first)
        value = spoilt(had, tuple(rest), value)
    copy[first] = value  # type: ignore[index]
    return copy


class Schemas:
    """A validator reads the whole document when it is made: one is made for each schema."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._components = document["components"]
        self._made: dict[str, Any] = {}

    def allow(self, schema: dict[str, Any], value: Any) -> bool:
        key = json.dumps(schema, sort_keys=True)
        if key not in self._made:
            whole = schema | {"components": self._components}
            self._made[key] = Draft202012Validator(whole, validate_formats=True)
        return holds(self._made[key], value)

    def not_allowed(self, schema: dict[str, Any]) -> list[Any]:
        return [value for value in _POOL if not self.allow(schema, value)]


def holds(validator: Any, value: Any) -> bool:
    if isinstance(value, float) and value * 0 != 0:
        return False  # JSON has no such number
    try:
        return bool(validator.is_valid(value))
    except ValueError:  # half a character
        return False


def check(answer: httpx.Response, what: str) -> bool:
    """No word of a library is in it; returns whether the request was refused for a field."""
    if answer.status_code != 422 or answer.json()["code"] not in _FIELDS_WRONG:
        return False
    document = problem(answer, 422, answer.json()["code"])
    for error in document["errors"]:
        said = f"{what}: {error}"
        assert not _RAW.search(error["detail"]), said
        assert LAST_RESORT not in error["detail"], said
        assert not error["detail"].endswith(("None", "nan")), said
        assert not re.search(r"[\[\]()']", error["field"]), said
    return True


def bodies(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """One operation for each body, by its schema."""
    seen = set()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if content is not None and str(content["schema"]) not in seen:
                seen.add(str(content["schema"]))
                yield method.upper(), path, content


class Site:
    """Ids that are ours, and who may call what."""

    def __init__(self, installer: Caller, owner: Caller, ids: dict[str, str]) -> None:
        self.installer, self.owner, self.ids = installer, owner, ids

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        path = re.sub(r"{(\w+)}", lambda found: self.ids.get(found[1], "x"), path)
        caller = self.owner if "/site-owner/" in path else self.installer
        return await caller.call(method, path, **options)


@pytest.fixture
async def site(installer: Caller, owner: Own) -> Site:
    project = await installer.project()
    charge_point = await installer.charge_point(project)
    hook = await installer.post("/webhooks", {"url": "https://93.184.216.34/hook"})
    me = await installer.get("/me")
    ids = {
        "project_id": project,
        "charge_point_id": charge_point,
        "service_visit_id": new_id(Prefix.SERVICE_VISIT),  # so is this
        "held_record_id": new_id(Prefix.HELD_RECORD),  # is looked up after the body
    }
    ids |= {"webhook_id": hook.json()["id"], "account_id": me.json()["id"]}
    return Site(installer, await owner("owner@site.com", project), ids)


async def test_whatever_a_field_of_a_body_is_given(site: Site, app: FastAPI) -> None:
    document = app.openapi()
    schemas = Schemas(document)
    never, sent = [], Counter[bool]()
    for method, path, content in bodies(document):
        schema = content["schema"]
        known = resolved(schema, document)
        example = content.get("example") or (known.get("examples") or schema.get("examples"))[0]
        example = filled(schema, document, example)
        for at, field in enumerate(fields_of(schema, document, example)):
            refused = 0
            values = schemas.not_allowed(field.schema)
            for value in values[at % 3 :: 3] or values:
                body = json.dumps(spoilt(example, field.place, value))
                what = f"{method} {path} {field} = {str(value)[:40]!r}"
                answer = await site.call(method, path, content=body, headers=_HEADERS)
                refused += check(answer, what)
                sent[answer.status_code == 422] += 1
            if not refused:
                never.append(f"{method} {path} {field}")
        for name in known.get("required", ()):
            body = json.dumps({key: one for key, one in example.items() if key != name})
            answer = await site.call(method, path, content=body, headers=_HEADERS)
            assert check(answer, f"{method} {path} without {name}")
    assert not never, "\n".join(never)
    assert sent[True] > 500, sent


async def test_whatever_a_parameter_is_given(site: Site, app: FastAPI) -> None:
    document = app.openapi()
    schemas = Schemas(document)
    seen: Counter[str] = Counter()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for parameter in operation.get("parameters", ()):
                name, place = parameter["name"], parameter["in"]
                if name == "Idempotency-Key":  # has an error of its own
                    continue
                for value in ("", "x", "-1", "9" * 30, "x" * 300, "é", "25:99"):
                    allowed = schemas.allow(parameter["schema"], value)
                    if allowed or (place != "query" and value in {"", "é"}):
                        continue
                    options: dict[str, Any] = {}
                    target = path
                    if place == "query":
                        options["params"] = {name: value}
                    elif place == "header":
                        options["headers"] = {name: value}
                    else:
                        target = path.replace(f"{{{name}}}", value)
                    what = f"{method} {path} {name}={value[:40]!r}"
                    answer = await site.call(method.upper(), target, **options)
                    seen[name] += check(answer, what)
    assert {name for name, count in seen.items() if count} >= {
        "limit", "cursor", "status", "last-event-id", "month", "serial_number", "format", "since",
    }  # fmt: skip


@pytest.mark.parametrize("body", [b"[]", b"null", b"7", b'"x"', b""])
async def test_a_body_that_is_no_object(anonymous: Caller, body: bytes) -> None:
    answer = await anonymous.call("POST", f"{V1}/installer/login", content=body, headers=_HEADERS)
    assert check(answer, "login")


CHARGE_POINTS: Final = "/installer/charge-points"
COMMISSIONING: Final = "/installer/commissioning/{charge_point_id}"
PROJECT: Final = "/installer/projects/{project_id}"


def tariff(**restrictions: Any) -> dict[str, Any]:
    components = [{"type": "ENERGY", "price": "0.30"}]
    return {
        "currency": "GBP",
        "elements": [{"price_components": components, "restrictions": restrictions}],
    }


@pytest.mark.parametrize(
    ("operation", "body", "field"),
    [
        (f"POST {CHARGE_POINTS}/{{charge_point_id}}/config/customize", {}, "parameters"),
        (f"POST {COMMISSIONING}/answer", {"answer": "skip"}, "note"),
        (f"POST {COMMISSIONING}/start", {"skip_reason": "Rain"}, "skip_reason"),
        (f"POST {PROJECT}/commission", {"only": "all", "charge_point_ids": ["x"]}, "only"),
        (f"POST {PROJECT}/commission", {"skip_reason": "Rain"}, "skip_reason"),
        (f"PATCH {PROJECT}", {"name": None}, "name"),
        (f"PATCH {CHARGE_POINTS}/{{charge_point_id}}", {"model": None}, "model"),
        (
            f"PATCH {CHARGE_POINTS}/{{charge_point_id}}",
            {"location": {"latitude": 1}},
            "location.longitude",
        ),
        (
            f"POST {CHARGE_POINTS}",
            GUIDE_CHARGE_POINT | {"project_id": "x", "location": {"longitude": 1}},
            "location.latitude",
        ),
        (
            f"PUT {PROJECT}/power",
            {"max_power_kw": 40, "max_amps_per_phase": 60},
            "max_amps_per_phase",
        ),
        (f"PUT {PROJECT}/power", {"max_power_kw": 0.5}, "max_power_kw"),
        (f"PUT {PROJECT}/power", {"max_amps_per_phase": 2}, "max_amps_per_phase"),
        (
            f"PUT {CHARGE_POINTS}/{{charge_point_id}}/electrical",
            {"phases": ["L1", "L1"]},
            "phases",
        ),
        (
            f"PUT {PROJECT}/default-tariff",
            tariff(start_time="07:00", end_time="07:00"),
            "elements.0.restrictions.end_time",
        ),
        (
            f"PUT {PROJECT}/default-tariff",
            tariff(min_kwh=9, max_kwh=3),
            "elements.0.restrictions.min_kwh",
        ),
        (
            f"PUT {PROJECT}/default-tariff",
            tariff(min_power=3),
            "elements.0.restrictions.min_power",
        ),
    ],
)  # fmt: skip
async def test_a_rule_over_several_fields_names_one(
    site: Site, operation: str, body: dict[str, Any], field: str
) -> None:
    method, path = operation.split()
    answer = await site.call(method, f"{V1}{path}", json=body)
    assert check(answer, operation)
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_the_stream_of_a_project_says_what_an_id_is(site: Site) -> None:
    answer = await site.call("GET", f"{V1}{PROJECT}/events", headers={"Last-Event-ID": "7"})
    (error,) = problem(answer, 422, "invalid_input")["errors"]
    assert error["detail"].startswith("must be an id that this stream has sent")
