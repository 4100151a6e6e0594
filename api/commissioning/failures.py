"""The shape of a failure."""

from pydantic import BaseModel, Field

from api.connection_attempts.schemas import ClaimShown
from domain.checks import Failure


class FailureShown(BaseModel):
    """Why it failed: a stable code, the cause, what to do."""

    code: str
    cause: str
    action: str
    claim: ClaimShown | None = Field(
        default=None, description="The call that lets it in, where it tries another name"
    )

    @classmethod
    def of(cls, failure: Failure | None) -> "FailureShown | None":
        """Show a failure."""
        if failure is None:
            return None
        return cls(
            code=failure.code,
            cause=failure.cause,
            action=failure.action,
            claim=ClaimShown.of(failure.claim),
        )
