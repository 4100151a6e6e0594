"""Wrong passwords for the honest owner's e-mail, and for made-up ones, from many addresses."""

import asyncio
import itertools
from contextlib import AbstractAsyncContextManager, suppress

import httpx

from tests.attack.attacker import MEBIBYTE, Attacker, Tally, Target
from tests.attack.beside import tried
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


def judge(stage: Stage) -> AbstractAsyncContextManager[list[str]]:
    """The owner logs in again and again, from the device that has done so before."""

    async def log_in() -> str | None:
        answer = await stage.owner.ask(
            "POST", "/site-owner/login", {"email": _OWNER, "password": _PASSWORD}
        )
        return None if answer.is_success else f"{answer.status_code} {answer.text[:80]}"

    return tried("the owner's login", log_in, pause=_PAUSE)


ATTACKER = Attacker(
    name="passwords",
    about="wrong passwords for the owner's e-mail and for made-up ones, from 40 addresses",
    unit="guesses",
    attack=attack,
    # Argon2id takes 64 MiB a thread, of two: one for those who have signed in there before.
    api_budget=192 * MEBIBYTE,
    judge=judge,
)
