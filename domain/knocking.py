"""A charge point that knocks under a name that is not its id: what is known, and what to do."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import quote

from domain.states import IdentityMatch

UNKNOWN_IDENTITY: Final = "unknown_identity"
"""Code of the refusal of a name that no charge point has."""

REFUSAL_COUNTS_FOR: Final = timedelta(hours=1)
"""What was refused longer ago says nothing of why a charge point is not there now."""

_LIKE: Final = {
    IdentityMatch.SERIAL_NUMBER: "its serial number",
    IdentityMatch.SIMILAR_SERIAL_NUMBER: "which is like its serial number",
    IdentityMatch.SIMILAR_ID: "which is like its id",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimCall:
    """The one call that lets a charge point in under the name that it knocks with."""

    method: str
    path: str
    body: dict[str, str]

    def __str__(self) -> str:
        body = ", ".join(f'"{name}": "{value}"' for name, value in self.body.items())
        return f"{self.method} {self.path} with {{{body}}}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Misnamed:
    """The name that a charge point knocks with in place of its id, and why it may be that one."""

    identity: str
    matches: IdentityMatch

    def __str__(self) -> str:
        # It is a charge point's word, and may have any spaces in it.
        return " ".join(self.identity.split())


def claim_call(*, project_id: str, charge_point_id: str, identity: str) -> ClaimCall:
    """Make the call; the path is that of the API."""
    return ClaimCall(
        method="POST",
        path=f"/api/v1/installer/projects/{project_id}/unclaimed/{quote(identity, safe='')}/claim",
        body={"charge_point_id": charge_point_id},
    )


def tries_to_connect_as(name: Misnamed) -> str:
    """Say under which name it knocks."""
    return f"It tries to connect as {name}, {_LIKE[name.matches]}, and not as its id."


def how_to_let_in(name: Misnamed) -> str:
    """Say what lets it in."""
    return (
        f"Claim {name} for it, or copy the whole OCPP endpoint of the charge point into its "
        "settings."
    )
