"""The OCPP 1.6 JSON schemas of the ``ocpp`` package, relaxed where that is harmless."""

from functools import cache
from importlib import resources
from typing import Any, Final

import orjson

from ocpp_server.schemas import Schema
from ocpp_server.v16.leniency import LENIENCY

_TOLERATED_LENGTH: Final = 255


@cache
def request_schema(action: str) -> Schema:
    """Return the schema of ``<action>.req``; raise LookupError for an unknown action."""
    return Schema(_load(action), LENIENCY)


@cache
def response_schema(action: str) -> Schema:
    """Return the schema of ``<action>.conf``; raise LookupError for an unknown action."""
    return Schema(_load(f"{action}Response"), LENIENCY)


def _load(name: str) -> dict[str, Any]:
    # Not of "ocpp.v16": to import that takes seconds, and nothing of it is used.
    file = resources.files("ocpp").joinpath("v16", "schemas", f"{name}.json")
    if not file.is_file():
        raise LookupError(f"OCPP 1.6 has no {name}")
    document = orjson.loads(file.read_text("utf-8-sig"))
    _tolerate(document)
    if name == "StopTransaction":
        # Firmware that loses the id may still say the connector; it helps to tell which one ends.
        document["properties"]["connectorId"] = {"type": "integer"}
    return document  # type: ignore[no-any-return]


def _tolerate(node: Any) -> None:
    """Relax what deployed charge points break harmlessly.

    Texts may be longer than the standard's CiString limits (storage cuts them), and a unit that
    MeterValues knows is also known inside StopTransaction (the package's schema lacks Hertz).
    """
    if isinstance(node, list):
        for element in node:
            _tolerate(element)
    elif isinstance(node, dict):
        if isinstance(node.get("maxLength"), int):
            node["maxLength"] = max(node["maxLength"], _TOLERATED_LENGTH)
        enum = node.get("enum")
        if isinstance(enum, list) and "Celcius" in enum and "Hertz" not in enum:
            enum.append("Hertz")
        for element in node.values():
            _tolerate(element)
