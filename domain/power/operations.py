"""Operations that limit what charge points draw: inputs and outputs, as in domain.operations.

Limits are in amperes per phase. All may be repeated: a limit that is set again is the same limit.
"""

from dataclasses import dataclass
from enum import StrEnum

from domain.operations import Operation, Outcome, Reply
from domain.power.site import NOMINAL_VOLTAGE


class RateUnit(StrEnum):
    """In which unit a charge point takes limits (OCPP 1.6 §7.9 ChargingRateUnitType)."""

    AMPERES = "A"
    WATTS = "W"


@dataclass(frozen=True, kw_only=True, slots=True)
class LimitForm:
    """How a charge point takes limits.

    ``phases`` is how many it is connected to, ``max_amps`` what its cable carries on each.
    """

    unit: RateUnit
    phases: int
    max_amps: int
    stack_level: int = 0

    def watts(self, amps: float) -> float:
        """So many watts that no phase carries more than ``amps``.

        A vehicle may draw all of it from one phase. The cable is the limit of each phase, so with
        all that it carries the vehicle may use all phases.
        """
        return amps * NOMINAL_VOLTAGE * (self.phases if amps >= self.max_amps else 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class LimitStation(Operation):
    """Limit the whole charge point, and what a transaction may draw before it has its own limit.

    ``default_amps`` None: no limit is needed there. ``connectors`` are tried one by one where the
    charge point takes no limit for all of them; the ``idle`` ones have to report the default.
    ``afresh``: what others have left there is cleared first.
    """

    station_amps: float
    default_amps: float | None
    form: LimitForm
    connectors: tuple[int, ...] = ()
    idle: tuple[int, ...] = ()
    afresh: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class StationLimited:
    """Accepted when the charge point has taken both, and what it reports of them agrees.

    ``confirmed`` is False where it took them and cannot report. ``detail`` says what is wrong.
    ``unit`` and ``stack_level`` are those that it takes.
    """

    reply: Reply
    unit: RateUnit
    stack_level: int = 0
    confirmed: bool = True
    detail: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectorLimit:
    """What one transaction may draw; 0 pauses it."""

    charge_point_id: str
    connector_id: int
    transaction_id: int
    amps: int
    form: LimitForm


@dataclass(frozen=True, kw_only=True, slots=True)
class LimitConnectors:
    """Limit several transactions whose charge points are on one node, all at once."""

    limits: tuple[ConnectorLimit, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectorsLimited:
    """How each limit was taken, in their order. TIMEOUT and UNKNOWN: it may count all the same."""

    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class LiftLimits(Operation):
    """Take the limits of transactions away; the charge point's own stays."""

    connectors: tuple[int, ...]
