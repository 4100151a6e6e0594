"""What a workflow knows of its charge point: a snapshot, kept current by signals."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from collections import Counter
    from dataclasses import replace
    from datetime import datetime, timedelta

    from domain.facts import (
        Astray,
        BootFact,
        ChargePointEvent,
        ConnectionFact,
        ConnectorFact,
        EventKind,
        Irregularity,
        MeterFact,
        Snapshot,
        TransactionFact,
    )
    from domain.operations import Identity
    from domain.rules.connector import is_error, is_fault
    from domain.states import ConnectorStatus, RegistrationStatus
    from workflows.restarts import RestartCount

PLUGGED_IN = {ConnectorStatus.PREPARING, ConnectorStatus.OCCUPIED}
"""A cable is in; or, before that, a start was accepted and waits for one."""


class Inbox:
    """Folds events into present knowledge. A repeated event changes nothing."""

    def __init__(self, commissioning_id: str | None = None) -> None:
        """``commissioning_id`` is the run that has it; events for another run say nothing."""
        self._run = commissioning_id
        self._seen: set[str] = set()
        self.connection: ConnectionFact | None = None
        self.boot: BootFact | None = None
        self.connectors: dict[int, ConnectorFact] = {}
        self.faults: dict[int, ConnectorFact] = {}
        """Connectors that reported a fault, or a matter of safety, since this was last cleared."""
        self.errors: dict[int, ConnectorFact] = {}
        """The newest error of a connector that was no fault, since this was last cleared."""
        self.start_heard_at: dict[str, datetime] = {}
        """When the start of a transaction came, by our time, where a signal told it."""
        self.freed: Counter[int] = Counter()
        """How often each connector that waited for something, or had a cable, became available."""
        self.transactions: dict[str, TransactionFact] = {}
        self.meter_values: list[MeterFact] = []
        self.heartbeat_at: datetime | None = None
        self.boot_generation = 0
        """The connection on which the newest boot came; 0 when that is not known."""
        self.unasked_boots = 0
        """Boots of a charge point that had been accepted on the same connection already."""
        self.firmware_statuses: list[str] = []
        """The words of updates of the firmware; one said again is not a new one."""
        self.firmware_reports = 0
        """How many came, those too that say the same again."""
        self.boots_heard = 0
        """All boots, those too that only say once more what is known."""
        self.irregularities: tuple[Irregularity, ...] = ()
        """What was odd about its messages in this run, as last read."""
        self.astray: tuple[Astray, ...] = ()
        """What came to the wrong place in this run, as last read."""
        self._firmware_status_at: datetime | None = None
        self._restarts = RestartCount()
        self._boot_asked_on: int | None = None
        self._ended = 0
        """The newest connection whose end was told.

        What a snapshot says is no end: a node may only have been too slow to say that it lives.
        """

    @property
    def connected(self) -> bool:
        """Whether the charge point is online."""
        return self.connection is not None and self.connection.connected

    @property
    def contested(self) -> bool:
        """Whether several links speak as the charge point, so that it counts as offline."""
        return self.connection is not None and self.connection.contested

    @property
    def generation(self) -> int:
        """Generation of the newest connection."""
        return 0 if self.connection is None else self.connection.generation

    def has_ended(self, transaction_id: str) -> bool:
        """Whether a transaction that is known has ended."""
        return self.transactions[transaction_id].stopped_at is not None

    def load(self, snapshot: Snapshot) -> None:
        """Take the snapshot for all that no signal has told yet.

        A signal may overtake the snapshot, but none older than it is lost: what a signal told
        stands, and whatever happened after it is still on its way as another signal.
        """
        self.take_connection(snapshot.connection)
        if self.boot is None and snapshot.boot is not None:
            self.boot = snapshot.boot
            link = snapshot.connection
            if link is not None and link.connected and snapshot.boot.at >= link.at:
                self.boot_generation = link.generation
        self._take_heartbeat(snapshot.last_heartbeat_at)
        if snapshot.firmware_status is not None:  # a word from before the run says nothing
            self._firmware_status_at = snapshot.firmware_status.at
        for connector in snapshot.connectors:
            self.connectors.setdefault(connector.connector_id, connector)
        for transaction in snapshot.transactions:
            self.transactions.setdefault(transaction.transaction_id, transaction)

    def take_identity(self, identity: Identity) -> None:
        """Take what an operation has heard; signals tell it later."""
        boot = identity.boot
        if boot is not None and boot.at >= identity.connected_at:
            self._take_boot(boot)
        self._take_heartbeat(identity.heartbeat_at)

    def catch_up(self, snapshot: Snapshot) -> None:
        """Take from a later snapshot what is newer than what signals have told."""
        self.take_connection(snapshot.connection)
        self.irregularities, self.astray = snapshot.irregularities, snapshot.astray
        if snapshot.boot is not None:
            self._take_boot(snapshot.boot)
        for connector in snapshot.connectors:
            self._take_connector(connector)
        for transaction in snapshot.transactions:
            self._take_transaction(transaction)
        self._take_heartbeat(snapshot.last_heartbeat_at)
        told = snapshot.firmware_status
        if told is not None and told.at != self._firmware_status_at:
            self._take_firmware_status(told.status, told.at)

    def take_connection(self, connection: ConnectionFact | None) -> None:
        """Believe the connection of the highest generation; within one, the later word.

        A snapshot from before its end may be the later word, and does not revive it.
        """
        if connection is None or (connection.connected and connection.generation <= self._ended):
            return
        self._restarts.connection(connection)
        known = self.connection
        if (
            known is not None
            and (known.connected and connection.connected)
            and known.generation == connection.generation
        ):
            # A node says again that it holds the link: what came since it began stands.
            connection = replace(connection, at=min(known.at, connection.at))
        if known is None or connection.generation >= known.generation:
            self.connection = connection

    def receive(self, event: ChargePointEvent) -> None:
        """Fold one event in."""
        if event.event_id in self._seen or event.commissioning_id not in {None, self._run}:
            return
        self._seen.add(event.event_id)
        self.take_connection(event.connection)
        if event.connection is not None and event.kind is EventKind.DISCONNECTED:
            self._ended = max(self._ended, event.connection.generation)
        if event.boot is not None:
            self._take_boot(event.boot)
        if event.connector is not None:
            self._take_connector(event.connector)
        if event.transaction is not None:
            self._take_transaction(event.transaction)
            if event.kind is EventKind.TRANSACTION_STARTED:
                self.start_heard_at.setdefault(event.transaction.transaction_id, event.at)
        if event.meter is not None:
            self.meter_values.append(event.meter)
        if event.kind is EventKind.HEARTBEAT:
            self._take_heartbeat(event.at)
        if event.kind is EventKind.FIRMWARE_STATUS and event.status is not None:
            self._take_firmware_status(event.status, event.at)

    def expect_boot(self, *, asked: bool) -> None:
        """Know that a boot is asked for on this connection, or that it cannot be."""
        self._boot_asked_on = self.generation if asked else None

    def restart_mark(self) -> tuple[int, int]:
        """Mark this moment, for :meth:`restarted_since`."""
        return self.generation, self.unasked_boots

    def restarted_since(self, mark: tuple[int, int]) -> bool:
        """Whether the charge point has booted since then without being asked to, and is online."""
        generation, unasked_boots = mark
        return self.connected and (
            self.boot_generation > generation or self.unasked_boots > unasked_boots
        )

    def restarts(self, within: timedelta) -> int:
        """Count the restarts, each soon after the one before, in so much time until the newest."""
        return self._restarts.within(within)

    def _take_boot(self, boot: BootFact) -> None:
        known = self.boot
        same_link = self.generation == self.boot_generation
        if known is not None and (
            boot.boot_id == known.boot_id or (same_link and boot.at < known.at)
        ):
            return  # a snapshot has told it, or a newer one, before the signal
        self.boots_heard += 1
        # In Pending a charge point boots each time its interval is over; accepted, it has no reason
        # to but a restart (that of one behind a local proxy need not break the connection).
        asked, self._boot_asked_on = self._boot_asked_on == self.generation, None
        if asked:
            pass  # it says so because we wanted to hear it
        elif self.generation > self.boot_generation:
            self._restarts.boot(self.generation, boot.at)
        elif known is not None and known.registration is RegistrationStatus.ACCEPTED:
            self._restarts.boot_on_the_same(self.generation, boot.at)
            self.unasked_boots += 1
        self.boot, self.boot_generation = boot, self.generation

    def _take_connector(self, connector: ConnectorFact) -> None:
        known = self.connectors.get(connector.connector_id)
        if known is None or connector.at >= known.at:
            self.freed[connector.connector_id] += (
                known is not None
                and known.status in PLUGGED_IN
                and connector.status == ConnectorStatus.AVAILABLE
            )
            self.connectors[connector.connector_id] = connector
            if is_fault(connector) and connector != known:  # a snapshot may say it again
                self.faults[connector.connector_id] = connector
            if is_error(connector) and connector != known:
                self.errors[connector.connector_id] = connector

    def _take_heartbeat(self, at: datetime | None) -> None:
        if at is not None and (self.heartbeat_at is None or at > self.heartbeat_at):
            self.heartbeat_at = at

    def _take_firmware_status(self, status: str, at: datetime) -> None:
        if self._firmware_status_at is not None and at < self._firmware_status_at:
            return  # a snapshot has told a newer one before the signal
        self._firmware_status_at = at
        self.firmware_reports += 1
        if self.firmware_statuses[-1:] != [status]:
            self.firmware_statuses.append(status)

    def forget_cleared_faults(self, *, before_start_of: str | None = None) -> None:
        """Keep of ``faults`` those that are still there, and those that came after that start.

        What comes right behind a start may be known as soon as the start is, with its end.
        """
        began = None if before_start_of is None else self.start_heard_at.get(before_start_of)
        self.faults = {
            number: fault
            for number, fault in self.faults.items()
            if is_fault(self.connectors[number]) or (began is not None and fault.at > began)
        }

    def _take_transaction(self, transaction: TransactionFact) -> None:
        known = self.transactions.get(transaction.transaction_id)
        if known is None or known.stopped_at is None:  # an ended one never comes back to life
            self.transactions[transaction.transaction_id] = transaction
