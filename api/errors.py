"""Renders every error as a problem document; nothing else in the API writes an error."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from api.problems import MEDIA_TYPE, document_of, headers_of, problem_document
from api.protocol.limits import TooManyAtOnceError, tell
from api.protocol.methods import Operations
from domain.errors import EngineError, FieldError, InvalidError, UnavailableError
from domain.wording import FieldProblem, all_wrong
from storage.outages import Outage, is_database_away

_log = structlog.get_logger()

_DETAILS = {
    400: ("malformed_request", "The request could not be read."),
    404: ("not_found", "There is nothing at this path."),
    405: ("method_not_allowed", "This path does not take that method."),
    413: ("body_too_large", "The body is larger than 1 MiB."),
    415: ("not_json", "The body must be JSON, with Content-Type: application/json."),
}


def install_error_handlers(app: FastAPI) -> None:
    """Register the handlers."""
    app.state.outage = Outage("database_away", log=_log)
    app.add_exception_handler(EngineError, _engine_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_error)
    for away in (DBAPIError, PoolTimeoutError, OSError):
        app.add_exception_handler(away, _database_error)


def problem_response(error: EngineError, request_id: str | None) -> JSONResponse:
    """Render an engine error."""
    if isinstance(error, TooManyAtOnceError):
        tell(error.standing)
    return JSONResponse(
        document_of(error, request_id),
        status_code=error.status,
        headers=headers_of(error),
        media_type=MEDIA_TYPE,
    )


def unexpected_response(request_id: str | None) -> JSONResponse:
    """Render what nobody expected, without a word of what it was."""
    return JSONResponse(
        problem_document(
            code="internal_error",
            title="Something went wrong",
            status=500,
            detail="An unexpected error happened and was logged. Quote the request id.",
            request_id=request_id,
        ),
        status_code=500,
        media_type=MEDIA_TYPE,
    )


async def _engine_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, EngineError)  # noqa: S101 - Starlette's signature is wider
    return problem_response(error, _request_id(request))


async def _invalid_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    errors: Sequence[Any] = error.errors()
    if any(item["type"] == "json_invalid" for item in errors):
        return _plain(request, 400, "malformed_json", "The body is not valid JSON.")
    if _is_not_json(error):
        return _plain(request, 415, "not_json", _DETAILS[415][1])
    fields = field_errors(errors)
    wrong = InvalidError("invalid_input", "; ".join(_sentence(field) for field in fields), fields)
    return problem_response(wrong, _request_id(request))


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101
    code, detail = _DETAILS.get(error.status_code, ("http_error", str(error.detail)))
    response = _plain(request, error.status_code, code, detail)
    response.headers.update(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        operations: Operations = request.app.state.operations
        response.headers["Allow"] = operations.allowed(request.url.path)
    return response


def _is_not_json(error: RequestValidationError) -> bool:
    """Tell whether there was a body, and the framework did not even try to read it."""
    return isinstance(error.body, bytes) and bool(error.body)


async def _database_error(request: Request, error: Exception) -> JSONResponse:
    if not is_database_away(error):
        raise error
    outage: Outage = request.app.state.outage
    outage.failed(error)
    away = UnavailableError(
        "database_unavailable", "The database is away for the moment. Try again shortly."
    )
    return problem_response(away, _request_id(request))


def _plain(request: Request, status: int, code: str, detail: str) -> JSONResponse:
    return JSONResponse(
        problem_document(
            code=code,
            title=HTTPStatus(status).phrase,
            status=status,
            detail=detail,
            request_id=_request_id(request),
        ),
        status_code=status,
        media_type=MEDIA_TYPE,
    )


def field_errors(errors: Sequence[Any]) -> tuple[FieldError, ...]:
    """Say what pydantic found, in words; the first part of each place is that of the request."""
    # body, query, path, header: said only where there is no more
    return tuple(
        FieldError(
            field=FieldProblem(path=found.path[1:] or found.path, words=found.words).name,
            detail=found.words,
        )
        for found in all_wrong(errors)
    )


def _sentence(field: FieldError) -> str:
    return f"{field.field}: {field.detail}"


def _request_id(request: Request) -> str | None:
    return request.scope.get("dynamo.request_id")
