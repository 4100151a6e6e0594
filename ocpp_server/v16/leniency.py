"""How the lenient reader (:mod:`ocpp_server.repair`) reads OCPP 1.6."""

from typing import Final

from ocpp_server.repair import Leniency

LENIENCY: Final = Leniency(
    sample="measurand",
    # Absent they mean something (§7.43), so that a sample without them would be another one.
    voiding=("format", "measurand", "phase", "unit", "value"),
    judged_by_handlers=frozenset({"status", "errorCode", "reason", "type", "context", "location"}),
    spellings={
        "%": "Percent",
        "°c": "Celsius",
        "degc": "Celsius",
        "°f": "Fahrenheit",
        "hz": "Hertz",
        "amp": "A",
        "amps": "A",
        "ampere": "A",
        "amperes": "A",
        "volt": "V",
        "volts": "V",
        "watt": "W",
        "watts": "W",
        "kilowatt": "kW",
        "watthour": "Wh",
        "watthours": "Wh",
        "kilowatthour": "kWh",
        "kilowatthours": "kWh",
        "kelvin": "K",
        "stateofcharge": "SoC",
        "canceled": "Cancelled",
    },
    older_names={"value": ("metervalue", "sampledvalue")},  # OCPP 1.5
    wrapped=("idToken", "idTag", "value", "#text"),
)
