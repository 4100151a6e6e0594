"""What the workflow of a site keeps of its charge points, and of the connectors that charge."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.facts import ConnectionFact
from domain.power.operations import LimitForm, RateUnit
from domain.power.share import BayKey
from domain.power.site import MIN_AMPS, Circuit, Phase
from domain.states import FeatureState


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """What a charge point is told of itself, in amperes per phase, and of how many phases.

    ``default_amps`` is what a connector may draw without a transaction's own limit.
    """

    station_amps: float
    default_amps: float
    phases: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Station:
    """A charge point, as the site's workflow keeps it.

    ``told`` is what it was told last, and ``prepared`` the connection on which it accepted that.
    ``default_bound`` is the most that a connector may draw without a transaction's own limit.
    ``in_doubt_since`` is when it restarted, until it has confirmed its limits anew.
    """

    charge_point_id: str
    max_amps: int
    phases: tuple[Phase, ...]
    connection: ConnectionFact | None = None
    connectors: tuple[int, ...] = ()
    default_bound: float = 0.0
    told: Terms | None = None
    prepared: int | None = None
    restarts: int = 0
    in_doubt_since: datetime | None = None
    state: FeatureState = FeatureState.ACTIVATING
    detail: str | None = None
    unit: RateUnit = RateUnit.AMPERES
    stack_level: int = 0
    retry_at: datetime | None = None

    @property
    def connected(self) -> bool:
        """Whether it is online."""
        return self.connection is not None and self.connection.connected

    @property
    def generation(self) -> int:
        """Generation of its newest connection."""
        return 0 if self.connection is None else self.connection.generation

    @property
    def unlimited(self) -> bool:
        """Whether it is counted at what its cable carries."""
        return self.default_bound >= self.max_amps

    @property
    def circuits(self) -> frozenset[Circuit]:
        """What each of its connectors loads: the phases, and a cable that they share."""
        cable = {self.charge_point_id} if len(self.connectors) > 1 else set()
        return frozenset({*self.phases, *cable})

    @property
    def least(self) -> int:
        """The least that is of use to a vehicle, as it is counted here.

        A limit in watts counts as if one phase carried all of it, and a vehicle on three phases
        needs the minimum on each of them.
        """
        if self.unit is RateUnit.AMPERES:
            return MIN_AMPS
        return max(MIN_AMPS, min(MIN_AMPS * len(self.phases), self.max_amps))

    @property
    def form(self) -> LimitForm:
        """How it takes limits."""
        return LimitForm(
            unit=self.unit,
            phases=len(self.phases),
            max_amps=self.max_amps,
            stack_level=self.stack_level,
        )

    def may_be_asked(self, now: datetime) -> bool:
        """Whether it is online, and is not left alone for a while."""
        return self.connected and (self.retry_at is None or self.retry_at <= now)


@dataclass(frozen=True, kw_only=True, slots=True)
class Bay:
    """A connector with a transaction, as the site's workflow keeps it.

    ``bound`` is the most that it may be drawing, ``granted`` what it was last allotted, in amperes
    per phase. ``since`` is when it began to charge, or to wait: whichever it does.
    """

    key: BayKey
    transaction_id: int
    started_at: datetime
    since: datetime
    bound: float
    granted: int = 0
    idle: bool = False
    unsure: bool = True
    retry_at: datetime | None = None

    @property
    def charges(self) -> bool:
        """Whether it was allotted anything."""
        return self.granted > 0

    def in_turn(self, now: datetime, turn: timedelta) -> bool:
        """Whether it charges and may go on before others have theirs."""
        return self.charges and now - self.since < turn
