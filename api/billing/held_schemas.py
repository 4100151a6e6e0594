"""Shapes of held records: what the site owner sees of them, and says to them."""

from decimal import Decimal
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, Field

from api.billing.examples import CDR
from api.fields import Reason, Request, Shown, Timestamp, example
from domain.billing.cdr import CdrLocation, CdrToken, LinkSecurity, SignedReading
from domain.billing.held import (
    Bound,
    Decision,
    HeldReading,
    HoldCause,
    HoldState,
    Suggestion,
    Wanted,
)
from storage.models.billing import HeldRecord

_Energy = Annotated[Decimal, Field(ge=0, le=1_000_000, decimal_places=6)]
_Minutes = Annotated[Decimal, Field(ge=0, le=31 * 24 * 60, decimal_places=2)]
_NOTE: Final = "Stands in the record's remark and in the audit trail"

HELD: Final[dict[str, Any]] = {
    "id": "hld_01HX9HELDABCDEFGHJ",
    "state": "held",
    "cause": "above_bound",
    "reason": "By the meter's start and stop 7,930.016 kWh were charged; no more than 1.061 "
    "kWh can have been, in 0.1 minutes at 22 kW (as its model is rated).",
    "wanted": ["energy"],
    "bound": {
        "energy_kwh": "1.061",
        "minutes": "0.13",
        "power_kw": "22",
        "power_source": "catalogue",
    },
    "suggestion": {"energy_kwh": "0.012", "minutes": None},
    "session_id": "7",
    "cdr_token": CDR["cdr_token"],
    "cdr_location": CDR["cdr_location"],
    "start_date_time": "2026-05-03T12:00:00Z",
    "end_date_time": "2026-05-03T12:00:08Z",
    "start_received_at": "2026-05-03T12:00:00Z",
    "end_received_at": "2026-05-03T12:00:08Z",
    "meter_start_kwh": "0",
    "meter_stop_kwh": "7930.016",
    "readings": [
        {"at": "2026-05-03T12:00:02Z", "energy_kwh": "7930.003"},
        {"at": "2026-05-03T12:00:07Z", "energy_kwh": "7930.015"},
    ],
    "superseded": False,
    "link": "unauthenticated",
    "signed_readings": [],
    "held_at": "2026-05-03T12:00:10Z",
    "decision": None,
    "decided_at": None,
    "decided_by": None,
    "cdr_ids": [],
}


class HeldRecordShown(Shown):
    """A session whose price waits, or waited, for the site owner."""

    model_config = example(HELD)

    id: str
    state: HoldState
    cause: HoldCause
    reason: str = Field(description="Why no price can be right, in a sentence")
    wanted: tuple[Wanted, ...] = Field(description="What you have to say to release it")
    bound: Bound
    suggestion: Suggestion
    session_id: str
    cdr_token: CdrToken
    cdr_location: CdrLocation
    start_date_time: Timestamp = Field(description="As the charge point stamped it")
    end_date_time: Timestamp = Field(description="As the charge point stamped it")
    start_received_at: Timestamp
    end_received_at: Timestamp
    meter_start_kwh: Decimal | None = Field(description="As it was told")
    meter_stop_kwh: Decimal | None = Field(description="As it was told")
    readings: tuple[HeldReading, ...]
    superseded: bool = Field(description="The engine ended it: no stop was told")
    link: LinkSecurity | None
    signed_readings: tuple[SignedReading, ...]
    held_at: Timestamp
    decision: Decision | None
    decided_at: Timestamp | None
    decided_by: str | None = Field(description="Null, of a settled one: nobody, its end came")
    cdr_ids: tuple[str, ...] = Field(description="Records that were issued by this call")

    @classmethod
    def of(cls, it: HeldRecord, **others: Any) -> Self:
        """Show it."""
        return super().of(
            it.document,
            id=it.id,
            state=it.state,
            held_at=it.held_at,
            decision=it.decision,
            decided_at=it.decided_at,
            decided_by=it.decided_by,
            **({"cdr_ids": ()} | others),
        )


class Release(Request):
    """What the session was: a value within the bound for each that is wanted."""

    model_config = example(energy_kwh="0.5", note="As the driver says.")

    energy_kwh: _Energy | None = None
    minutes: _Minutes | None = None
    note: Reason | None = Field(default=None, description=_NOTE)

    def decision(self) -> Decision:
        """As it is kept."""
        return Decision(energy_kwh=self.energy_kwh, minutes=self.minutes, note=self.note)


class Drop(Request):
    """Why it is not billed, if you say so."""

    model_config = example(note="A test of ours.")

    note: Reason | None = Field(default=None, description="Stands in the audit trail")


class DecideAll(Request):
    """All held records of one cause."""

    model_config = example(cause="above_bound")

    cause: HoldCause
    note: Reason | None = Field(default=None, description=_NOTE)


class LeftHeld(BaseModel):
    """A record that is held still."""

    id: str
    reason: str


class DecidedAll(BaseModel):
    """What became of all of one cause."""

    model_config = example(
        decided=["hld_01HX9HELDABCDEFGHJ"], cdr_ids=["cdr_01HX9CDRABCDEFGHJK"], left=[], more=False
    )

    decided: list[str]
    cdr_ids: list[str] = Field(description="Records that were issued by it")
    left: list[LeftHeld] = Field(description="What nothing is suggested for: decide one by one")
    more: bool = Field(description="There are more than one call decides: repeat it")
