"""Virtual charge points that speak OCPP 1.6J over a real WebSocket, with faults by name.

The library: `VirtualChargePoint(profile, url, faults=…)`, then `await run()` in a task.
"""

from simulator.charge_point import State, VirtualChargePoint
from simulator.connector import Transaction
from simulator.events import Event, EventKind
from simulator.fault import Fault
from simulator.profile import MODELS, Profile, find_model

__all__ = [
    "MODELS",
    "Event",
    "EventKind",
    "Fault",
    "Profile",
    "State",
    "Transaction",
    "VirtualChargePoint",
    "find_model",
]
