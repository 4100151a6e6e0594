"""The faults and models of the simulator."""

from docs.generate.table import code, table
from simulator import MODELS, Fault


def faults() -> str:
    """Every fault with its explanation."""
    return table(
        ("Fault", "What the charge point does"), ((code(one), one.explanation) for one in Fault)
    )


def models() -> str:
    """Every model with its name plate."""
    return table(
        ("`--model`", "Vendor", "Boots as", "Firmware", "Connectors"),
        (
            (code(one.name), one.vendor, one.model, code(one.firmware), str(one.connectors))
            for one in MODELS.values()
        ),
    )
