"""What the workflow of a site keeps of its charge points, and of the connectors that charge."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain.facts import ConnectionFact
from domain.power.operations import LimitForm, RateUnit
from domain.power.service import Service
from domain.power.share import BayKey
from domain.power.site import NOMINAL_VOLTAGE, Circuit, Phase
from domain.power.troubles import Trouble
from domain.states import FeatureState


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """What a charge point is told of itself, in amperes per phase, and in which form.

    ``default_amps`` is what a connector may draw without a transaction's own limit.
    """

    station_amps: float
    default_amps: float
    phases: int
    voltage: float = NOMINAL_VOLTAGE


@dataclass(frozen=True, kw_only=True, slots=True)
class Station:
    """A charge point, as the site's workflow keeps it.

    ``commissioned``: drivers may charge there; before its run has passed it is kept inoperative.
    ``service`` is the run that has it, or has asked for it; ``until`` when the visit ends in which
    that is.
    ``leaving``: it is to be of the site no more, and may still draw, or has not confirmed yet that
    nothing limits it; ``isolated``: somebody says that the supply is cut off from it, or another
    one is on its cable.
    ``declared``: somebody said what its cable carries; else ``max_amps`` is the usual.
    ``told`` is what it was told last, and ``prepared`` the connection on which it accepted that;
    ``cleared``: it has confirmed since that nothing limits it; ``confirmed_at`` is when it last
    confirmed either.
    ``default_bound`` is the most that a connector may draw without a transaction's own limit.
    ``in_doubt_since`` is when it restarted, until it has confirmed its limits anew;
    ``settles_at`` when it is taken to have come back without a restart.

    How it takes limits: ``minimum_because`` is why it cannot be paused, if it cannot;
    ``quick_ends`` counts what looks like the latter; ``obeys`` is the lowest limit that one that
    was given up is known to obey, None where nobody knows yet, and its cable where it obeys none.
    ``unproven``: what it reports has not shown that it obeys the default; ``unconfirmed``: it does
    not report anything, so that it is judged by what it draws.
    ``closed`` are the connectors that were made inoperative here; ``shut`` are those that were
    before it restarted, which it may have kept or forgotten: they count as open. ``look_at`` is
    when to look whether the run is still open that has it. ``retry_at`` is when it may be
    asked again for its limits, ``clear_at`` when it may be cleared or closed.
    """

    charge_point_id: str
    max_amps: int
    phases: tuple[Phase, ...]
    declared: bool = False
    voltage: float = NOMINAL_VOLTAGE
    direct_current: bool = False
    commissioned: bool = True
    service: Service | None = None
    until: datetime | None = None
    leaving: bool = False
    isolated: bool = False
    connection: ConnectionFact | None = None
    connectors: tuple[int, ...] = ()
    default_bound: float = 0.0
    told: Terms | None = None
    prepared: int | None = None
    cleared: bool = False
    confirmed_at: datetime | None = None
    restarts: int = 0
    in_doubt_since: datetime | None = None
    settles_at: datetime | None = None
    state: FeatureState = FeatureState.ACTIVATING
    trouble: Trouble | None = None
    detail: str | None = None
    unit: RateUnit = RateUnit.AMPERES
    stack_level: int = 0
    minimum_because: Trouble | None = None
    quick_ends: int = 0
    unproven: bool = False
    unconfirmed: bool = False
    obeys: float | None = None
    closed: tuple[int, ...] = ()
    shut: tuple[int, ...] = ()
    retry_at: datetime | None = None
    clear_at: datetime | None = None
    look_at: datetime | None = None

    def opened(self, connector_id: int) -> "Station":
        """Give it with that connector in use again."""
        return replace(
            self,
            closed=tuple(one for one in self.closed if one != connector_id),
            shut=tuple(one for one in self.shut if one != connector_id),
        )

    @property
    def connected(self) -> bool:
        """Whether it is online."""
        return self.connection is not None and self.connection.connected

    @property
    def lent(self) -> bool:
        """Whether a run tells it, and its site nothing."""
        return self.service is not None and self.service.lent

    @property
    def tested(self) -> bool:
        """Whether a run makes a test charge there, or is about to."""
        return self.service is not None and self.service.power

    @property
    def generation(self) -> int:
        """Generation of its newest connection."""
        return 0 if self.connection is None else self.connection.generation

    @property
    def outlets(self) -> tuple[int, ...]:
        """Its connectors; one at least, though it has told of none."""
        return self.connectors or (1,)

    @property
    def needs_minimum(self) -> bool:
        """Whether it cannot be paused."""
        return self.minimum_because is not None

    @property
    def given_up(self) -> bool:
        """Whether it takes no limits that its site could count on."""
        return self.state is FeatureState.FAILED

    @property
    def unlimited(self) -> bool:
        """Whether it is counted at what its cable carries."""
        return self.default_bound >= self.max_amps

    @property
    def out_of_reach(self) -> bool:
        """Whether it is counted at its cable because nobody can tell it anything."""
        return self.unlimited and not self.free and not (self.connected and self.retry_at is None)

    @property
    def free(self) -> bool:
        """Whether it has confirmed that nothing limits it."""
        return self.told is None and self.cleared

    @property
    def circuits(self) -> frozenset[Circuit]:
        """What each of its connectors loads: the phases, and a cable that they share."""
        cable = {self.charge_point_id} if len(self.connectors) > 1 else set()
        return frozenset({*self.phases, *cable})

    @property
    def least(self) -> int:
        """The least that is of use to any vehicle, as it is counted here."""
        return self.form.least

    @property
    def form(self) -> LimitForm:
        """How it takes limits."""
        return LimitForm(
            unit=RateUnit.WATTS if self.direct_current else self.unit,
            phases=len(self.phases),
            max_amps=self.max_amps,
            stack_level=self.stack_level,
            voltage=self.voltage,
            direct_current=self.direct_current,
        )

    def may_be_asked(self, now: datetime) -> bool:
        """Whether it is online, and is not left alone for a while."""
        return self._open_for(self.retry_at, now)

    def may_be_cleared(self, now: datetime) -> bool:
        """Whether it is online, and may be told what needs no limits of it."""
        return self._open_for(self.clear_at, now)

    def _open_for(self, moment: datetime | None, now: datetime) -> bool:
        return self.connected and all(
            one is None or one <= now for one in (moment, self.settles_at)
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Bay:
    """A connector with a transaction, as the site's workflow keeps it.

    ``number`` is the engine's own of the transaction, as in its fact.
    ``bound`` is the most that it may be drawing, ``granted`` what it was last allotted, in amperes
    per phase. ``since`` is when it began to charge, or to wait: whichever it does; ``confirmed_at``
    is when it last confirmed a limit.
    ``began_at`` is what it might draw in the beginning, ``asked`` what it may have been told since
    to draw, answered or not; ``refusals`` counts limits in a row that were refused.
    ``judge_at`` is when to look at what it draws, ``excesses`` how often in a row that was more
    than its limit.
    """

    key: BayKey
    transaction_id: str
    number: int
    started_at: datetime
    since: datetime
    bound: float
    confirmed_at: datetime | None = None
    began_at: float = 0.0
    asked: int = 0
    granted: int = 0
    refusals: int = 0
    judge_at: datetime | None = None
    excesses: int = 0
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
