"""Examples: complete, so that each one is what its schema says."""

from typing import Any, Final

_PLACE: Final = "#/components/schemas/"
_LIST: Final = {"items", "next_cursor"}
Schemas = dict[str, dict[str, Any]]


def complete_examples(document: dict[str, Any]) -> None:
    """Put back the nulls of examples, and make those of pages and lists from their items'.

    FastAPI leaves every null out of a document, those of examples too.
    """
    schemas: Schemas = document["components"]["schemas"]
    _complete_models(schemas)
    for methods in document["paths"].values():
        for operation in methods.values():
            for response in operation["responses"].values():
                _complete_answer(response, schemas)


def _complete_models(schemas: Schemas) -> None:
    for schema in schemas.values():
        if "examples" in schema:
            schema["examples"] = [
                _completed(example, schema, schemas) for example in schema["examples"]
            ]
    for schema in schemas.values():
        properties = schema.get("properties", {})
        if "examples" not in schema and properties.keys() <= _LIST and "items" in properties:
            example = {"items": _items(properties["items"], schemas), "next_cursor": None}
            if example["items"]:
                schema["examples"] = [{name: example[name] for name in properties}]


def _complete_answer(response: dict[str, Any], schemas: Schemas) -> None:
    for media in response.get("content", {}).values():
        schema = media.get("schema", {})
        if schema.get("type") == "array":
            media.setdefault("example", _items(schema, schemas))
        if "example" in media:
            media["example"] = _completed(media["example"], schema, schemas)


def _items(listed: dict[str, Any], schemas: Schemas) -> list[Any]:
    return list(_resolved(listed["items"], schemas).get("examples", []))


def _completed(example: Any, schema: dict[str, Any], schemas: Schemas) -> Any:
    schema = _resolved(schema, schemas)
    if isinstance(example, list) and "items" in schema:
        return [_completed(item, schema["items"], schemas) for item in example]
    if not isinstance(example, dict) or "properties" not in schema:
        return example
    properties = schema["properties"]
    required = schema.get("required", ())
    given = example | {
        name: None for name in required if name not in example and _may_be_null(properties[name])
    }
    known = [name for name in properties if name in given]
    return {
        **{name: _completed(given[name], properties[name], schemas) for name in known},
        **{name: value for name, value in given.items() if name not in properties},
    }


def _resolved(schema: dict[str, Any], schemas: Schemas) -> dict[str, Any]:
    """What a reference, or the one choice that is not null, stands for."""
    if "$ref" in schema:
        return _resolved(schemas[schema["$ref"].removeprefix(_PLACE)], schemas)
    choices = [choice for choice in schema.get("anyOf", ()) if choice.get("type") != "null"]
    return _resolved(choices[0], schemas) if len(choices) == 1 else schema


def _may_be_null(schema: dict[str, Any]) -> bool:
    return any(choice.get("type") == "null" for choice in schema.get("anyOf", ()))
