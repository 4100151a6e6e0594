"""What generators of clients and readers of the document live on: names, references, examples."""

import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from fastapi.routing import iter_route_contexts
from jsonschema_rs import Draft202012Validator

from api.app import bare_app
from api.openapi.names import tidy_names
from docs.generate.routes import openapi
from tests.api.test_openapi import operations


def media(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every body of every request, and of every answer that is no problem."""
    for name, operation in operations(document):
        for kind, content in operation.get("requestBody", {}).get("content", {}).items():
            yield f"{name} takes", kind, content
        for status, response in operation["responses"].items():
            for kind, content in response.get("content", {}).items():
                if int(status) < 400:
                    yield f"{name} {status}", kind, content


def test_every_body_has_an_example() -> None:
    document = openapi()
    schemas = document["components"]["schemas"]
    for name, kind, content in media(document):
        if kind == "application/json":
            reference = str(content["schema"]).partition("schemas/")[2].partition("'")[0]
            examples = [content.get("example"), *schemas[reference].get("examples", ())]
            assert any(examples), name
            for example in examples:
                assert not isinstance(example, dict) or example.get("items") != [], name
        elif kind == "text/csv" and name.endswith("takes"):
            assert content["example"], name


def nodes(value: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of the document that is no example, with its place."""
    if isinstance(value, dict):
        yield place, value
        for key, part in value.items():
            if key not in {"example", "examples", "default"}:
                yield from nodes(part, f"{place}/{key}")
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from nodes(part, f"{place}/{number}")


def stated_examples(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], Any]]:
    """Every example of the document, with the schema that it is one of."""
    for place, node in nodes(document):
        if isinstance(node.get("examples"), list):
            for example in node["examples"]:
                yield place, node, example
        if "example" in node:
            yield place, node.get("schema", node), node["example"]
        if isinstance(node.get("examples"), dict) and "schema" in node:
            for example in node["examples"].values():
                yield place, node["schema"], example["value"]


def test_every_example_is_what_its_schema_says() -> None:
    document = openapi()
    wrong = []
    seen = 0
    for place, schema, example in stated_examples(document):
        seen += 1
        validator = Draft202012Validator(
            schema | {"components": document["components"]}, validate_formats=True
        )
        wrong += [
            f"{place} {'/'.join(map(str, error.instance_path))}: {error.message}"
            for error in validator.iter_errors(example)
        ]
    assert not wrong, "\n".join(wrong)
    assert seen > 500


def test_a_wrong_example_is_noticed() -> None:
    schema = {"type": "object", "required": ["at"], "examples": [{}, {"at": None}]}
    document = {"components": {"schemas": {"Attempt": schema}}}
    places = [place for place, _, _ in stated_examples(document)]
    assert places == ["/components/schemas/Attempt"] * 2
    validator = Draft202012Validator(schema)
    assert [validator.is_valid(example) for _, _, example in stated_examples(document)] == [
        False,
        True,
    ]


def test_every_example_of_a_request_is_accepted() -> None:
    """By the models, which know more than the schemas, such as which fields go together."""
    fields = {
        route.operation_id: route.body_field
        for route in iter_route_contexts(bare_app().routes)
        if getattr(route, "body_field", None)
    }
    assert fields.keys() >= {"createProject", "setTariff", "putDeclaration"}
    for operation_id, field in fields.items():
        model = field.field_info.annotation
        (model,) = [one for one in (*get_args(model), model) if hasattr(one, "model_config")]
        for example in model.model_config["json_schema_extra"]["examples"]:
            model.model_validate(example)
        assert model.model_config["json_schema_extra"]["examples"], operation_id


def test_schemas_have_names_that_a_generator_keeps_apart() -> None:
    schemas = openapi()["components"]["schemas"]
    for name, schema in schemas.items():
        assert re.fullmatch(r"([A-Z][a-z]+)+", name), name
        assert schema["title"] == name
    assert len({name.lower() for name in schemas}) == len(schemas)


def test_references_lead_somewhere() -> None:
    document = openapi()
    named = {node["$ref"] for _, node in nodes(document) if "$ref" in node}
    assert named == {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}


def test_models_of_one_name_are_refused() -> None:
    document: dict[str, Any] = {
        "components": {"schemas": {"api__a__Shown": {}, "api__b__Shown": {}}}
    }
    with pytest.raises(LookupError, match="api__a__Shown, api__b__Shown"):
        tidy_names(document)


def test_no_shape_is_any_object_whatever() -> None:
    """A model that writes itself by code of its own has no fields in the document."""
    for name, schema in openapi()["components"]["schemas"].items():
        assert schema.get("properties") or "enum" in schema, name
