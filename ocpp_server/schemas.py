"""The schema of a message, compiled once: its errors translated, its lenient reader beside it."""

from typing import Any, Final

import jsonschema_rs

from ocpp_server.frames import ErrorCode
from ocpp_server.repair import Leniency, Repaired, Repairer

_CODES: Final = {
    "type": ErrorCode.TYPE_CONSTRAINT_VIOLATION,
    "maxLength": ErrorCode.TYPE_CONSTRAINT_VIOLATION,
    "required": ErrorCode.PROTOCOL_ERROR,
    "additionalProperties": ErrorCode.FORMATION_VIOLATION,
    "minItems": ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION,
    "maxItems": ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION,
    "enum": ErrorCode.PROPERTY_CONSTRAINT_VIOLATION,
    "multipleOf": ErrorCode.PROPERTY_CONSTRAINT_VIOLATION,
}


class Schema:
    """One compiled schema."""

    def __init__(self, document: dict[str, Any], leniency: Leniency) -> None:
        # Time stamps without a zone are common: the handlers read them by themselves.
        self._validator = jsonschema_rs.validator_for(document, validate_formats=False)
        self._repairer = Repairer(document, leniency)
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
