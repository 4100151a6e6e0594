"""Contract of the billing workflow."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class BillTransaction:
    """Input of BillingWorkflow: a transaction that has ended."""

    charge_point_id: str
    transaction_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TransactionBilled:
    """What became of it: the records issued now, or why there are none."""

    cdr_ids: tuple[str, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldLine:
    """A record in a mail about those that are held."""

    held_id: str
    charge_point: str
    """Its serial number."""
    started_at: datetime
    """In the time zone of the site."""
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldDigest:
    """What a site owner is told of held records, in one mail."""

    project_id: str
    project_name: str
    email: str
    name: str
    new: tuple[HeldLine, ...]
    """Those that no mail has told of."""
    waiting: int
    """How many wait altogether."""
