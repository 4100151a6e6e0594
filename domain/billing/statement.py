"""A month's statement: its records, and their sums."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from domain.billing.cdr import Cdr, CdrTariff
from domain.billing.charging import Money, total

NOTHING = Money(excl_vat=Decimal(0), incl_vat=Decimal(0))


@dataclass(frozen=True, kw_only=True, slots=True)
class Issuer:
    """In whose name statements are."""

    name: str
    address: str | None = None
    vat_number: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldTotals:
    """What waits for the site owner's word, and so is in no sum."""

    sessions: int = 0
    most_kwh: Decimal = Decimal(0)
    """No more energy than this can be in doubt."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TagTotals:
    """What one id tag has charged."""

    id_tag: str
    sessions: int
    energy_kwh: Decimal
    cost: Money


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """What was billed at a project in a month, credits included.

    ``at`` is when it was drawn up; of a month that is over it is the end of it, so that the same
    statement is the same file for ever.
    """

    project_id: str
    project: str
    address: str
    time_zone: str
    month: str
    complete: bool
    """The month is over, and so the statement will not change any more."""
    at: datetime
    cdrs: tuple[Cdr, ...]
    issuer: Issuer
    held: HeldTotals = HeldTotals()
    """What was held then."""

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

    def by_tag(self) -> Sequence[TagTotals]:
        """Sum for each id tag, in the order of their letters; credits are taken off."""
        found: dict[str, list[Cdr]] = {}
        for cdr in self.cdrs:
            found.setdefault(cdr.cdr_token.uid, []).append(cdr)
        return [
            TagTotals(
                id_tag=tag,
                sessions=sum(1 if not cdr.credit else -1 for cdr in cdrs),
                energy_kwh=sum((signed(cdr, cdr.total_energy) for cdr in cdrs), Decimal(0)),
                cost=total(cdr.total_cost.money for cdr in cdrs),
            )
            for tag, cdrs in sorted(found.items())
        ]

    def tariffs(self) -> Sequence[CdrTariff]:
        """Those by which the records were billed, the oldest first."""
        used = {tariff.id: tariff for cdr in self.cdrs for tariff in cdr.tariffs}
        return sorted(used.values(), key=lambda tariff: (tariff.valid_from, tariff.id))

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
