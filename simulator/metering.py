"""What flows on a connector, and what is told of it: power, periodic and triggered readings."""

from collections.abc import Callable
from functools import partial

from simulator.connector import Connector, Transaction
from simulator.events import EventKind
from simulator.fault import Fault
from simulator.frames import Payload
from simulator.outbox import Outgoing
from simulator.readings import life_reading, meter_value
from simulator.station import Station
from simulator.words import Action, ReadingContext

POWER_NOISE = 0.01
SHORTEST_SAMPLE_SECONDS = 0.02
AT_ZERO_SECONDS = 0.5


class Metering:
    """Sets the power of the running transactions, and sends their MeterValues."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self.ends: Callable[[Connector], None] = lambda _connector: None
        """Ends a transaction that may draw nothing, where the charge point does so."""

    def begin(self, connector: Connector) -> None:
        """Let power flow, and sample it from now on."""
        self.adjust_power(connector)
        self._sample_later(connector)

    def end(self, connector: Connector) -> None:
        """Cut the power."""
        self._draw(connector, 0)
        connector.suspended = False
        self._station.timers.cancel(f"sample-{connector.id}")
        self._station.timers.cancel(f"schedule-{connector.id}")
        self._station.timers.cancel(f"zero-{connector.id}")

    def adjust_power(self, connector: Connector) -> None:
        """Draw what the vehicle wants and the charging profiles allow."""
        transaction = connector.transaction
        if transaction is None:
            return
        station = self._station
        limit = station.charging_profiles.limit_w(
            connector.id, station.now(), transaction.began, phases=connector.vehicle_phases
        )
        connector.suspended = limit <= 0
        if connector.suspended and station.has(Fault.ENDS_AT_ZERO):
            station.timers.after(
                f"zero-{connector.id}", AT_ZERO_SECONDS, partial(self.ends, connector)
            )
        else:
            station.timers.cancel(f"zero-{connector.id}")
        wanted = 0.0 if station.has(Fault.DRAWS_NOTHING) else limit
        self._draw(connector, wanted * station.random.uniform(1 - POWER_NOISE, 1))
        self._adjust_later(connector, transaction)
        station.report(connector)

    def adjust_all(self) -> None:
        """Look at each connector: the charging profiles have changed."""
        for connector in self._station.outlets:
            self.adjust_power(connector)

    def interval_changed(self) -> None:
        """Count the sample interval of the running transactions anew."""
        for connector in self._station.outlets:
            if connector.transaction is not None:
                self._sample_later(connector)

    def trigger(self, connector: Connector) -> None:
        """Send the readings of a connector because they were asked for."""
        reading = self._read(connector, ReadingContext.TRIGGER)
        self.send(connector, connector.transaction, reading, before_accepted=True)

    def send(
        self,
        connector: Connector,
        transaction: Transaction | None,
        reading: Payload,
        *,
        before_accepted: bool = False,
    ) -> None:
        """Queue a MeterValues with one reading."""

        def payload() -> Payload:
            of = {} if transaction is None else {"transactionId": transaction.reported_id}
            return {"connectorId": connector.id, "meterValue": [reading], **of}

        self._station.outbox.add(
            Outgoing(
                Action.METER_VALUES,
                payload,
                durable=transaction is not None,
                before_accepted=before_accepted,
            )
        )

    def _draw(self, connector: Connector, power_w: float) -> None:
        before, connector.meter.power_w = connector.meter.power_w, power_w
        if abs(power_w - before) > max(power_w, before) * POWER_NOISE:
            text = f"connector {connector.id} draws {power_w / 1000:.1f} kW"
            self._station.events.emit(EventKind.POWER, text)

    def _read(self, connector: Connector, context: ReadingContext) -> Payload:
        return meter_value(self._station, connector, context, self._station.clock())

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

    def _sample_later(self, connector: Connector) -> None:
        seconds = self._station.configuration.integer("MeterValueSampleInterval")
        name = f"sample-{connector.id}"
        if seconds > 0:
            callback = partial(self._sample, connector)
            self._station.timers.after(name, seconds, callback, floor=SHORTEST_SAMPLE_SECONDS)
        else:
            self._station.timers.cancel(name)

    def _sample(self, connector: Connector) -> None:
        if not self._station.has(Fault.NO_METER_VALUES):
            reading = self._read(connector, ReadingContext.PERIODIC)
            self.send(connector, connector.transaction, reading)
            if self._station.has(Fault.REGISTER_BY_THE_CLOCK):
                self.send(connector, None, life_reading(self._station, connector))
        # Only now: the reading shows the power that has flowed until it was taken.
        self.adjust_power(connector)
        self._sample_later(connector)
