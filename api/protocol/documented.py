"""What every operation of a kind has in the OpenAPI document, so that no route has to say it."""

from collections.abc import Iterator
from typing import Any, Final

from api.problems import documented_problem

_JSON: Final = "application/json"
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


def document_protocol(document: dict[str, Any]) -> None:
    """Add the 415 of JSON bodies, and the headers of what is throttled or away."""
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


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in document["paths"].values():
        yield from methods.values()
