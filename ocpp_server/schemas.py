"""The OCPP 1.6 JSON schemas of the ``ocpp`` package, compiled once, and their errors translated."""

from functools import cache
from importlib import resources
from typing import Any, Final

import jsonschema_rs
import orjson

from ocpp_server.frames import ErrorCode
from ocpp_server.repair import Repaired, Repairer

_TOLERATED_LENGTH: Final = 255
_CODES: Final = {
    "type": ErrorCode.TYPE_CONSTRAINT_VIOLATION,
    "maxLength": ErrorCode.TYPE_CONSTRAINT_VIOLATION,
    "required": ErrorCode.PROTOCOL_ERROR,
    "additionalProperties": ErrorCode.FORMATION_VIOLATION,
    "minItems": ErrorCode.OCCURENCE_CONSTRAINT_VIOLATION,
    "maxItems": ErrorCode.OCCURENCE_CONSTRAINT_VIOLATION,
    "enum": ErrorCode.PROPERTY_CONSTRAINT_VIOLATION,
    "multipleOf": ErrorCode.PROPERTY_CONSTRAINT_VIOLATION,
}


class Schema:
    """One compiled schema."""

    def __init__(self, document: dict[str, Any]) -> None:
        # Time stamps without a zone are common: our own eyes read them (v16.fields.moment).
        self._validator = jsonschema_rs.validator_for(document, validate_formats=False)
        self._repairer = Repairer(document)
        self._required = frozenset(document.get("required", ()))

    def requires(self, field: str) -> bool:
        """Tell whether the standard wants that field."""
        return field in self._required

    def is_valid(self, payload: dict[str, Any]) -> bool:
        """Tell whether the payload is as the standard wants it."""
        try:
            return self._validator.is_valid(payload)
        except ValueError:  # nested deeper than the validator walks
            return False

    def check(self, payload: dict[str, Any]) -> ErrorCode | None:
        """Return the code of what is wrong with the payload, or None."""
        try:
            self._validator.validate(payload)
        except jsonschema_rs.ValidationError as error:
            return _CODES.get(error.kind.name, ErrorCode.FORMATION_VIOLATION)
        except ValueError:  # nested deeper than the validator walks
            return ErrorCode.FORMATION_VIOLATION
        return None

    def repair(self, payload: dict[str, Any]) -> Repaired:
        """Give a payload that breaks the schema as far as it is understood."""
        return self._repairer.repair(payload)


@cache
def request_schema(action: str) -> Schema:
    """Return the schema of ``<action>.req``; raise LookupError for an unknown action."""
    return Schema(_load(action))


@cache
def response_schema(action: str) -> Schema:
    """Return the schema of ``<action>.conf``; raise LookupError for an unknown action."""
    return Schema(_load(f"{action}Response"))


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
