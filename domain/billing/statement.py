"""A month's statement: its records, and their sums."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from domain.billing.cdr import Cdr
from domain.billing.charging import Money, total

NOTHING = Money(excl_vat=Decimal(0), incl_vat=Decimal(0))


@dataclass(frozen=True, kw_only=True, slots=True)
class Issuer:
    """In whose name statements are."""

    name: str
    address: str | None = None
    vat_number: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """What was billed at a project in a month, credits included. ``at`` is when it was drawn up."""

    project_id: str
    project: str
    address: str
    time_zone: str
    month: str
    complete: bool
    """The month is over, and so the statement will not change any more."""
    at: datetime
    cdrs: tuple[Cdr, ...]

    @property
    def sessions(self) -> int:
        """How many sessions are billed; one that was corrected counts once."""
        return sum(1 if not cdr.credit else -1 for cdr in self.cdrs)

    @property
    def energy_kwh(self) -> Decimal:
        """Energy, that of credits taken off."""
        return sum((signed(cdr, cdr.total_energy) for cdr in self.cdrs), Decimal(0))

    @property
    def currency(self) -> str:
        """The one currency in which the project bills; empty where nothing was billed."""
        return self.cdrs[0].currency if self.cdrs else ""

    @property
    def cost(self) -> Money:
        """Sum of all records."""
        return total(cdr.total_cost.money for cdr in self.cdrs)

    def by_vat(self) -> Sequence[tuple[Decimal | None, Money]]:
        """Sum for each VAT rate; what has no VAT comes first."""
        sums: dict[Decimal | None, Money] = {}
        for cdr in self.cdrs:
            for line in cdr.lines:
                sums[line.vat] = sums.get(line.vat, NOTHING) + line.cost.money
        ordered = sorted(sums, key=lambda vat: (vat is not None, vat or 0))
        return [(vat, sums[vat]) for vat in ordered]


def signed(cdr: Cdr, volume: Decimal) -> Decimal:
    """A volume as it counts in a sum: that of a credit is taken off."""
    return -volume if cdr.credit else volume
