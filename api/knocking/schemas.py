"""Shapes of refused connections."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api.fields import PreciseTimestamp
from storage.attempts import Knock

_KNOCK: dict[str, Any] = {
    "at": "2026-05-01T09:31:12.480Z",
    "code": "unsupported_subprotocol",
    "reason": "The charge point offered ocpp2.0.1. Choose OCPP 1.6 JSON (subprotocol ocpp1.6) in "
    "its settings.",
    "remote_address": "203.0.113.7",
}


class AttemptShown(BaseModel):
    """A connection that was refused."""

    model_config = ConfigDict(json_schema_extra={"examples": [_KNOCK]})

    at: PreciseTimestamp
    code: str = Field(description="Stable code of the refusal, to branch on")
    reason: str = Field(description="Why it was refused and what to do, in words")
    remote_address: str | None = Field(description="Where it came from")

    @classmethod
    def of(cls, knock: Knock) -> "AttemptShown":
        """Show a refused connection."""
        attempt = knock.attempt
        return cls(
            at=attempt.at,
            code=attempt.code,
            reason=attempt.reason,
            remote_address=attempt.remote_address,
        )
