"""Taking a charge point out of its project, with what it has been through kept."""

from dataclasses import dataclass
from datetime import datetime

from domain.audit import Actor


@dataclass(frozen=True, kw_only=True, slots=True)
class WithdrawalOrder:
    """Who takes a charge point out, and why; ``asked_at`` is not yet when it is out.

    ``isolated``: who asks says that its supply is cut off, so that it cannot draw.
    """

    reason: str
    by: Actor
    asked_at: datetime
    isolated: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Withdrawal:
    """``at`` None: it was asked for, and what goes on at the charge point ends first."""

    at: datetime | None
    by: str | None
    """E-mail of who asked."""
    reason: str
