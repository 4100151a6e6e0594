"""Transactions: from an authorised id tag and a plugged vehicle to the closing reading."""

from functools import partial

from simulator.connector import Connector, Transaction
from simulator.events import EventKind
from simulator.fault import Fault
from simulator.frames import Payload
from simulator.metering import Metering
from simulator.outbox import Outgoing
from simulator.readings import meter_value, register_wh
from simulator.station import Station
from simulator.words import Action, ReadingContext, Reason

UNKNOWN_REGISTER = -1
ABSURD_REGISTER = 2**61
"""What hardware sends that does not know what its meter read."""


class Charging:
    """Begins and ends transactions on the connectors of a station."""

    def __init__(self, station: Station, metering: Metering) -> None:
        self._station = station
        self._metering = metering
        metering.ends = partial(self.stop, reason=Reason.OTHER)

    def authorize(self, connector: Connector, id_tag: str, *, ask: bool) -> None:
        """Let an id tag charge here; ask the central system first if `ask`."""
        if not ask:
            self._authorized(connector, id_tag)
            return

        def answered(reply: Payload) -> None:
            self._heard(id_tag, reply)
            if _accepted(reply):
                self._authorized(connector, id_tag)

        self._station.outbox.add(
            Outgoing(Action.AUTHORIZE, lambda: {"idTag": id_tag}, on_reply=answered)
        )

    def present_card(self, connector: Connector, id_tag: str) -> None:
        """Take a card that is held before the reader."""
        transaction, known = connector.transaction, self._station.known_tags
        if transaction is None and self._station.online:
            self.authorize(connector, id_tag, ask=not known.need_not_ask(id_tag))
        elif transaction is None:
            if known.admits_offline(id_tag):
                self.authorize(connector, id_tag, ask=False)
        elif transaction.id_tag == id_tag:
            self.stop(connector, Reason.LOCAL)

    def plug_in(
        self, connector: Connector, *, by_itself: bool = False, phases: int | None = None
    ) -> None:
        """Plug a vehicle in; it charges if an id tag waits for it."""
        connector.plugged = True
        connector.plugged_by_itself = by_itself
        connector.vehicle_phases = phases
        connector.finished = False
        self._station.timers.cancel(f"unplug-{connector.id}")
        if connector.authorized is not None and connector.startable:
            self._begin(connector, connector.authorized)
        self._station.report(connector)

    def unplug(self, connector: Connector) -> None:
        """Unplug the vehicle, which ends its transaction."""
        connector.plugged = connector.finished = connector.plugged_by_itself = False
        self.stop(connector, Reason.EV_DISCONNECTED)
        self._station.report(connector)

    def stop(self, connector: Connector, reason: Reason) -> None:
        """End the transaction of a connector, if one runs."""
        station = self._station
        transaction = connector.transaction
        if transaction is None:
            return
        when = station.clock()
        closing = meter_value(station, connector, ReadingContext.END, when, energy_only=True)
        meter_stop = self._meter_stop(connector, transaction, when)
        self._metering.end(connector)
        connector.transaction = None
        connector.finished = connector.plugged
        if station.has(Fault.FAULTS_AT_THE_END) and connector.id == 1:
            connector.faulted = True
        if connector.inoperative_afterwards:
            connector.inoperative_afterwards, connector.operative = False, False
        station.charging_profiles.end_transaction(connector.id)
        self._send_stop(transaction, reason, meter_stop, closing)
        if station.profile.closing_reading:
            self._metering.send(connector, transaction, closing)
        station.events.emit(
            EventKind.STOPPED,
            f"transaction {transaction.reported_id} on connector {connector.id} ended ({reason}), "
            f"register {meter_stop} Wh",
        )
        station.report(connector)
        if connector.plugged_by_itself and not station.has(Fault.STAYS_FINISHING):
            station.timers.after(
                f"unplug-{connector.id}",
                station.profile.unplug_seconds,
                partial(self.unplug, connector),
            )

    def _meter_stop(self, connector: Connector, transaction: Transaction, when: float) -> int:
        if self._station.has(Fault.NO_METER_STOP):
            return UNKNOWN_REGISTER
        if self._station.has(Fault.STOP_EQUALS_START):
            return transaction.meter_start
        if self._station.has(Fault.ABSURD_STOP):
            return ABSURD_REGISTER
        return int(register_wh(self._station, connector, when))

    def _authorized(self, connector: Connector, id_tag: str) -> None:
        station = self._station
        if not connector.startable:
            return
        if connector.plugged:
            self._begin(connector, id_tag)
            return
        connector.authorized = id_tag
        station.report(connector)
        if station.profile.auto_plug:
            station.timers.after(
                f"plug-{connector.id}",
                station.profile.plug_seconds,
                partial(self._plugged_by_itself, connector),
            )
        station.timers.after(
            f"timeout-{connector.id}",
            station.configuration.integer("ConnectionTimeOut"),
            partial(self._nobody_plugged, connector),
        )

    def _plugged_by_itself(self, connector: Connector) -> None:
        if not connector.plugged:
            self.plug_in(connector, by_itself=True)

    def _nobody_plugged(self, connector: Connector) -> None:
        connector.authorized = None
        self._station.timers.cancel(f"plug-{connector.id}")
        self._station.report(connector)

    def _begin(self, connector: Connector, id_tag: str) -> None:
        station = self._station
        station.timers.cancel(f"timeout-{connector.id}")
        connector.authorized = None
        connector.finished = False
        when = station.clock()
        transaction = Transaction(
            connector_id=connector.id,
            id_tag=id_tag,
            register_wh=connector.meter.register_at(when),
            began=station.now(when),
        )
        connector.transaction = transaction
        not_ready = station.has(Fault.START_NOT_READY)
        transaction.meter_start = 0 if not_ready else int(register_wh(station, connector, when))
        payload = {
            "connectorId": connector.id,
            "idTag": id_tag,
            "meterStart": transaction.meter_start,
            "timestamp": station.timestamp(when),
        }
        transaction.readings.append(
            meter_value(station, connector, ReadingContext.BEGIN, when, energy_only=True)
        )
        station.outbox.add(
            Outgoing(
                Action.START_TRANSACTION,
                lambda: payload,
                on_reply=partial(self._started, connector, transaction),
                durable=True,
            )
        )
        self._metering.begin(connector)

    def _started(self, connector: Connector, transaction: Transaction, reply: Payload) -> None:
        station = self._station
        self._heard(transaction.id_tag, reply)
        transaction_id = reply.get("transactionId")
        if isinstance(transaction_id, int):
            transaction.transaction_id = transaction_id
        station.events.emit(
            EventKind.STARTED,
            f"transaction {transaction.reported_id} on connector {connector.id} "
            f"for {transaction.id_tag}",
        )
        refused = not (_accepted(reply) or station.has(Fault.STARTS_BY_ITSELF))
        stops = station.configuration.boolean("StopTransactionOnInvalidId")
        if refused and stops and connector.transaction is transaction:
            self.stop(connector, Reason.DEAUTHORIZED)

    def _heard(self, id_tag: str, reply: Payload) -> None:
        info = reply.get("idTagInfo")
        if isinstance(info, dict):
            self._station.known_tags.heard(id_tag, str(info.get("status")))

    def _send_stop(
        self, transaction: Transaction, reason: Reason, meter_stop: int, closing: Payload
    ) -> None:
        readings = [*transaction.readings, closing]
        with_readings = self._station.profile.transaction_data

        def payload() -> Payload:
            data = {"transactionData": readings} if with_readings else {}
            return {
                "transactionId": transaction.reported_id,
                "idTag": transaction.id_tag,
                "meterStop": meter_stop,
                "timestamp": closing["timestamp"],
                "reason": reason,
                **data,
            }

        self._station.outbox.add(Outgoing(Action.STOP_TRANSACTION, payload, durable=True))


def _accepted(reply: Payload) -> bool:
    info = reply.get("idTagInfo")
    return isinstance(info, dict) and info.get("status") == "Accepted"
