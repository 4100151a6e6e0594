"""Transactions: from an authorised id tag and a plugged vehicle to the closing reading."""

from functools import partial

from simulator.connector import Connector, Transaction
from simulator.events import EventKind
from simulator.fault import Fault
from simulator.frames import Payload
from simulator.outbox import Outgoing
from simulator.readings import meter_value, register_wh
from simulator.station import Station
from simulator.words import Action, ReadingContext, Reason

POWER_NOISE = 0.01
SHORTEST_SAMPLE_SECONDS = 0.02


class Charging:
    """Begins, meters and ends transactions on the connectors of a station."""

    def __init__(self, station: Station) -> None:
        self._station = station

    def authorize(self, connector: Connector, id_tag: str, *, ask: bool) -> None:
        """Let an id tag charge here; ask the central system first if `ask`."""
        if not ask:
            self._authorized(connector, id_tag)
            return

        def answered(reply: Payload) -> None:
            if _accepted(reply):
                self._authorized(connector, id_tag)

        self._station.outbox.add(
            Outgoing(action=Action.AUTHORIZE, payload=lambda: {"idTag": id_tag}, on_reply=answered)
        )

    def present_card(self, connector: Connector, id_tag: str) -> None:
        """Take a card that is held before the reader."""
        transaction = connector.transaction
        if transaction is None:
            self.authorize(connector, id_tag, ask=self._station.online)
        elif transaction.id_tag == id_tag:
            self.stop(connector, Reason.LOCAL)

    def plug_in(self, connector: Connector, *, by_itself: bool = False) -> None:
        """Plug a vehicle in; it charges if an id tag waits for it."""
        connector.plugged = True
        connector.plugged_by_itself = by_itself
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
        closing = meter_value(station, connector, ReadingContext.END, energy_only=True)
        meter_stop = int(register_wh(station, connector))
        connector.meter.power_w = 0
        connector.transaction = None
        connector.suspended = False
        connector.finished = connector.plugged
        if connector.inoperative_afterwards:
            connector.inoperative_afterwards, connector.operative = False, False
        station.timers.cancel(f"sample-{connector.id}")
        station.timers.cancel(f"schedule-{connector.id}")
        station.charging_profiles.end_transaction(connector.id)
        self._send_stop(transaction, reason, meter_stop, closing)
        if station.profile.closing_reading:
            self._send_readings(connector, transaction, closing)
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

    def sample(self, connector: Connector, context: ReadingContext) -> None:
        """Send the readings of a connector now."""
        reading = meter_value(self._station, connector, context)
        self._send_readings(
            connector,
            connector.transaction,
            reading,
            before_accepted=context is ReadingContext.TRIGGER,
        )

    def adjust_power(self, connector: Connector) -> None:
        """Draw what the vehicle wants and the charging profiles allow."""
        transaction = connector.transaction
        if transaction is None:
            return
        station = self._station
        limit = station.charging_profiles.limit_w(connector.id, station.now(), transaction.began)
        connector.suspended = limit <= 0
        self._adjust_later(connector, transaction)
        connector.meter.power_w = limit * station.random.uniform(1 - POWER_NOISE, 1)
        station.report(connector)

    def interval_changed(self) -> None:
        """Count the sample interval of the running transactions anew."""
        for connector in self._station.outlets:
            if connector.transaction is not None:
                self._sample_later(connector)

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
        self._station.report(connector)

    def _begin(self, connector: Connector, id_tag: str) -> None:
        station = self._station
        station.timers.cancel(f"timeout-{connector.id}")
        connector.authorized = None
        connector.finished = False
        transaction = Transaction(
            connector_id=connector.id,
            id_tag=id_tag,
            register_wh=connector.meter.register_wh,
            began=station.now(),
        )
        connector.transaction = transaction
        payload = {
            "connectorId": connector.id,
            "idTag": id_tag,
            "meterStart": int(register_wh(station, connector)),
            "timestamp": station.timestamp(),
        }
        transaction.readings.append(
            meter_value(station, connector, ReadingContext.BEGIN, energy_only=True)
        )
        station.outbox.add(
            Outgoing(
                action=Action.START_TRANSACTION,
                payload=lambda: payload,
                on_reply=partial(self._started, connector, transaction),
                durable=True,
            )
        )
        self.adjust_power(connector)
        self._sample_later(connector)

    def _started(self, connector: Connector, transaction: Transaction, reply: Payload) -> None:
        station = self._station
        transaction_id = reply.get("transactionId")
        if isinstance(transaction_id, int):
            transaction.transaction_id = transaction_id
        station.events.emit(
            EventKind.STARTED,
            f"transaction {transaction.reported_id} on connector {connector.id} "
            f"for {transaction.id_tag}",
        )
        refused = not _accepted(reply)
        stops = station.configuration.boolean("StopTransactionOnInvalidId")
        if refused and stops and connector.transaction is transaction:
            self.stop(connector, Reason.DEAUTHORIZED)

    def _sample_later(self, connector: Connector) -> None:
        seconds = self._station.configuration.integer("MeterValueSampleInterval")
        name = f"sample-{connector.id}"
        if seconds > 0:
            callback = partial(self._sample_periodically, connector)
            self._station.timers.after(name, seconds, callback, floor=SHORTEST_SAMPLE_SECONDS)
        else:
            self._station.timers.cancel(name)

    def _sample_periodically(self, connector: Connector) -> None:
        if not self._station.has(Fault.NO_METER_VALUES):
            self.sample(connector, ReadingContext.PERIODIC)
        self.adjust_power(connector)
        self._sample_later(connector)

    def _adjust_later(self, connector: Connector, transaction: Transaction) -> None:
        """Look again when a charging schedule has its next step."""
        station = self._station
        name = f"schedule-{connector.id}"
        seconds = station.charging_profiles.seconds_to_change(station.now(), transaction.began)
        if seconds is None:
            station.timers.cancel(name)
        else:
            # Schedules are written in real time, which `speed` does not shorten.
            callback = partial(self.adjust_power, connector)
            station.timers.after(name, 0, callback, floor=seconds)

    def _send_readings(
        self,
        connector: Connector,
        transaction: Transaction | None,
        reading: Payload,
        *,
        before_accepted: bool = False,
    ) -> None:
        def payload() -> Payload:
            of = {} if transaction is None else {"transactionId": transaction.reported_id}
            return {"connectorId": connector.id, "meterValue": [reading], **of}

        self._station.outbox.add(
            Outgoing(
                action=Action.METER_VALUES,
                payload=payload,
                durable=transaction is not None,
                before_accepted=before_accepted,
            )
        )

    def _send_stop(
        self, transaction: Transaction, reason: Reason, meter_stop: int, closing: Payload
    ) -> None:
        timestamp = self._station.timestamp()
        readings = [*transaction.readings, closing]
        with_readings = self._station.profile.transaction_data

        def payload() -> Payload:
            data = {"transactionData": readings} if with_readings else {}
            return {
                "transactionId": transaction.reported_id,
                "idTag": transaction.id_tag,
                "meterStop": meter_stop,
                "timestamp": timestamp,
                "reason": reason,
                **data,
            }

        self._station.outbox.add(
            Outgoing(action=Action.STOP_TRANSACTION, payload=payload, durable=True)
        )


def _accepted(reply: Payload) -> bool:
    info = reply.get("idTagInfo")
    return isinstance(info, dict) and info.get("status") == "Accepted"
