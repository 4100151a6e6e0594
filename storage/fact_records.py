"""What an OCPP node hands over to be stored, one class per kind of fact.

A record is filled by its session, stored by :mod:`storage.store_facts` inside one transaction with
many others, and then carries the answers (the fields under "answered by the store"), which the
session needs for its reply. Times are aware, energy is Wh.

A transaction is named by what its charge point knows, a text: ``transaction_id``. ``number`` is the
engine's own, the key of its row.

``contested`` is the generation of the link that a fact came on, where other links speak as the
charge point, too: then nothing rests on it. See :mod:`domain.contests`.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from domain.budget import WrittenToday
from domain.contests import Contest, Refused
from domain.facts import BootFact, ConnectorFact, EventKind, TransactionFact
from domain.flapping import Flapping
from domain.states import LogLevel
from storage.samples import pack


@dataclass(kw_only=True, slots=True, eq=False)
class KnownTransaction:
    """What a session remembers of a transaction, to take meter values of it without a query."""

    transaction_id: str
    number: int
    stopped_at: datetime | None = None


@dataclass(kw_only=True, slots=True, eq=False)
class Connected:
    """A charge point was admitted on this node."""

    charge_point_id: str
    node_id: str
    ocpp_version: str
    remote_address: str | None
    at: datetime
    has_key: bool = False
    alive: frozenset[int] = frozenset()
    """Generations of links on this node that were asked just now, and live."""
    gone: frozenset[int] = frozenset()
    """Those that are silent, or were ``unasked`` before and are still not there to be asked."""
    asked_anew: bool = False
    """Who has come since then once more is asked later, in a contest that is not confirmed."""
    # answered by the store
    generation: int = 0
    """Stays 0 when the charge point no longer exists."""
    unasked: frozenset[int] = frozenset()
    """Links of the node that came since it asked, or have just ended: it has to ask anew."""
    watched_by: str | None = None
    watched_run: str | None = None
    flapping: Flapping | None = None
    was_flapping: bool = False
    """Whether the alarm had been raised before this connection."""
    transactions: list[KnownTransaction] = field(default_factory=list)
    contest: Contest | None = None
    """Others speak as the charge point, too; the link itself is the last of them."""
    refused: Refused | None = None
    """Why it is sent away; the generation stays 0."""
    written: WrittenToday | None = None
    """What it has had written on its newest day, as far as its node knows; then what is stored."""


@dataclass(kw_only=True, slots=True, eq=False)
class Disconnected:
    """The socket of that generation is gone."""

    charge_point_id: str
    node_id: str
    generation: int
    ocpp_version: str
    remote_address: str | None
    at: datetime
    # answered by the store
    was_current: bool = False


@dataclass(kw_only=True, slots=True, eq=False)
class Touched:
    """The charge point was heard; ``heartbeat_at`` when one came."""

    charge_point_id: str
    node_id: str
    generation: int
    seen_at: datetime
    heartbeat_at: datetime | None = None
    written: WrittenToday | None = None
    """The node's own, as it is at the moment of the writing."""


@dataclass(kw_only=True, slots=True, eq=False)
class RefusedConnection:
    """A refused connection."""

    identity: str
    charge_point_id: str | None
    at: datetime
    code: str
    reason: str
    remote_address: str | None
    project_id: str | None = None
    """Of one that names no charge point: the project that all those at its address are of."""


@dataclass(kw_only=True, slots=True, eq=False)
class Boot:
    """A BootNotification. Its fact says how it is answered once it is stored."""

    charge_point_id: str
    fact: BootFact
    payload: dict[str, Any]
    over_budget: bool = False
    """Whatever it says, it is counted with the others of its day that are; the newest is kept."""
    contested: int | None = None
    # answered by the store
    heartbeat_interval: str | None = None
    """The desired HeartbeatInterval of this charge point, as text."""


@dataclass(kw_only=True, slots=True, eq=False)
class ConnectorStatus:
    """A StatusNotification."""

    charge_point_id: str
    fact: ConnectorFact
    stamped_at: datetime
    """Since when, by the charger's clock."""
    goes_on: bool = False
    """It is beyond a budget: a suspension is the one before, which goes on."""
    contested: int | None = None


@dataclass(kw_only=True, slots=True, eq=False)
class Authorization:
    """An Authorize: nothing is stored, the tag is looked up."""

    charge_point_id: str
    id_tag: str
    contested: int | None = None
    # answered by the store
    accepted: bool = False


@dataclass(kw_only=True, slots=True, eq=False)
class TransactionStart:
    """A StartTransaction; repeated, it is answered with the same transaction."""

    charge_point_id: str
    connector_id: int
    id_tag: str
    started_at: datetime
    meter_start: int | None
    """None: not known."""
    received_at: datetime
    clock_ahead_s: float | None = None
    """How far the charger's clock is ahead of ours, as far as that was measured."""
    contested: int | None = None
    given_id: str | None = None
    """Given by the charge point; None: the engine gives it, its number as text (OCPP 1.6)."""
    seq_no: int | None = None
    offline: bool | None = None
    """The charge point says that it had no link then; None: it cannot say that (OCPP 1.6)."""
    # answered by the store
    transaction_id: str = ""
    number: int = 0
    accepted: bool = False
    repeated: bool = False
    stored: TransactionFact | None = None


@dataclass(kw_only=True, slots=True)
class MeterEntry:
    """One element of ``meterValue`` (OCPP 1.6 §7.33), its samples as sent."""

    at: datetime
    samples: list[dict[str, Any]]
    number: int | None = None
    """Answered by the store, for a message that names none: what ran on the connector then."""
    _packed: str | None = field(default=None, compare=False, repr=False)

    @property
    def packed(self) -> str:
        """Return the samples as they are stored; they are made once."""
        if self._packed is None:
            self._packed = pack(self.samples)
        return self._packed


@dataclass(kw_only=True, slots=True, eq=False)
class TransactionStop:
    """A StopTransaction. The first one wins; one for a foreign transaction has no effect.

    Without a usable id, ``connector_id`` and ``id_tag`` help to tell which it ends, where given.
    """

    charge_point_id: str
    transaction_id: str | None
    stopped_at: datetime
    meter_stop: int | None
    """None: not known."""
    reason: str | None
    received_at: datetime
    entries: list[MeterEntry]
    connector_id: int | None = None
    id_tag: str | None = None
    seq_no: int | None = None
    clock_ahead_s: float | None = None
    contested: int | None = None
    # answered by the store
    number: int = 0
    stored: TransactionFact | None = None
    """The transaction, when this stop ended it."""
    ended: TransactionFact | None = None
    """The transaction, whichever stop ended it; None when it is none of this charge point's."""
    billing_due: set[str] = field(default_factory=set)
    """The transaction, when it is to be billed."""


@dataclass(kw_only=True, slots=True, eq=False)
class MeterValues:
    """A MeterValues message.

    ``transaction_id`` and ``number`` are of the one that it names; ``lookup`` is an id that the
    session does not know, to be looked for among this charge point's transactions. With neither,
    the store gives each entry the one that ran then. ``late`` are the numbers of the transactions
    of its entries that had ended.
    """

    charge_point_id: str
    connector_id: int
    """0 where only the transaction that is looked up can tell it."""
    received_at: datetime
    entries: list[MeterEntry]
    transaction_id: str | None = None
    number: int | None = None
    inferred: bool = False
    """The message names none; the store says which one the newest entry is of."""
    lookup: str | None = None
    late: set[int] = field(default_factory=set)
    contested: int | None = None
    # answered by the store
    found: KnownTransaction | None = None
    billing_due: set[str] = field(default_factory=set)
    """Those of the late ones whose billing is to be looked at again."""


@dataclass(kw_only=True, slots=True, eq=False)
class StatusReport:
    """A firmware, diagnostics or security notice: an event, and an entry of the log."""

    charge_point_id: str
    at: datetime
    kind: EventKind | None
    """The event that it is for a watching workflow; None: for the log alone."""
    status: str
    text: str
    level: LogLevel
    commissioning_id: str | None
    contested: int | None = None
    logged: bool = True
    """Whether the log takes it; without, it is the event alone."""

    @property
    def entry(self) -> "LogEntry":
        """Return its entry of the log; repeats on one day are counted."""
        return LogEntry(
            charge_point_id=self.charge_point_id,
            commissioning_id=self.commissioning_id,
            at=self.at,
            level=self.level,
            kind="report",
            text=self.text,
            same=self.text,
        )


@dataclass(kw_only=True, slots=True, eq=False)
class Oddity:
    """A message of which something was ignored, or that could not be read at all (``refused``).

    ``astray``: it was read, but belongs to nothing that is known here.
    """

    charge_point_id: str
    commissioning_id: str | None
    at: datetime
    action: str
    what: str
    refused: bool
    excerpt: str
    astray: bool = False


@dataclass(kw_only=True, slots=True, eq=False)
class LogEntry:
    """An entry of the detailed log: a frame, or a sentence about the connection."""

    charge_point_id: str
    commissioning_id: str | None
    at: datetime
    level: LogLevel
    kind: str
    text: str
    direction: str | None = None
    action: str | None = None
    message_id: str | None = None
    same: str | None = None
    """What is the same about it when it is repeated that day; None: it stands for itself."""


Told = (
    Boot
    | ConnectorStatus
    | Authorization
    | TransactionStart
    | TransactionStop
    | MeterValues
    | StatusReport
)
"""What a charge point tells on a link."""

Record = (
    Connected
    | Disconnected
    | Touched
    | RefusedConnection
    | Boot
    | ConnectorStatus
    | Authorization
    | TransactionStart
    | TransactionStop
    | MeterValues
    | StatusReport
    | Oddity
    | LogEntry
)
