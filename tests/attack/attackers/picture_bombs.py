"""Photos of a few kilobytes that unpack to hundreds of megabytes."""

import asyncio
import struct
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from typing import TYPE_CHECKING

import httpx
from PIL import Image

from tests.attack.attacker import Attacker, Tally, Target
from tests.attack.beside import tried
from tests.support.plain import PLAIN

if TYPE_CHECKING:
    from tests.attack.stage import Stage

_AT_ONCE = 40
_SIDES = (4096, 4096)
_TOO_MANY = (8192, 6100)
_LINES = 4
_PAUSE = 0.3
_PATIENCE = 20.0


def bomb(width: int, height: int) -> bytes:
    """Return a PNG file that is nothing, in four colours of eight bits each."""
    rows = zlib.compressobj(1)
    some = b"\0" * (4 * width + 1) * _LINES
    packed = b"".join([rows.compress(some) for _ in range(height // _LINES)] + [rows.flush()])
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", packed), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


async def attack(target: Target, tally: Tally) -> None:
    """Send such photos of its own charge points, as many at once as it may."""
    bombs = [bomb(*_SIDES), bomb(*_TOO_MANY)]
    limits = httpx.Limits(max_connections=_AT_ONCE)
    async with httpx.AsyncClient(
        verify=PLAIN,
        base_url=f"{target.api_url}/api/v1/installer",
        headers={"Authorization": f"Bearer {target.token}"},
        limits=limits,
        timeout=60,
        trust_env=False,
    ) as http:

        async def send(number: int) -> None:
            identity = target.identities[number % len(target.identities)]
            while True:
                answer = await http.post(
                    f"/charge-points/{identity}/photos", content=bombs[number % 2]
                )
                if answer.is_success:
                    tally.did()
                    photo = answer.json()["id"]
                    await http.delete(f"/charge-points/{identity}/photos/{photo}")
                else:
                    tally.lost()
                    await asyncio.sleep(0.05)

        async with asyncio.TaskGroup() as group:
            for number in range(_AT_ONCE):
                group.create_task(send(number))


@asynccontextmanager
async def judge(stage: "Stage") -> AsyncIterator[list[str]]:
    """Have the installer send an ordinary photo now and then: each is taken."""
    file = BytesIO()
    Image.effect_noise((2016, 1512), 60).convert("RGB").save(file, "JPEG")
    photos = f"/charge-points/{stage.newcomers[0]}/photos"
    async with stage.as_installer(_PATIENCE) as http:

        async def send() -> str | None:
            answer = await http.post(photos, content=file.getvalue())
            return None if answer.is_success else f"{answer.status_code} {answer.text[:80]}"

        async with tried("photo", send, pause=_PAUSE) as broken:
            yield broken


ATTACKER = Attacker(
    name="picture-bombs",
    about=f"{_AT_ONCE} photos at once that unpack to 64 and 200 MB",
    unit="photos",
    attack=attack,
    judge=judge,
)
