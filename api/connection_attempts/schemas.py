"""Shapes of refused connections."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, Field

from api.fields import PreciseTimestamp, Request, Shown, Timestamp, example
from domain.connection_attempts import claim_call
from domain.states import IdentityMatch
from storage.connection_attempts import CountedAttempt
from storage.unclaimed_attempts import UnclaimedIdentity

_ATTEMPT: dict[str, Any] = {
    "at": "2026-05-01T09:31:12.480Z",
    "code": "unsupported_subprotocol",
    "reason": "The charge point offered ocpp2.0.1. Choose OCPP 1.6 JSON (subprotocol ocpp1.6) in "
    "its settings.",
    "remote_address": "203.0.113.7",
    "times": 3,
    "first_at": "2026-05-01T09:30:52.113Z",
}


class ConnectionAttempt(Shown):
    """A connection that was refused."""

    model_config = example(_ATTEMPT)

    at: PreciseTimestamp
    code: str = Field(description="Stable code of the refusal, to branch on")
    reason: str = Field(description="Why it was refused and what to do, in words")
    remote_address: str | None = Field(description="Where it came from")
    times: int = Field(description="How often it was refused so; `at` is the newest")
    first_at: PreciseTimestamp = Field(description="When it was refused so for the first time")

    @classmethod
    def of(cls, it: CountedAttempt, **others: Any) -> Self:
        """Show a refused connection."""
        return super().of(it.attempt, times=it.times, first_at=it.first_at, **others)


class ClaimShown(Shown):
    """The one call that lets a charge point in under the name that it tries."""

    method: str
    path: str
    body: dict[str, str]


class UnclaimedShown(Shown):
    """An identity that is unknown here, with the charge point that it may be."""

    model_config = example(
        identity="CP-SN-00483921",
        matches="serial_number",
        charge_point_id="cp_01HX5P2QRSTUVWXYZ0",
        serial_number="CP-SN-00483921",
        attempts=4,
        last_at="2026-05-01T09:31:12.480Z",
        remote_address="203.0.113.7",
        claim={
            "method": "POST",
            "path": "/api/v1/installer/projects/prj_01HX4M7TABCDE12345/unclaimed/"
            "CP-SN-00483921/claim",
            "body": {"charge_point_id": "cp_01HX5P2QRSTUVWXYZ0"},
        },
    )

    identity: str = Field(description="As the charge point gave it last")
    matches: IdentityMatch = Field(
        description="Why: it is the `serial_number`, or a `similar_serial_number` or `similar_id`: "
        "the same but for upper and lower case, separators, percent-encoding, or the prefix `cp_`"
    )
    charge_point_id: str = Field(description="What to claim it for")
    serial_number: str
    attempts: int = Field(description="How often it tried, as far as that is kept")
    last_at: PreciseTimestamp
    remote_address: str | None = Field(description="Where it came from last")
    claim: ClaimShown | None = Field(description="The call that lets it in under this name")

    @classmethod
    def of(cls, it: UnclaimedIdentity, **others: Any) -> Self:
        """Show an identity that is nobody's."""
        claim = claim_call(
            project_id=it.project_id, charge_point_id=it.charge_point_id, identity=it.identity
        )
        return super().of(it, claim=claim, **others)


class Claim(Request):
    """Which charge point the identity is."""

    model_config = example(charge_point_id="cp_01HX5P2QRSTUVWXYZ0")

    charge_point_id: Annotated[str, Field(max_length=100)]


class Claimed(BaseModel):
    """An identity that is a charge point's from now on."""

    model_config = example(
        identity="CP-SN-00483921",
        charge_point_id="cp_01HX5P2QRSTUVWXYZ0",
        claimed_at="2026-05-01T09:33:00Z",
    )

    identity: str
    charge_point_id: str
    claimed_at: Timestamp
