"""What is known of a site from the outside, and what its workflow keeps of itself."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from domain.facts import ChargePointEvent, ConnectionFact, ConnectorFact, TransactionFact
from domain.power.share import BayKey
from domain.power.site import DEFAULT_MAX_AMPS, Phase, SiteLimit
from domain.states import FeatureState


class RateUnit(StrEnum):
    """In which unit a charge point takes limits (OCPP 1.6 §7.9 ChargingRateUnitType)."""

    AMPERES = "A"
    WATTS = "W"


@dataclass(frozen=True, kw_only=True, slots=True)
class StationFacts:
    """One charge point of the site, as the registry and its last messages have it.

    ``max_amps`` is what its cable carries, per phase; ``phases`` those that it is connected to.
    """

    charge_point_id: str
    max_amps: int = DEFAULT_MAX_AMPS
    phases: tuple[Phase, ...] = tuple(Phase)
    connection: ConnectionFact | None = None
    connectors: tuple[ConnectorFact, ...] = ()
    transactions: tuple[TransactionFact, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteSnapshot:
    """The site at one moment; read after its events began to be heard."""

    limit: SiteLimit
    paused: bool = False
    stations: tuple[StationFacts, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteEvent:
    """An event of one charge point of the site."""

    charge_point_id: str
    event: ChargePointEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class Station:
    """A charge point, as the site's workflow keeps it.

    ``default_bound`` is what a connector may draw without a transaction's own limit: ``told``, once
    the charge point has confirmed that. ``prepared`` is the connection on which it did.
    """

    charge_point_id: str
    max_amps: int
    phases: tuple[Phase, ...]
    connection: ConnectionFact | None = None
    connectors: tuple[int, ...] = ()
    default_bound: float = 0.0
    told: float | None = None
    prepared: int | None = None
    state: FeatureState = FeatureState.ACTIVATING
    detail: str | None = None
    unit: RateUnit = RateUnit.AMPERES
    retry_at: datetime | None = None

    @property
    def connected(self) -> bool:
        """Whether it is online."""
        return self.connection is not None and self.connection.connected

    @property
    def generation(self) -> int:
        """Generation of its newest connection."""
        return 0 if self.connection is None else self.connection.generation


@dataclass(frozen=True, kw_only=True, slots=True)
class Bay:
    """A connector with a transaction, as the site's workflow keeps it.

    ``bound`` is the most that it may be drawing, ``granted`` what it was last allotted, in amperes
    per phase; ``served`` the ampere-seconds that it was granted until ``counted_at``.
    """

    key: BayKey
    transaction_id: int
    since: datetime
    bound: float
    counted_at: datetime
    granted: int = 0
    served: float = 0.0
    turn_began: datetime | None = None
    idle: bool = False
    unsure: bool = True
    retry_at: datetime | None = None

    def average(self, now: datetime) -> float:
        """What it was granted on average, in amperes."""
        elapsed = (now - self.since).total_seconds()
        return self._served_until(now) / elapsed if elapsed > 0 else 0.0

    def in_turn(self, now: datetime, turn: timedelta) -> bool:
        """Whether it charges and may go on before others have theirs."""
        return self.turn_began is not None and now - self.turn_began < turn

    def _served_until(self, now: datetime) -> float:
        return self.served + self.granted * max(0.0, (now - self.counted_at).total_seconds())


@dataclass(frozen=True, kw_only=True, slots=True)
class Carried:
    """What the site's workflow takes along when it continues as new."""

    stations: tuple[Station, ...] = ()
    bays: tuple[Bay, ...] = ()
    seen: tuple[str, ...] = field(default=())
