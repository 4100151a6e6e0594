"""What the meter of a connector says, in the words of MeterValues (OCPP 1.6, section 7.26)."""

import math
from typing import Any

from simulator.connector import Connector, Transaction
from simulator.fault import Fault
from simulator.frames import Payload
from simulator.station import Station
from simulator.words import Measurand, ReadingContext

WH_PER_KWH = 1000
VOLTAGE_NOISE = 0.005
OTHER_METER = "4711"


def register_wh(station: Station, connector: Connector, when: float) -> float:
    """Return the register as the meter shows it: rounded down, and with its faults."""
    register = connector.meter.register_at(when)
    transaction = connector.transaction
    if transaction is not None:
        register = _faulty(station, register, transaction)
    step = station.profile.register_step_wh
    register = math.floor(register / step + 1e-9) * step
    if station.has(Fault.WHOLE_KWH_LABELLED_WH):
        return math.floor(register / WH_PER_KWH)
    return register / WH_PER_KWH if station.has(Fault.KWH_LABELLED_WH) else register


def life_reading(station: Station, connector: Connector) -> Payload:
    """Take a reading of the register for life, by the clock."""
    when = station.clock()
    sample = {
        "measurand": Measurand.ENERGY,
        "unit": "Wh",
        "value": _number(math.floor(connector.meter.register_at(when))),
        "context": ReadingContext.CLOCK,
    }
    return {"timestamp": station.timestamp(when), "sampledValue": [sample]}


def meter_value(
    station: Station,
    connector: Connector,
    context: ReadingContext,
    when: float,
    *,
    energy_only: bool = False,
) -> Payload:
    """Take one reading of every measurand that is configured, at one instant of the clock."""
    names = station.configuration.text("MeterValuesSampledData").split(",")
    wanted = {Measurand.ENERGY.value} if energy_only else {name.strip() for name in names}
    samples: list[Payload] = []
    if Measurand.ENERGY in wanted:
        energy = _number(_sampled(station, connector, when))
        samples.append({"measurand": Measurand.ENERGY, "unit": "Wh", "value": energy})
        if station.has(Fault.REGISTER_TWICE):
            samples.append({"measurand": Measurand.ENERGY, "unit": "Wh", "value": OTHER_METER})
    if Measurand.POWER in wanted:
        power = _number(connector.meter.power_w)
        samples.append({"measurand": Measurand.POWER, "unit": "W", "value": power})
    if Measurand.VOLTAGE in wanted or Measurand.CURRENT in wanted:
        samples += _electrical(station, connector, wanted)
    if Measurand.SOC in wanted and station.profile.direct_current:
        samples.append({"measurand": Measurand.SOC, "unit": "Percent", "value": "50"})
    for sample in samples:
        sample |= {"context": context}
    return {"timestamp": station.timestamp(when), "sampledValue": samples}


def _faulty(station: Station, register: float, transaction: Transaction) -> float:
    drawn = register - transaction.register_wh
    second_is_stuck = transaction.connector_id > 1 and station.has(Fault.SECOND_METER_STUCK)
    if second_is_stuck or station.has(Fault.METER_STUCK):
        return transaction.register_wh
    if station.has(Fault.METER_FALLS):
        return transaction.register_wh - drawn
    if station.has(Fault.METER_RESTARTS) or station.has(Fault.REGISTER_BY_THE_CLOCK):
        return drawn
    return register


def _sampled(station: Station, connector: Connector, when: float) -> float:
    """Return the register as samples show it, which may be another than at start and stop."""
    register, transaction = register_wh(station, connector, when), connector.transaction
    if transaction is None:
        return register
    transaction.sampled += 1
    by_turns = station.has(Fault.MIXED_REGISTERS) and transaction.sampled % 2
    if by_turns or station.has(Fault.SAMPLES_RESTART):
        return register - transaction.meter_start
    return 0 if station.has(Fault.ZERO_READINGS) and transaction.sampled % 3 == 0 else register


def _electrical(station: Station, connector: Connector, wanted: set[str]) -> list[Payload]:
    profile = station.profile
    phases: list[dict[str, Any]] = (
        [{}] if profile.direct_current else [{"phase": f"L{n + 1}"} for n in range(profile.phases)]
    )
    samples: list[Payload] = []
    for phase in phases:
        noise = station.random.uniform(1 - VOLTAGE_NOISE, 1 + VOLTAGE_NOISE)
        voltage = profile.voltage * noise
        current = connector.meter.power_w / len(phases) / voltage
        if Measurand.VOLTAGE in wanted:
            to_neutral = {"phase": f"{phase['phase']}-N"} if phase else {}
            value = f"{voltage:.1f}"
            samples.append(
                {"measurand": Measurand.VOLTAGE, "unit": "V", "value": value, **to_neutral}
            )
        if Measurand.CURRENT in wanted:
            value = f"{current:.2f}"
            samples.append({"measurand": Measurand.CURRENT, "unit": "A", "value": value, **phase})
    return samples


def _number(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")
