"""What every operation of a kind has in the OpenAPI document, so that no route has to say it."""

from collections.abc import Iterator
from typing import Any, Final

from api.idempotency.decisions import HEADER, NOT_KEYED, REPLAYED
from api.problems import documented_problem, problems

_API: Final = "/api/"
_JSON: Final = "application/json"
_ANY_TEXT: Final = {"type", "title", "description", "examples"}
"""What the schema of a text has that cannot be wrong."""
_SECONDS: Final = {"type": "integer", "minimum": 0}
_LIMITS: Final[dict[str, dict[str, Any]]] = {
    "RateLimit-Policy": {
        "description": "Every limit that was looked at: its quota `q`, its window `w` in seconds",
        "schema": {"type": "string"},
        "example": '"login-account-address";q=10;w=900',
    },
    "RateLimit": {
        "description": "The same limits: what remains `r`, the seconds `t` until they begin anew",
        "schema": {"type": "string"},
        "example": '"login-account-address";r=0;t=731',
    },
    "RateLimit-Limit": {"description": "Of the tightest limit: its quota", "schema": _SECONDS},
    "RateLimit-Remaining": {"description": "What remains of it", "schema": _SECONDS},
    "RateLimit-Reset": {"description": "Seconds until it begins anew", "schema": _SECONDS},
}
_RETRY_AFTER: Final = {
    "Retry-After": {"description": "Seconds to wait before the next try", "schema": _SECONDS}
}


_KEY: Final = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "Of your choice, such as a UUID: a repeat with the same key, within a day, is "
    "not carried out again and has the same answer",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "example": "8e03978e-40d5-43dd-bc93-6894a57f9324",
}
_REPLAYED: Final = {
    REPLAYED: {
        "description": "`true`: this is the answer of the first request with the key",
        "schema": {"type": "string", "enum": ["true"]},
    }
}
_KEY_PROBLEMS: Final = {
    "400": {"idempotency_key_invalid": "The `Idempotency-Key` is none."},
    "409": {
        "idempotency_key_reused": "The `Idempotency-Key` was used with another body.",
        "idempotency_key_in_use": "The first request with it is still being carried out.",
        "done": "It was carried out, and its answer was not kept.",
    },
}


def document_protocol(document: dict[str, Any]) -> None:
    """Add the usual problems, the headers of what is throttled or away, and the keys of POST."""
    for path, methods in document["paths"].items():
        if path.startswith(_API):
            for operation in methods.values():
                _document_the_usual(path, operation)
    for methods in document["paths"].values():
        if methods.get("post", {}).get("operationId", "") not in {"", *NOT_KEYED}:
            _document_key(methods["post"])
    for operation in _operations(document):
        responses = operation["responses"]
        if _JSON in operation.get("requestBody", {}).get("content", {}):
            responses["415"] = documented_problem(
                415, "not_json", "The body is not declared as JSON."
            )
        if "503" in responses:
            responses["503"]["headers"] = _RETRY_AFTER
        if "429" in responses:
            responses["429"]["headers"] = _RETRY_AFTER | _LIMITS


def _document_the_usual(path: str, operation: dict[str, Any]) -> None:
    """Add the problems of what it takes: a token, an id, a body, a query. What it says stays."""
    statuses = {503}
    if operation["security"]:
        statuses |= {401, 403}
    if "{" in path:
        statuses.add(404)
    if "requestBody" in operation:
        statuses |= {413, 422}
        if _JSON in operation["requestBody"]["content"]:
            statuses.add(400)
    if any(map(_can_be_wrong, operation.get("parameters", ()))):
        statuses.add(422)
    usual = {str(status): problem for status, problem in problems(*statuses).items()}
    operation["responses"] = dict(sorted((usual | operation["responses"]).items()))


def _can_be_wrong(parameter: dict[str, Any]) -> bool:
    schema = parameter["schema"]
    is_any_text = schema.get("type") == "string" and schema.keys() <= _ANY_TEXT
    return parameter["in"] != "path" or not is_any_text


def _document_key(operation: dict[str, Any]) -> None:
    operation.setdefault("parameters", []).append(_KEY)
    responses = operation["responses"]
    for status, codes in _KEY_PROBLEMS.items():
        words = " ".join(f"`{code}`: {meaning}" for code, meaning in codes.items())
        if status in responses:
            responses[status]["description"] += f" {words}"
        else:
            responses[status] = documented_problem(int(status), next(iter(codes)), words)
    for status, response in responses.items():
        if status.startswith("2"):
            response["headers"] = response.get("headers", {}) | _REPLAYED


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in document["paths"].values():
        yield from methods.values()
