"""The OCPP 1.6 JSON schemas of the ``ocpp`` package, relaxed where that is harmless.

What breaks them all the same is read leniently (:mod:`ocpp_server.repair`).
"""

from functools import cache
from importlib import resources
from typing import Any, Final

import orjson

from ocpp_server.repair import Leniency
from ocpp_server.schemas import Schema

_TOLERATED_LENGTH: Final = 255


@cache
def request_schema(action: str) -> Schema:
    """Return the schema of ``<action>.req``; raise LookupError for an unknown action."""
    return Schema(_load(action), LENIENCY)


@cache
def response_schema(action: str) -> Schema:
    """Return the schema of ``<action>.conf``; raise LookupError for an unknown action."""
    return Schema(_load(f"{action}Response"), LENIENCY)


def _load(name: str) -> dict[str, Any]:
    # Not of "ocpp.v16": to import that takes seconds, and nothing of it is used.
    file = resources.files("ocpp").joinpath("v16", "schemas", f"{name}.json")
    if not file.is_file():
        raise LookupError(f"OCPP 1.6 has no {name}")
    document = orjson.loads(file.read_text("utf-8-sig"))
    _tolerate(document)
    if name == "StopTransaction":
        # Firmware that loses the id may still say the connector; it helps to tell which one ends.
        document["properties"]["connectorId"] = {"type": "integer"}
    return document  # type: ignore[no-any-return]


def _tolerate(node: Any) -> None:
    """Relax what deployed charge points break harmlessly.

    Texts may be longer than the standard's CiString limits (storage cuts them), and a unit that
    MeterValues knows is also known inside StopTransaction (the package's schema lacks Hertz).
    """
    if isinstance(node, list):
        for element in node:
            _tolerate(element)
    elif isinstance(node, dict):
        if isinstance(node.get("maxLength"), int):
            node["maxLength"] = max(node["maxLength"], _TOLERATED_LENGTH)
        enum = node.get("enum")
        if isinstance(enum, list) and "Celcius" in enum and "Hertz" not in enum:
            enum.append("Hertz")
        for element in node.values():
            _tolerate(element)


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
