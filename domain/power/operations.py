"""Operations that limit what charge points draw: inputs and outputs, as in domain.operations.

Limits are in amperes per phase. All may be repeated: a limit that is set again is the same limit.
"""

from dataclasses import dataclass
from enum import StrEnum

from domain.operations import Operation, Outcome, Reply
from domain.power.site import MIN_AMPS, NOMINAL_VOLTAGE


class RateUnit(StrEnum):
    """In which unit a charge point takes limits."""

    AMPERES = "A"
    WATTS = "W"


@dataclass(frozen=True, kw_only=True, slots=True)
class LimitForm:
    """How a charge point takes limits.

    ``phases`` is how many it is connected to, ``max_amps`` what its cable carries on each,
    ``voltage`` that between one of them and neutral. ``direct_current``: what it takes in amperes
    is of its vehicle, and says nothing of the supply.
    """

    unit: RateUnit
    phases: int
    max_amps: int
    stack_level: int = 0
    voltage: float = NOMINAL_VOLTAGE
    direct_current: bool = False

    @property
    def least(self) -> int:
        """The least that is of use to any vehicle, in amperes as they are counted here.

        A limit in watts counts as if one phase carried all of it, and a vehicle on three phases
        needs the minimum on each of them.
        """
        if self.unit is RateUnit.AMPERES or self.direct_current:
            return MIN_AMPS
        return max(MIN_AMPS, min(MIN_AMPS * self.phases, self.max_amps))

    def watts(self, amps: float) -> float:
        """So many watts that no phase carries more than ``amps``.

        A vehicle may draw all of it from one phase. The cable is the limit of each phase, so with
        all that it carries the vehicle may use all phases. A rectifier always does.
        """
        all_phases = self.direct_current or amps >= self.max_amps
        return amps * self.voltage * (self.phases if all_phases else 1)

    def allowed_watts(self, amps: float) -> float:
        """The most that may flow at a limit of so many amperes, on all of its phases."""
        if self.unit is RateUnit.AMPERES and not self.direct_current:
            return amps * self.voltage * self.phases
        return self.watts(amps)


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """A transaction that has its own limit, which its connector has to report."""

    connector_id: int
    amps: int


@dataclass(frozen=True, kw_only=True, slots=True)
class LimitStation(Operation):
    """Limit the whole charge point, and what a transaction may draw before it has its own limit.

    ``default_amps`` None: no limit is needed there. ``raises``: where it refuses 0, the default
    may be the least that is of use. ``whole_suffices``: a limit of the whole alone is enough.
    ``connectors`` are tried one by one where the charge point takes no limit for all of them.
    What the ``idle`` ones report of the default is no proof against it; what the ``running`` ones
    report is. ``afresh``: what others have left there is cleared first.
    """

    station_amps: float
    default_amps: float | None
    form: LimitForm
    connectors: tuple[int, ...] = ()
    idle: tuple[int, ...] = ()
    running: tuple[Running, ...] = ()
    afresh: bool = True
    raises: bool = False
    whole_suffices: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class StationLimited:
    """Accepted when the charge point has taken them, and nothing that it reports is more.

    ``default_amps`` is the default that it took, None where that is the one it was asked for.
    ``whole`` is False where it takes no limit of the whole. ``confirmed`` is False where it cannot
    report what it took, ``proven`` where it has not reported the default of each connector.
    ``reported_amps`` is what it reports in place of a lower limit. ``detail`` is its own word for
    what is wrong. ``unit`` and ``stack_level`` are those that it takes.
    """

    reply: Reply
    unit: RateUnit
    stack_level: int = 0
    default_amps: float | None = None
    whole: bool = True
    confirmed: bool = True
    proven: bool = True
    reported_amps: float | None = None
    detail: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectorLimit:
    """What one transaction may draw; 0 pauses it."""

    charge_point_id: str
    connector_id: int
    transaction_id: str
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
    """Take the limits of transactions away, and their default; ``whole``: that of the whole, too.

    Where it clears nothing, what its cable carries is set in their place: ``form`` says it.
    """

    connectors: tuple[int, ...]
    form: LimitForm
    whole: bool = False
