"""Wrong passwords for the honest owner's e-mail, and for made-up ones, from many addresses."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx

from tests.attack.attacker import MEBIBYTE, Attacker, Tally, Target
from tests.attack.beside import going_on
from tests.attack.stage import Stage

_AT_ONCE = 40
_OWNER = "owner@honest.example"
_PASSWORD = "correct horse battery staple"  # of every honest one: tests.chaos.caller
_PAUSE = 0.3


async def attack(target: Target, tally: Tally) -> None:
    """Guess without end, forty at a time, each from an address of its own.

    Half of them go for the owner, and are soon told to wait; the others keep Argon2 at work.
    """

    async def guesses(first: int) -> None:
        transport = httpx.AsyncHTTPTransport(verify=False, local_address=f"127.2.{first}.1")
        async with httpx.AsyncClient(
            base_url=target.api_url, transport=transport, timeout=30, trust_env=False
        ) as http:
            for number in itertools.count():
                email = _OWNER if first % 2 else f"nobody-{first}-{number}@honest.example"
                tally.did()
                with suppress(httpx.TransportError):
                    await http.post(
                        "/api/v1/site-owner/login",
                        json={"email": email, "password": f"guess {number}"},
                    )

    async with asyncio.TaskGroup() as group:
        for first in range(_AT_ONCE):
            group.create_task(guesses(first))


@asynccontextmanager
async def judge(stage: Stage) -> AsyncIterator[list[str]]:
    """The owner logs in again and again, from the device that has done so before."""
    broken: list[str] = []
    asked = 0

    async def log_in() -> None:
        nonlocal asked
        while True:
            asked += 1
            try:
                answer = await stage.owner.ask(
                    "POST", "/site-owner/login", {"email": _OWNER, "password": _PASSWORD}
                )
            except httpx.TransportError as error:
                broken.append(f"the owner's login: {error!r}")
            else:
                if not answer.is_success:
                    broken.append(f"the owner's login: {answer.status_code} {answer.text[:80]}")
            await asyncio.sleep(_PAUSE)

    async with going_on(log_in):
        yield broken
    if not asked:
        broken.append("the owner never tried to log in")


ATTACKER = Attacker(
    name="passwords",
    about="wrong passwords for the owner's e-mail and for made-up ones, from 40 addresses",
    unit="guesses",
    attack=attack,
    # Argon2id takes 64 MiB a thread, of two: one for those who have signed in there before.
    api_budget=192 * MEBIBYTE,
    judge=judge,
)
