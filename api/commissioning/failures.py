"""The shape of a failure."""

from pydantic import Field

from api.connection_attempts.schemas import ClaimShown
from api.fields import Shown


class FailureShown(Shown):
    """Why it failed: a stable code, the cause, what to do."""

    code: str
    cause: str
    action: str
    claim: ClaimShown | None = Field(
        default=None, description="The call that lets it in, where it tries another name"
    )
