"""What a workflow knows of its charge point: a snapshot, kept current by signals."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from datetime import datetime

    from domain.facts import (
        BootFact,
        ChargePointEvent,
        ConnectionFact,
        ConnectorFact,
        EventKind,
        MeterFact,
        Snapshot,
        TransactionFact,
    )


class Inbox:
    """Folds events into present knowledge. A repeated event changes nothing."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self.connection: ConnectionFact | None = None
        self.boot: BootFact | None = None
        self.connectors: dict[int, ConnectorFact] = {}
        self.transactions: dict[int, TransactionFact] = {}
        self.meter_values: list[MeterFact] = []
        self.heartbeat_at: datetime | None = None
        self.restarts: list[datetime] = []
        """First boots of connections since the watch began; in Pending, many boots follow each."""
        self._boot_generation = 0

    @property
    def connected(self) -> bool:
        """Whether the charge point is online."""
        return self.connection is not None and self.connection.connected

    @property
    def generation(self) -> int:
        """Generation of the newest connection."""
        return 0 if self.connection is None else self.connection.generation

    def load(self, snapshot: Snapshot) -> None:
        """Take the snapshot for all that no signal has told yet.

        A signal may overtake the snapshot, but none older than it is lost: what a signal told
        stands, and whatever happened after it is still on its way as another signal.
        """
        self.take_connection(snapshot.connection)
        self.boot = self.boot or snapshot.boot
        self.heartbeat_at = self.heartbeat_at or snapshot.last_heartbeat_at
        for connector in snapshot.connectors:
            self.connectors.setdefault(connector.connector_id, connector)
        for transaction in snapshot.open_transactions:
            self.transactions.setdefault(transaction.transaction_id, transaction)

    def take_connection(self, connection: ConnectionFact | None) -> None:
        """Believe the connection of the highest generation; within one, the later word."""
        if connection is None:
            return
        if self.connection is None or connection.generation >= self.connection.generation:
            self.connection = connection

    def receive(self, event: ChargePointEvent) -> None:
        """Fold one event in."""
        if event.event_id in self._seen:
            return
        self._seen.add(event.event_id)
        self.take_connection(event.connection)
        if event.boot is not None:
            self._take_boot(event.boot)
        if event.connector is not None:
            self.connectors[event.connector.connector_id] = event.connector
        if event.transaction is not None:
            self._take_transaction(event.transaction)
        if event.meter is not None:
            self.meter_values.append(event.meter)
        if event.kind is EventKind.HEARTBEAT:
            self.heartbeat_at = event.at

    def _take_boot(self, boot: BootFact) -> None:
        self.boot = boot
        accepted = boot.registration is RegistrationStatus.ACCEPTED
        # Behind a local proxy, a connection outlives a restart. Once it was accepted, no charge
        # point boots again without a cause; in Pending it does, each time its interval is over.
        if self.generation > self._boot_generation or (accepted and self._accepted):
            self.restarts.append(boot.at)
        self._boot_generation, self._accepted = self.generation, accepted

    def _take_transaction(self, transaction: TransactionFact) -> None:
        known = self.transactions.get(transaction.transaction_id)
        if known is None or known.stopped_at is None:  # an ended one never comes back to life
            self.transactions[transaction.transaction_id] = transaction
