"""One connector, and the transaction that runs on it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from simulator.meter import Meter
from simulator.words import ChargePointStatus

UNKNOWN_TRANSACTION_ID = -1
"""What hardware sends when the central system never told it an id."""


@dataclass(kw_only=True, slots=True, eq=False)
class Transaction:
    """A transaction as the charge point knows it."""

    connector_id: int
    id_tag: str
    began: datetime
    register_wh: float
    """The register when it began, before rounding and faults."""
    meter_start: int = 0
    """The register when it began, as it was sent."""
    sampled: int = 0
    """How many readings of it were taken."""
    transaction_id: int | None = None
    """Told by the central system in the reply to StartTransaction."""
    readings: list[dict[str, Any]] = field(default_factory=list)

    @property
    def reported_id(self) -> int:
        """The id that later messages carry."""
        return UNKNOWN_TRANSACTION_ID if self.transaction_id is None else self.transaction_id


@dataclass(kw_only=True, slots=True, eq=False)
class Connector:
    """The facts of one connector; its status follows from them."""

    id: int
    meter: Meter
    faulted: bool = False
    operative: bool = True
    plugged: bool = False
    plugged_by_itself: bool = False
    vehicle_phases: int | None = None
    """How many phases the vehicle can use; None: all there are."""
    finished: bool = False
    """A transaction ended, and the vehicle is still plugged in."""
    suspended: bool = False
    """A charging profile allows no power."""
    authorized: str | None = None
    """Id tag that may start as soon as a vehicle is plugged in."""
    transaction: Transaction | None = None
    blocked: bool = False
    """Another connector uses the outlet that they share."""
    inoperative_afterwards: bool = False
    announced: ChargePointStatus | None = None
    """Status that was queued for the central system last."""
    confirmed: ChargePointStatus | None = None
    """Status that the central system confirmed last."""

    @property
    def status(self) -> ChargePointStatus:
        """The OCPP status that the facts amount to."""
        if self.faulted:
            return ChargePointStatus.FAULTED
        if self.transaction is not None:
            charging = ChargePointStatus.CHARGING
            return ChargePointStatus.SUSPENDED_EVSE if self.suspended else charging
        if not self.operative or self.blocked:
            return ChargePointStatus.UNAVAILABLE
        if self.plugged and self.finished:
            return ChargePointStatus.FINISHING
        if self.plugged or self.authorized is not None:
            return ChargePointStatus.PREPARING
        return ChargePointStatus.AVAILABLE

    @property
    def startable(self) -> bool:
        """Whether a transaction may begin."""
        free = self.transaction is None and not self.blocked
        return free and self.operative and not self.faulted

    @property
    def in_use(self) -> bool:
        """Whether a vehicle has it, or may have it in a moment."""
        return self.plugged or self.transaction is not None or self.authorized is not None
