"""Inbound calls against the official JSON schemas, as careful hardware does it.

The schema files come with the `ocpp` package; nothing else of it is used.
"""

from functools import cache
from importlib import resources

import jsonschema_rs
import orjson

from simulator.frames import CallRejected, Payload
from simulator.words import ErrorCode

_CODES = {
    "type": ErrorCode.TYPE_CONSTRAINT,
    "required": ErrorCode.OCCURRENCE_CONSTRAINT,
    "minItems": ErrorCode.OCCURRENCE_CONSTRAINT,
    "additionalProperties": ErrorCode.FORMATION_VIOLATION,
}


def check(action: str, payload: object) -> Payload:
    """Return the payload of a call if it is valid, or raise CallRejected with the right code."""
    if not isinstance(payload, dict):
        raise CallRejected(ErrorCode.FORMATION_VIOLATION, "the payload is no object")
    try:
        _validator(action).validate(payload)
    except jsonschema_rs.ValidationError as error:
        keyword = str(error.schema_path[-1]) if error.schema_path else ""
        raise CallRejected(
            _CODES.get(keyword, ErrorCode.PROPERTY_CONSTRAINT), error.message
        ) from error
    return payload


@cache
def _validator(action: str) -> jsonschema_rs.Validator:
    file = resources.files("ocpp").joinpath("v16", "schemas", f"{action}.json")
    return jsonschema_rs.validator_for(orjson.loads(file.read_text("utf-8-sig")))
