"""(d) Messages of 64 KiB that are valid, as many as are taken."""

import json

from websockets.frames import Opcode

from bench.fleet import STAMP
from tests.attack import wire
from tests.attack.attacker import Attacker, Tally, Target

_MOST = 64 * 1024
_SAMPLE = {"value": "1", "unit": "Wh", "measurand": "Energy.Active.Import.Register"}


def _message(samples: int) -> bytes:
    value = {"timestamp": STAMP, "sampledValue": [_SAMPLE] * samples}
    call = [2, "1", "MeterValues", {"connectorId": 1, "meterValue": [value]}]
    return json.dumps(call, separators=(",", ":")).encode()


async def attack(target: Target, tally: Tally) -> None:
    """Flood three links."""
    each = len(_message(2)) - len(_message(1))
    largest = _message((_MOST - len(_message(0))) // each)
    await wire.flood(target, tally, wire.block(wire.frame(Opcode.TEXT, largest)))


ATTACKER = Attacker(
    name="large-frames",
    about="three sockets that send meter values of 64 KiB",
    unit="frames",
    attack=attack,
)
