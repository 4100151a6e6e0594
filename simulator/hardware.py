"""The parts of a charge point, put together; what the handlers of inbound calls receive."""

from collections.abc import Callable
from dataclasses import dataclass

from simulator.charging import Charging
from simulator.maintenance import Maintenance
from simulator.metering import Metering
from simulator.power import Downtime, Power
from simulator.registration import Registration
from simulator.station import Station


@dataclass(frozen=True, kw_only=True, slots=True)
class Hardware:
    """One charge point without its socket."""

    station: Station
    registration: Registration
    charging: Charging
    metering: Metering
    power: Power
    maintenance: Maintenance
    use_password: Callable[[bytes], None]
    """Take a new AuthorizationKey for the connections to come."""


def assemble(
    station: Station,
    *,
    hang_up: Callable[[Downtime], None],
    use_password: Callable[[bytes], None],
) -> Hardware:
    """Put the parts together around a station."""
    registration = Registration(station)
    metering = Metering(station)
    charging = Charging(station, metering)
    power = Power(station, registration, charging, hang_up)
    return Hardware(
        station=station,
        registration=registration,
        charging=charging,
        metering=metering,
        power=power,
        maintenance=Maintenance(station, power),
        use_password=use_password,
    )
