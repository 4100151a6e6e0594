"""A charge point that tries a name that is not its id: what is known, and what to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import ceil
from typing import Final
from urllib.parse import quote

from domain.states import IdentityMatch

UNKNOWN_IDENTITY: Final = "unknown_identity"
"""Code of the refusal of a name that no charge point has."""

REFUSAL_COUNTS_FOR: Final = timedelta(hours=1)
"""An older refusal does not explain why a charge point is not there now."""

_LIKE: Final = {
    IdentityMatch.SERIAL_NUMBER: "its serial number",
    IdentityMatch.SIMILAR_SERIAL_NUMBER: "which is like its serial number",
    IdentityMatch.SIMILAR_ID: "which is like its id",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimCall:
    """The one call that lets a charge point in under the name that it tries."""

    method: str
    path: str
    body: dict[str, str]

    def __str__(self) -> str:
        body = ", ".join(f'"{name}": "{value}"' for name, value in self.body.items())
        return f"{self.method} {self.path} with {{{body}}}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Misnamed:
    """The name that a charge point tries in place of its id, and why it may be that one."""

    identity: str
    matches: IdentityMatch

    def __str__(self) -> str:
        # The charge point chose it, so it may have any spaces in it.
        return " ".join(self.identity.split())


@dataclass(frozen=True, kw_only=True, slots=True)
class Claimed:
    """The name that a charge point was claimed under, which has not tried to connect since.

    ``every`` is how often it tried before, where that can be told.
    """

    identity: str
    at: datetime
    tried_at: datetime | None
    every: timedelta | None

    def __str__(self) -> str:
        return " ".join(self.identity.split())

    @property
    def due_at(self) -> datetime | None:
        """Return when its first attempt after the claim is due."""
        if self.tried_at is None or self.every is None:
            return None
        return self.tried_at + self.every * max(1, ceil((self.at - self.tried_at) / self.every))


def rhythm(tried_at: Sequence[datetime]) -> timedelta | None:
    """Return the median pause between attempts, newest first; None if it is under a second."""
    pauses = sorted(later - earlier for later, earlier in pairwise(tried_at))
    middle = pauses[len(pauses) // 2] if pauses else timedelta(0)
    return middle if middle >= timedelta(seconds=1) else None


def is_claimed(name: Claimed) -> str:
    """Say which name it may use, and what is known of when it will."""
    said = f"It is claimed as {name}, and gets in with its next attempt."
    if name.every is None or name.due_at is None:
        return said
    pause = round(name.every.total_seconds())
    return (
        f"{said} It tried about every {pause} s before, so that is due at about "
        f"{name.due_at:%H:%M:%S} UTC."
    )


def claim_call(*, project_id: str, charge_point_id: str, identity: str) -> ClaimCall:
    """Make the call that claims an identity; the path is that of the API."""
    return ClaimCall(
        method="POST",
        path=f"/api/v1/installer/projects/{project_id}/unclaimed/{quote(identity, safe='')}/claim",
        body={"charge_point_id": charge_point_id},
    )


def tries_to_connect_as(name: Misnamed) -> str:
    """Say under which name it tries to connect."""
    return f"It tries to connect as {name}, {_LIKE[name.matches]}, and not as its id."


WAIT_FOR_IT: Final = "Nothing is to be done; if no attempt comes, restart the charge point."
"""What to do about one that is claimed already."""


def how_to_let_in(name: Misnamed) -> str:
    """Say what lets it in."""
    return (
        f"Claim {name} for it, or copy the whole OCPP endpoint of the charge point into its "
        "settings."
    )
