"""Problem documents (RFC 9457): the one shape of every error, and its place in OpenAPI."""

from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from domain.errors import (
    EngineError,
    FieldError,
    InvalidError,
    TooManyRequestsError,
    UnavailableError,
)
from storage.kept_answers import KeyInUseError

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:dynamo:problem:"


class ProblemField(BaseModel):
    """One wrong field of the request."""

    field: str
    detail: str
    row: int | None = Field(default=None, description="Of a file: its row; the header is row 1")
    charge_point_id: str | None = Field(
        default=None, description="Of a file: which charge point has the serial number already"
    )
    value: float | None = Field(default=None, description="Of `implausible`: what was given")
    unit: str | None = Field(default=None, description="Of `implausible`: its unit")
    least: float | None = Field(default=None, description="Of `implausible`: the least usual value")
    most: float | None = Field(default=None, description="Of `implausible`: the most usual value")


class Problem(BaseModel):
    """An error, in words that a person can act on. Some codes add members of their own."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="Stable URI of the kind of problem, ends with its code")
    title: str
    status: int
    detail: str
    code: str = Field(description="Stable code, to branch on")
    request_id: str | None = Field(default=None, description="Quote it when you ask for help")
    errors: list[ProblemField] | None = Field(default=None, description="The wrong fields")


_NOT_YOURS = (
    "The account has another role, the project is the owner's now (`project_handed_over`), your "
    "service visit has not this charge point (`outside_service_visit`), or the e-mail is not "
    "verified (`email_unverified`, `quota_until_verified`)."
)
_MEANING = {
    400: ("malformed_json", "The body is not JSON."),
    401: ("token_invalid", "No valid token came with the request."),
    403: ("wrong_role", _NOT_YOURS),
    404: ("charge_point_not_found", "Nothing of yours has that id."),
    409: ("project_handed_over", "The present state does not allow it."),
    413: (
        "body_too_large",
        "The body is larger than 1 MiB, an imported file than 12 MiB, or a photo than 8 MiB.",
    ),
    415: ("not_csv", "The body is not declared as a CSV file."),
    422: ("invalid_input", "A field is wrong; `errors` names it."),
    429: ("too_many_attempts", "Too many attempts; `Retry-After` says how long to wait."),
    501: ("certificate_key_missing", "The engine has no key to sign certificates with."),
    503: (
        "temporal_unavailable",
        "A part of the engine is away; `Retry-After` says when to try again.",
    ),
}

_ARCHIVED = "The project is archived; `POST …/projects/{id}/unarchive` brings it back."
_TITLES = {kind.status: kind.title for kind in EngineError.__subclasses__()}


def problem_document(
    *, code: str, title: str, status: int, detail: str, request_id: str | None = None, **extra: Any
) -> dict[str, Any]:
    """Compose a problem document."""
    document = {
        "type": TYPE_PREFIX + code,
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
    }
    if request_id is not None:
        document["request_id"] = request_id
    return document | extra


def document_of(error: EngineError, request_id: str | None) -> dict[str, Any]:
    """Compose the document of an engine error."""
    extra = dict(error.extra)
    if isinstance(error, InvalidError) and error.fields:
        extra["errors"] = [_wrong(field) for field in error.fields]
    return problem_document(
        code=error.code,
        title=error.title,
        status=error.status,
        detail=error.detail,
        request_id=request_id,
        **extra,
    )


def _wrong(field: FieldError) -> dict[str, Any]:
    more: dict[str, Any] = {"row": field.row, "charge_point_id": field.charge_point_id}
    if field.question is not None:
        usual = field.question.usual
        more |= {
            "value": float(field.question.value),
            "unit": field.question.unit,
            "least": None if usual is None else float(usual.least),
            "most": None if usual is None else float(usual.most),
        }
    return {
        **{name: value for name, value in more.items() if value is not None},
        "field": field.field,
        "detail": field.detail,
    }


def headers_of(error: EngineError) -> dict[str, str]:
    """Headers that belong to an engine error."""
    if isinstance(error, TooManyRequestsError | UnavailableError | KeyInUseError):
        return {"Retry-After": str(error.retry_after)}
    if error.status == HTTPStatus.UNAUTHORIZED:
        return {"WWW-Authenticate": "Bearer"}
    return {}


def problems(*statuses: int, **conflicts: str) -> dict[int | str, dict[str, Any]]:
    """Document error responses of an operation; ``conflicts`` are its codes of a 409.

    What the handover closes is closed in an archived project too.
    """
    if "project_handed_over" in conflicts:
        conflicts["project_archived"] = _ARCHIVED
    return problems_even_archived(*statuses, **conflicts)


def problems_even_archived(*statuses: int, **conflicts: str) -> dict[int | str, dict[str, Any]]:
    """Document error responses of what can be done to an archived project."""
    documented: dict[int | str, dict[str, Any]] = {}
    for status in sorted({*statuses, *((409,) if conflicts else ())}):
        code, meaning = _MEANING[status]
        if status == HTTPStatus.CONFLICT and conflicts:
            code = next(iter(conflicts))
            meaning = " ".join(f"`{name}`: {words}" for name, words in conflicts.items())
        documented[status] = documented_problem(status, code, meaning)
    return documented


def problem_of(status: int, code: str, meaning: str) -> dict[int | str, dict[str, Any]]:
    """Document the error response of an operation that has this one code for a status."""
    return {status: documented_problem(status, code, meaning)}


def documented_problem(status: int, code: str, meaning: str) -> dict[str, Any]:
    """Document one error response."""
    return {
        "description": meaning,
        "content": {
            MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "example": problem_document(
                    code=code,
                    title=_TITLES.get(status, HTTPStatus(status).phrase),
                    status=status,
                    detail=meaning.replace("`", ""),
                ),
            }
        },
    }
