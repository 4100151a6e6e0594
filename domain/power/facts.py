"""What the workflow of a site is told, asked, and answers."""

from dataclasses import dataclass, field
from datetime import datetime

from domain.audit import OPERATOR, Actor
from domain.facts import ConnectionFact, ConnectorFact, TransactionFact
from domain.power.reasons import Reason
from domain.power.site import DEFAULT_MAX_AMPS, NOMINAL_VOLTAGE, Electrical, Phase, SiteLimit
from domain.power.state import Bay, Station
from domain.states import FeatureState


@dataclass(frozen=True, kw_only=True, slots=True)
class StationFacts:
    """One charge point of the site, as the registry and its last messages have it.

    ``max_amps`` is what its cable carries, per phase, and ``declared`` whether somebody said so;
    ``phases`` those that it is connected to, ``voltage`` that between one of them and neutral.
    ``commissioned``: its run has passed; ``run`` is the open run, and its site gets it back by
    ``until``. ``leaves``: it is to be withdrawn; ``isolated``: nothing supplies it any more.
    """

    charge_point_id: str
    commissioned: bool = True
    run: str | None = None
    until: datetime | None = None
    leaves: bool = False
    isolated: bool = False
    max_amps: int = DEFAULT_MAX_AMPS
    declared: bool = False
    phases: tuple[Phase, ...] = tuple(Phase)
    voltage: float = NOMINAL_VOLTAGE
    direct_current: bool = False
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
class TakeOut:
    """A charge point that cannot draw any more, and that somebody has withdrawn."""

    project_id: str
    charge_point_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """A transaction, by its number, whose meter values are wanted that came after ``since``."""

    number: int
    since: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawsQuestion:
    """What do these transactions draw?"""

    watched: tuple[Watched, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Draws:
    """Power in watts by the newest meter values, by number; one that sent none is not here."""

    watts: dict[int, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Carried:
    """What the site's workflow carries on; ``ended`` are the newest that ended."""

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
    """How far smart charging is on one charge point, and why it does not simply share."""

    charge_point_id: str
    state: FeatureState
    cause: str | None = None
    action: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class StationStates:
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
class SetElectrical:
    """Update of SiteWorkflow: a charge point is connected otherwise. The row is written by it."""

    project_id: str
    charge_point_id: str
    electrical: Electrical
    by: Actor = OPERATOR


@dataclass(frozen=True, kw_only=True, slots=True)
class BayLoad:
    """One connector with a transaction: what it was allotted, and may draw at most, in amperes.

    ``as_of`` is when its charge point confirmed that, or its transaction began.
    """

    charge_point_id: str
    connector_id: int
    transaction_id: str
    allotted_amps: int
    bound_amps: float
    idle: bool
    reason: Reason = Reason.SHARE
    as_of: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class StationLoad:
    """One charge point: the most that it may draw in all, in amperes, and what of it is kept.

    ``kept_amps`` is what is kept for its connectors where nobody charges. ``as_of`` is when it
    confirmed its limits, or that it has none; None: it never did.
    """

    charge_point_id: str
    bound_amps: float
    kept_amps: float
    reason: Reason
    as_of: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteLoad:
    """Query of SiteWorkflow: the site as it stands. ``bound_amps`` is of the fullest phase.

    ``as_of`` is when it was last looked at, by what was known then.
    """

    limit: SiteLimit
    paused: bool
    bound_amps: float
    bays: tuple[BayLoad, ...]
    stations: tuple[StationLoad, ...] = ()
    as_of: datetime | None = None
