"""The errors of the engine, each with a stable type name that API, Temporal and docs share.

EngineError
├── NotFoundError            nothing of yours has that id
├── ConflictError            the state does not allow it
├── InvalidError             the input is wrong; ``fields`` names what
├── UnauthorizedError        who are you?
├── ForbiddenError           you may not
├── TooManyRequestsError     slow down; ``retry_after`` in seconds
└── UnavailableError         a part is away; ``retry_after`` in seconds
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from domain.plausibility import Question


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldError:
    """One wrong field: its path (``parameters.0.value``) and what to do.

    ``row`` is its row in a file of rows, the header being row 1. ``charge_point_id``: which one has
    that value already. ``question``: it is not wrong, but asked about.
    """

    field: str
    detail: str
    row: int | None = None
    charge_point_id: str | None = None
    question: Question | None = None


class EngineError(Exception):
    """Base. ``code`` is the stable type, ``status`` its HTTP status, ``detail`` a sentence."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong"

    def __init__(self, code: str, detail: str, **extra: Any) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.extra = extra
        """Further members of the problem document."""


class NotFoundError(EngineError):
    """Nothing of yours has that id."""

    status = 404
    title = "Not found"


class ConflictError(EngineError):
    """The present state does not allow it."""

    status = 409
    title = "Not possible now"


class InvalidError(EngineError):
    """The input is wrong."""

    status = 422
    title = "Invalid input"

    def __init__(
        self, code: str, detail: str, fields: tuple[FieldError, ...] = (), **extra: Any
    ) -> None:
        super().__init__(code, detail, **extra)
        self.fields = fields


class UnauthorizedError(EngineError):
    """No valid credential came with the request."""

    status = 401
    title = "Not signed in"


class ForbiddenError(EngineError):
    """The account may not do this."""

    status = 403
    title = "Not allowed"


class TooManyRequestsError(EngineError):
    """Too many attempts."""

    status = 429
    title = "Too many attempts"

    def __init__(self, code: str, detail: str, *, retry_after: int) -> None:
        super().__init__(code, detail)
        self.retry_after = retry_after


class UnavailableError(EngineError):
    """A part of the engine is away for the moment."""

    status = 503
    title = "Not available right now"

    def __init__(self, code: str, detail: str, *, retry_after: int = 5) -> None:
        super().__init__(code, detail)
        self.retry_after = retry_after
