"""What a site may draw: amperes per phase, by circuit.

Currents are in amperes per phase, as charging profiles give them. A circuit is
whatever has a limit of its own: a phase of the site's supply, or the cable of a charge point with
several connectors. A connector loads each of its circuits alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

NOMINAL_VOLTAGE: Final = 230.0
"""Between a phase and neutral, in volts (IEC 60038)."""
MIN_AMPS: Final = 6
"""The least that a vehicle can charge with (IEC 61851-1); less is a pause."""
MIN_VOLTAGE: Final = 50.0
MAX_VOLTAGE: Final = 1_000.0
"""What is low voltage at all (IEC 60364-1)."""
DEFAULT_MAX_AMPS: Final = 32
"""What a charge point is taken to draw at most when nobody said it."""
_DECIMALS: Final = 6

Circuit = str


class Phase(StrEnum):
    """A phase of the site's supply, which is a circuit."""

    L1 = "L1"
    L2 = "L2"
    L3 = "L3"


@dataclass(frozen=True, kw_only=True, slots=True)
class Electrical:
    """How a charge point is connected: ``phases`` None is all of the site's.

    ``declared``: somebody said what the cable carries; else ``max_amps`` is the usual.
    ``voltage`` is that between one of the phases and neutral, in volts.
    """

    max_amps: int = DEFAULT_MAX_AMPS
    phases: tuple[Phase, ...] | None = None
    voltage: float = NOMINAL_VOLTAGE
    declared: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteLimit:
    """What the site may draw. ``amps`` per phase; None where nobody has set a limit."""

    amps: float | None = None
    phases: int = 3

    @classmethod
    def of_power(cls, max_power_kw: float, phases: int) -> "SiteLimit":
        """Take a limit in kW, evenly over the phases at the nominal voltage."""
        amps = max_power_kw * 1000 / (NOMINAL_VOLTAGE * phases)
        # 16.33 kW are 71 A, and not an ampere less for what binary fractions lose.
        return cls(amps=round(amps, _DECIMALS), phases=phases)

    @property
    def power_kw(self) -> float | None:
        """The limit in kW, at the nominal voltage."""
        if self.amps is None:
            return None
        return self.amps * NOMINAL_VOLTAGE * self.phases / 1000

    @property
    def supply(self) -> tuple[Phase, ...]:
        """The phases that the site has."""
        return tuple(Phase)[: self.phases]

    @property
    def capacity(self) -> Mapping[Circuit, float]:
        """What each phase can carry; empty without a limit."""
        return {} if self.amps is None else dict.fromkeys(self.supply, self.amps)
