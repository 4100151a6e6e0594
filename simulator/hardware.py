"""The parts of a charge point, put together; what the handlers of inbound calls receive."""

from collections.abc import Callable

from simulator.charging import Charging
from simulator.maintenance import Maintenance
from simulator.metering import Metering
from simulator.power import Downtime, Power
from simulator.registration import Registration
from simulator.station import Station


class Hardware:
    """One charge point without its socket: the parts around a station."""

    def __init__(
        self,
        station: Station,
        *,
        hang_up: Callable[[Downtime], None],
        use_password: Callable[[bytes], None],
    ) -> None:
        """``use_password`` takes a new AuthorizationKey for the connections to come."""
        self.station = station
        self.registration = Registration(station)
        self.metering = Metering(station)
        self.charging = Charging(station, self.metering)
        self.power = Power(station, self.registration, self.charging, hang_up)
        self.maintenance = Maintenance(station, self.power)
        self.use_password = use_password
