"""Shapes of service visits."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from api.fields import Email, Moment, Name, Notes, Reason, Request, Shown, Timestamp, example
from domain.states import ServiceVisitStatus
from domain.wording import FieldValueError
from storage.service_visits import ServiceVisit

_CHARGE_POINT = "cp_01HX5P2QRSTUVWXYZ0"
_ASKED: dict[str, Any] = {
    "email": "service@acme.com",
    "purpose": "Bay 3 trips its breaker. Please look, and replace it if need be.",
    "ends_at": "2026-06-19T18:00:00Z",
}
_SHOWN: dict[str, Any] = {
    "id": "sv_01HXB7Q8ABCDEFGH12",
    "project_id": "prj_01HX4M7TABCDE12345",
    **_ASKED,
    "status": "open",
    "opened_at": "2026-06-12T08:00:00Z",
    "accepted_at": "2026-06-12T09:30:00Z",
    "all_charge_points": False,
    "charge_point_ids": [_CHARGE_POINT],
    "closed_at": None,
    "closed_by": None,
    "unfinished": False,
    "reason": None,
    "sign_off_notes": None,
    "installer_signature": None,
}
_SIGNED: dict[str, Any] = {
    "sign_off_notes": "Unit of bay 3 replaced and tested. The breaker is sound.",
    "installer_signature": "J. Smith",
}

Purpose = Annotated[Notes, Field(description="What is to be done; the installer reads it")]
EndsAt = Annotated[
    Moment,
    Field(description="When the visit ends by itself: within 90 days; it can be moved later"),
]
ChargePointIds = Annotated[
    list[Annotated[str, Field(max_length=40)]], Field(min_length=1, max_length=10_000)
]


class NewVisit(Request):
    """Whom to let in, for what, to which charge points, and until when."""

    model_config = example(**_ASKED, charge_points=[_CHARGE_POINT])

    email: Email
    purpose: Purpose
    ends_at: EndsAt
    charge_points: ChargePointIds | None = Field(
        default=None, description="Their ids; left out: all of the project"
    )


class VisitChange(Request):
    """Another end, and more charge points; what is left out stays."""

    model_config = example(ends_at="2026-06-26T18:00:00Z", add_charge_points=[_CHARGE_POINT])

    ends_at: EndsAt | None = None
    add_charge_points: ChargePointIds | None = None


class SignOff(Request):
    """The installer's sign-off of what was done."""

    model_config = example(_SIGNED)

    sign_off_notes: Notes | None = None
    installer_signature: Name


class OwnerClose(Request):
    """The owner closes: when all is done, or with a reason before that."""

    model_config = example(unfinished=True, reason="The installer does not come any more.")

    sign_off_notes: Notes | None = None
    unfinished: bool = Field(
        default=False, description="Close it though something is not done; give the `reason`"
    )
    reason: Reason | None = None

    @model_validator(mode="after")
    def _has_a_reason(self) -> Self:
        if self.unfinished and self.reason is None:
            raise FieldValueError("is needed: say why it is closed unfinished", "reason")
        return self


class VisitShown(Shown):
    """A service visit, and how it stands."""

    model_config = example(_SHOWN)

    id: str
    project_id: str
    email: str = Field(description="Of the installer who is invited")
    purpose: str
    ends_at: Timestamp
    status: ServiceVisitStatus
    opened_at: Timestamp
    accepted_at: Timestamp | None
    all_charge_points: bool = Field(description="Whether it was opened for all of the project")
    charge_point_ids: list[str] = Field(
        description="Those that it has, with those that were added in it"
    )
    closed_at: Timestamp | None = Field(description="Since when it is over")
    closed_by: str | None = Field(
        description="`installer`, `site_owner`, or `engine`: its time was over"
    )
    unfinished: bool = Field(description="Whether something was not done when it was over")
    reason: str | None = Field(description="Why it is unfinished, or was declined")
    sign_off_notes: str | None
    installer_signature: str | None

    @classmethod
    def as_of(cls, now: datetime, visit: ServiceVisit) -> Self:
        """Show a visit as it stands now."""
        status = visit.status_at(now)
        unwritten = status is not visit.status
        return cls.of(
            visit,
            status=status,
            closed_at=visit.ends_at if unwritten else visit.closed_at,
            closed_by="engine" if unwritten else visit.closed_by,
            unfinished=unwritten or visit.unfinished,
        )
