"""What is known of a site from the outside, and what its workflow keeps of itself."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.audit import OPERATOR, Actor
from domain.facts import ConnectionFact, ConnectorFact, TransactionFact
from domain.power.operations import RateUnit
from domain.power.share import BayKey
from domain.power.site import DEFAULT_MAX_AMPS, Phase, SiteLimit
from domain.states import FeatureState


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
    """The site, or the charge points that were asked for, at one moment."""

    limit: SiteLimit
    paused: bool = False
    stations: tuple[StationFacts, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteQuestion:
    """Which charge points of a site to look at; all of them when none is named."""

    project_id: str
    charge_point_ids: tuple[str, ...] = ()


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
    restarts: int = 0
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
    """What the site's workflow takes along when it continues as new.

    ``ended`` are the newest transactions that have ended: they never come back to life.
    """

    stations: tuple[Station, ...] = ()
    bays: tuple[Bay, ...] = ()
    ended: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteRequest:
    """Input of SiteWorkflow."""

    project_id: str
    name: str
    carried: Carried = field(default_factory=Carried)


@dataclass(frozen=True, kw_only=True, slots=True)
class StationState:
    """How far smart charging is on one charge point."""

    charge_point_id: str
    state: FeatureState
    detail: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteStates:
    """Charge points whose state has changed."""

    states: tuple[StationState, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SetLimit:
    """Update of SiteWorkflow: the supply's limit has changed. The row is written by it."""

    project_id: str
    limit: SiteLimit
    by: Actor = OPERATOR


@dataclass(frozen=True, kw_only=True, slots=True)
class PauseSmartCharging:
    """Update of SiteWorkflow: pause, or go on. The row is written by it."""

    project_id: str
    paused: bool
    by: Actor = OPERATOR


@dataclass(frozen=True, kw_only=True, slots=True)
class BayLoad:
    """One connector with a transaction: what it was allotted, and may draw at most, in amperes."""

    charge_point_id: str
    connector_id: int
    transaction_id: int
    allotted_amps: int
    bound_amps: float
    idle: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteLoad:
    """Query of SiteWorkflow: the site as it stands. ``bound_amps`` is of the fullest phase."""

    limit: SiteLimit
    paused: bool
    bound_amps: float
    bays: tuple[BayLoad, ...]
