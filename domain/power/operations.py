"""Operations that limit what charge points draw: inputs and outputs, as in domain.operations.

Limits are in amperes per phase. All may be repeated: a limit that is set again is the same limit.
"""

from dataclasses import dataclass
from enum import StrEnum

from domain.operations import Operation, Outcome, Reply


class RateUnit(StrEnum):
    """In which unit a charge point takes limits (OCPP 1.6 §7.9 ChargingRateUnitType)."""

    AMPERES = "A"
    WATTS = "W"


@dataclass(frozen=True, kw_only=True, slots=True)
class LimitStation(Operation):
    """Limit the whole charge point, and what a transaction may draw before it has its own limit.

    ``default_amps`` None: no limit is needed there. ``phases`` is how many it is connected to;
    ``connectors`` are tried one by one where the charge point takes no limit for all of them.
    """

    station_amps: float
    default_amps: float | None
    phases: int
    unit: RateUnit
    connectors: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class StationLimited:
    """Accepted when the charge point has taken both, and what it reports of them agrees.

    ``detail`` says what is wrong, or that it cannot report. ``unit`` is the one that it takes.
    """

    reply: Reply
    unit: RateUnit
    detail: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectorLimit:
    """What one transaction may draw; 0 pauses it."""

    charge_point_id: str
    connector_id: int
    transaction_id: int
    amps: int
    phases: int
    unit: RateUnit


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
