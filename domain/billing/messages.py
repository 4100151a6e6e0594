"""Contract of the billing workflow."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class BillTransaction:
    """Input of BillingWorkflow: a transaction that has ended."""

    charge_point_id: str
    transaction_id: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Settled:
    """What became of it: the records issued now, or why there are none."""

    cdr_ids: tuple[str, ...] = ()
    reason: str | None = None
