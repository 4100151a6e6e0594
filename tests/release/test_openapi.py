from copy import deepcopy
from typing import Any

import pytest

from docs.generate.routes import openapi
from tests.release.openapi import Change, breaking_changes

OLD: dict[str, Any] = {
    "paths": {
        "/things/{id}": {
            "get": {
                "operationId": "getThing",
                "security": [],
                "parameters": [
                    {"in": "path", "name": "id", "required": True, "schema": {"type": "string"}},
                    {"in": "query", "name": "limit", "schema": {"type": "integer", "maximum": 100}},
                ],
                "responses": {
                    "200": {
                        "headers": {"ETag": {}},
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}
                        },
                    },
                    "404": {},
                },
            },
            "put": {
                "operationId": "putThing",
                "requestBody": {
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/NewThing"}}
                    }
                },
                "responses": {"204": {}},
            },
        }
    },
    "components": {
        "schemas": {
            "Thing": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "amps": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
                    "state": {"$ref": "#/components/schemas/State"},
                    "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}},
                    "tags": {"type": "object", "additionalProperties": {"type": "string"}},
                },
                "required": ["name", "state"],
            },
            "NewThing": {
                "type": "object",
                "properties": {
                    "name": {"type": "string", "maxLength": 20},
                    "kind": {"enum": ["a", "b"], "type": "string"},
                    "amps": {"type": "number"},
                    "since": {"type": "string"},
                    "marks": {"type": "object", "additionalProperties": {"type": "string"}},
                },
                "required": ["name"],
            },
            "State": {"enum": ["on", "off"], "type": "string"},
        }
    },
}
GET = ("paths", "/things/{id}", "get")
PUT = ("paths", "/things/{id}", "put")
THING = ("components", "schemas", "Thing")
NEW_THING = ("components", "schemas", "NewThing")
STATE = ("components", "schemas", "State")
GONE = object()
ANSWER, BODY = "GET /things/{id} 200", "PUT /things/{id} body"


def changes(*path: str | int, to: Any) -> list[Change]:
    """What breaks where this part of the document is another one."""
    new = deepcopy(OLD)
    *way, last = path
    node: Any = new
    for step in way:
        node = node[step]
    if to is GONE:
        del node[last]
    else:
        node[last] = to
    return breaking_changes(OLD, new)


@pytest.mark.parametrize(
    ("path", "to", "said"),
    [
        (GET[:2], GONE, "GET /things/{id}: is gone"),
        (GET, GONE, "GET /things/{id}: is gone"),
        ((*GET, "operationId"), "readThing", "GET /things/{id}: is no longer called getThing"),
        ((*GET, "security"), [{"bearer": []}], "GET /things/{id}: wants a token now"),
        ((*GET, "parameters", 1), GONE, "GET /things/{id} query limit: is gone"),
        (
            (*GET, "parameters", 1, "required"),
            True,
            "GET /things/{id} query limit: is required now",
        ),
        (
            (*GET, "parameters", 1, "schema", "maximum"),
            50,
            "GET /things/{id} query limit: has maximum 50 now",
        ),
        ((*GET, "responses", "200"), GONE, f"{ANSWER}: is gone"),
        ((*GET, "responses", "200", "headers"), {}, f"{ANSWER} header ETag: is gone"),
        ((*GET, "responses", "200", "content"), {}, f"{ANSWER} application/json: is gone"),
        ((*THING, "properties", "name"), GONE, f"{ANSWER} .name: is gone"),
        ((*THING, "properties", "name", "type"), "integer", f"{ANSWER} .name: may be integer now"),
        (
            (*THING, "properties", "amps"),
            {"anyOf": [{"type": "string"}, {"type": "null"}]},
            f"{ANSWER} .amps: may be string now",
        ),
        (
            (*THING, "properties", "tags", "additionalProperties", "type"),
            "null",
            f"{ANSWER} .tags {{}}: may be null now",
        ),
        ((*THING, "required"), ["name"], f"{ANSWER} .state: may be left out now"),
        (STATE, {"type": "string"}, f"{ANSWER} .state: may be any word"),
        ((*PUT, "requestBody", "required"), True, f"{BODY}: is required now"),
        ((*PUT, "requestBody"), GONE, f"{BODY} application/json: is gone"),
        ((*NEW_THING, "properties", "since"), GONE, f"{BODY} .since: is gone"),
        ((*NEW_THING, "required"), ["kind", "name"], f"{BODY} .kind: is required now"),
        ((*NEW_THING, "additionalProperties"), False, f"{BODY}: takes no other fields now"),
        (
            (*NEW_THING, "properties", "amps", "type"),
            "integer",
            f"{BODY} .amps: takes no number now",
        ),
        ((*NEW_THING, "properties", "kind", "enum"), ["a"], f"{BODY} .kind: takes no longer b"),
        (
            (*NEW_THING, "properties", "since", "enum"),
            ["now"],
            f"{BODY} .since: takes certain words alone now",
        ),
        (
            (*NEW_THING, "properties", "since", "format"),
            "date-time",
            f"{BODY} .since: has the format date-time now",
        ),
        (
            (*NEW_THING, "properties", "marks", "additionalProperties"),
            False,
            f"{BODY} .marks {{}}: was {{'type': 'string'}} and is False",
        ),
        (
            (*NEW_THING, "properties", "name", "maxLength"),
            10,
            f"{BODY} .name: has maxLength 10 now",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_breaks_somebody(path: tuple[str | int, ...], to: Any, said: str) -> None:
    assert said in map(str, changes(*path, to=to))


@pytest.mark.parametrize(
    ("path", "to"),
    [
        (("paths", "/others"), {"get": OLD["paths"]["/things/{id}"]["get"]}),
        ((*GET, "parameters", 1, "schema", "maximum"), 200),
        ((*GET, "responses", "404"), GONE),
        ((*GET, "responses", "200", "headers", "X-New"), {}),
        ((*THING, "properties", "more"), {"type": "string"}),
        ((*THING, "required"), ["name", "state", "amps"]),
        ((*THING, "properties", "amps"), {"type": "integer"}),
        ((*STATE, "enum"), ["on"]),
        ((*NEW_THING, "properties", "more"), {"type": "string"}),
        ((*NEW_THING, "required"), []),
        ((*NEW_THING, "properties", "kind"), {"type": "string"}),
        ((*NEW_THING, "properties", "marks", "additionalProperties"), True),
        ((*NEW_THING, "properties", "amps"), {"anyOf": [{"type": "number"}, {"type": "null"}]}),
        ((*NEW_THING, "properties", "name", "maxLength"), 30),
    ],
)
def test_what_breaks_nobody(path: tuple[str | int, ...], to: Any) -> None:
    assert changes(*path, to=to) == []


def test_a_new_word_of_an_answer_is_told_apart() -> None:
    (change,) = changes(*STATE, "enum", to=["on", "off", "dim"])
    assert str(change) == f"{ANSWER} .state: may also be dim"
    assert change.words == ("dim",)


def test_our_own_document_breaks_nobody_until_it_is_changed() -> None:
    ours = openapi()
    assert breaking_changes(ours, ours) == []
    new = deepcopy(ours)
    del new["components"]["schemas"]["Login"]["properties"]["password"]
    assert "POST /api/v1/installer/login body .password: is gone" in map(
        str, breaking_changes(ours, new)
    )
