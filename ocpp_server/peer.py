"""What a session remembers of its charge point between two messages."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from ocpp_server.charge_point_log import ChargePointLog
from storage.fact_records import Connected, KnownTransaction

_REMEMBERED: Final = 64


@dataclass(kw_only=True, slots=True, eq=False)
class Peer:
    """State of one link. ``watched_*`` follow the database; see :mod:`ocpp_server.forward`."""

    charge_point_id: str
    node_id: str
    ocpp_version: str
    remote_address: str | None
    connected_at: datetime
    generation: int = 0
    watched_by: str | None = None
    watched_run: str | None = None
    heartbeat_told_to: str | None = None
    """The watcher that has heard a heartbeat since the last boot."""
    flapping: bool = False
    """The alarm for a charge point that connects all the time has been raised."""
    clock_skew_s: float | None = None
    clock_is_new: bool = False
    """The charge point was told the time since ``clock_skew_s`` was measured."""
    transactions: dict[int, KnownTransaction] = field(default_factory=dict)
    log: ChargePointLog = field(default_factory=ChargePointLog)
    """The node's, so that many links of one charge point share its budget."""

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

    def told_the_time(self) -> None:
        """Note that a reply carried our clock: what was measured before is void."""
        self.clock_is_new = True

    def measure_clock(self, stamp: datetime, now: datetime) -> None:
        """Estimate the charger's clock minus ours from a time stamp.

        A queued message is older than its arrival and never newer, so the largest difference since
        the clock was set is the best estimate.
        """
        skew = (stamp - now).total_seconds()
        if self.clock_is_new or self.clock_skew_s is None or skew > self.clock_skew_s:
            self.clock_skew_s = skew
        self.clock_is_new = False

    def remember(self, transaction: KnownTransaction) -> None:
        """Keep a transaction in mind, the oldest of many is forgotten."""
        self.transactions[transaction.transaction_id] = transaction
        while len(self.transactions) > _REMEMBERED:
            del self.transactions[next(iter(self.transactions))]

    def has_ended(self, transaction_id: int) -> bool:
        """Tell whether the transaction is remembered to have ended."""
        known = self.transactions.get(transaction_id)
        return known is not None and known.stopped_at is not None
