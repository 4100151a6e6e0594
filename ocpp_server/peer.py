"""What a session remembers of its charge point between two messages."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from domain.states import LogLevel
from ocpp_server.budget import Budget
from ocpp_server.charge_point_log import ChargePointLog
from storage.fact_records import Connected, KnownTransaction, LogEntry

_REMEMBERED: Final = 64
_NEAR: Final = 30.0  # seconds behind ours that a good clock and a slow link explain
_QUEUE_SECONDS: Final = 60.0  # after a connection what was queued is sent


@dataclass(kw_only=True, slots=True, eq=False)
class Peer:
    """State of one link. ``watched_*`` follow the database, by :class:`Forwarder`."""

    charge_point_id: str
    node_id: str
    ocpp_version: str
    remote_address: str | None
    connected_at: datetime
    generation: int = 0
    watched_by: str | None = None
    watched_run: str | None = None
    heartbeat_told_to: tuple[str | None, str | None] | None = None
    """The watcher that has heard a heartbeat since the last boot; see :attr:`watcher`."""
    heartbeat_interval: int | None = None
    """What it was told in the answer to its boot, in seconds."""
    contested: bool = False
    """Others speak as the charge point, too: nothing rests on what comes here."""
    flapping: bool = False
    """The alarm for a charge point that connects all the time has been raised."""
    clock_skew_s: float | None = None
    clock_is_new: bool = False
    """The charge point was told the time since ``clock_skew_s`` was measured."""
    oddities: set[tuple[str, str, bool]] = field(default_factory=set)
    """Kinds of odd messages that came on this link: action, what, refused."""
    misread: list[str] = field(default_factory=list)
    """What of the message in work could not be read though its schema allows it."""
    transactions: dict[str, KnownTransaction] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)
    """The charge point's, over all its links."""
    log: ChargePointLog = field(default_factory=ChargePointLog)
    """The node's, so that many links of one charge point share its budget."""

    @property
    def watcher(self) -> tuple[str | None, str | None]:
        """Who hears of it now. All runs of a charge point have one workflow id."""
        return self.watched_by, self.watched_run

    def still_connected(self, at: datetime) -> Connected:
        """Make the fact that this connection, which was stored long ago, is still there."""
        return Connected(
            charge_point_id=self.charge_point_id,
            node_id=self.node_id,
            ocpp_version=self.ocpp_version,
            remote_address=self.remote_address,
            at=at,
            generation=self.generation,
        )

    def tell(self, event: str, *, level: LogLevel = LogLevel.INFO, **fields: object) -> None:
        """Log it, as one of the charge point's lines."""
        self.log.tell(event, self.charge_point_id, level=level, **fields)

    def entry(self, kind: str, text: str, level: LogLevel) -> LogEntry:
        """Make an entry of its detailed log, of now; said again, it is a count."""
        return LogEntry(
            charge_point_id=self.charge_point_id,
            commissioning_id=self.watched_run,
            at=datetime.now(UTC),
            level=level,
            kind=kind,
            text=text,
            same=text,
        )

    def measure_clock(
        self, stamp: datetime, now: datetime, *, says_now: bool, is_live: bool = False
    ) -> None:
        """Estimate the charger's clock minus ours from a time stamp; the newest evidence counts.

        ``says_now``: the stamp is of the moment of its message, and not since when something is so.
        ``is_live``: it was sent as it was asked for, so that it has not been queued.
        A stamp near our time, or ahead of it, is evidence in either case: nothing is of the future.
        One that is behind may be of a message that was queued while the charge point was offline;
        it counts until a later one shows the clock less behind.
        """
        skew = (stamp - now).total_seconds()
        if skew >= -_NEAR:
            self.clock_skew_s = skew
        elif is_live or (says_now and not self._may_be_queued(stamp, now)):
            if (
                is_live
                or self.clock_is_new
                or self.clock_skew_s is None
                or skew > self.clock_skew_s
            ):
                self.clock_skew_s = skew
        else:
            return
        self.clock_is_new = False

    def _may_be_queued(self, stamp: datetime, now: datetime) -> bool:
        soon = (now - self.connected_at).total_seconds() < _QUEUE_SECONDS
        return soon and stamp < self.connected_at

    def remember(self, transaction: KnownTransaction) -> None:
        """Keep a transaction in mind, the oldest of many is forgotten."""
        self.transactions[transaction.transaction_id] = transaction
        while len(self.transactions) > _REMEMBERED:
            del self.transactions[next(iter(self.transactions))]
