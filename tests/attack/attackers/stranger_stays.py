"""A stranger who connects with the id of a charge point that is there, stays, and speaks as it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

from websockets.frames import Opcode

from tests.attack import wire
from tests.attack.attacker import Attacker, Tally, Target

if TYPE_CHECKING:
    from tests.attack.stage import Stage

_PAUSE: Final = 0.05
_LOOK: Final = 0.5
_HONEST: Final = "127.0.0.1"
_FORGED: Final = json.dumps(
    [
        2,
        "1",
        "BootNotification",
        {"chargePointVendor": "M", "chargePointModel": "M", "chargePointSerialNumber": "FORGED"},
    ]
).encode()


async def attack(target: Target, tally: Tally) -> None:
    """Boot as somebody else, again and again; dial anew when the link is ended."""
    while True:
        with suppress(OSError, asyncio.IncompleteReadError):
            async with wire.dialled(target, wire.ALOOF) as (reader, writer):
                writer.write(wire.request(target.victims[0]))
                tally.did()
                await reader.readuntil(b"\r\n\r\n")
                while not reader.at_eof():
                    writer.write(wire.frame(Opcode.TEXT, _FORGED))
                    await reader.read(1 << 16)
                    tally.did()
                    await asyncio.sleep(_PAUSE)
                tally.lost()
        await asyncio.sleep(_PAUSE)


@asynccontextmanager
async def judge(stage: "Stage") -> AsyncIterator[list[str]]:
    """See that its installer is alarmed, keeps the right link, and has it back."""
    broken = ["the contest was not shown"]
    deciding = asyncio.create_task(_decide(stage, broken))
    try:
        yield broken
    finally:
        deciding.cancel()
        await asyncio.wait({deciding})


async def _decide(stage: "Stage", broken: list[str]) -> None:
    path = f"/installer/charge-points/{stage.identity}"
    decided = False
    while broken:
        shown = await stage.installer.calm("GET", path)
        link, firmware = shown["connection"], shown["firmware"]
        if link["contest"] is not None:
            (honest,) = [
                one["link"] for one in link["contest"]["links"] if one["remote_address"] == _HONEST
            ]
            await stage.installer.calm("POST", f"{path}/links/{honest}/keep")
            decided = True
            broken[:] = ["the link that was kept is not back"]
        elif decided and link["connected"] and link["remote_address"] == _HONEST:
            forged = firmware is not None and firmware["serial_number"] == "FORGED"
            broken[:] = ["what the stranger said counts"] if forged else []
        await asyncio.sleep(_LOOK)


ATTACKER = Attacker(
    name="stranger-stays",
    about="one link with the id of the good charge point, from another address, that speaks as it",
    unit="messages",
    attack=attack,
    judge=judge,
)
