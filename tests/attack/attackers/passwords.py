"""Wrong passwords for the honest owner's e-mail, and for made-up ones, from many addresses."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus

import httpx

from api.security.throttling import LOGIN_ACCOUNT, LOGIN_ACCOUNT_FROM_ADDRESS
from tests.attack.attacker import MEBIBYTE, Attacker, Tally, Target
from tests.attack.beside import tried
from tests.attack.stage import Stage

_AT_ONCE = 40
_OWNER = "owner@honest.example"
_PASSWORD = "correct horse battery staple"  # of every honest one: tests.chaos.caller
_LOGIN = "/api/v1/site-owner/login"
_PAUSE = 0.3
_PATIENCE = 30.0
_BEFORE = LOGIN_ACCOUNT.attempts // LOGIN_ACCOUNT_FROM_ADDRESS.attempts


async def attack(target: Target, tally: Tally) -> None:
    """Guess without end, forty at a time, each from an address of its own.

    All go for the owner until they are told to wait; half of them keep Argon2 at work from then on.
    """

    async def guesses(first: int) -> None:
        async with _from(target.api_url, f"127.2.{first}.1") as http:
            told_to_wait = False
            for number in itertools.count():
                others = told_to_wait and first % 2 == 0
                email = f"nobody-{first}-{number}@honest.example" if others else _OWNER
                tally.did()
                with suppress(httpx.TransportError):
                    answer = await http.post(
                        _LOGIN, json={"email": email, "password": f"guess {number}"}
                    )
                    told_to_wait |= answer.status_code == HTTPStatus.TOO_MANY_REQUESTS

    async with asyncio.TaskGroup() as group:
        for first in range(_AT_ONCE):
            group.create_task(guesses(first))


def _from(api_url: str, source: str) -> httpx.AsyncClient:
    transport = httpx.AsyncHTTPTransport(verify=False, local_address=source)
    return httpx.AsyncClient(
        base_url=api_url, transport=transport, timeout=_PATIENCE, trust_env=False
    )


async def _use_up(api_url: str, number: int) -> None:
    """Guess as often as one address may; five of them are as often as an account takes."""
    async with _from(api_url, f"127.3.{number}.1") as http:
        for guess in range(LOGIN_ACCOUNT_FROM_ADDRESS.attempts):
            await http.post(_LOGIN, json={"email": _OWNER, "password": f"guess {guess}"})


@asynccontextmanager
async def judge(stage: Stage) -> AsyncIterator[list[str]]:
    """The owner logs in again and again, from the device that has done so before.

    As many have guessed by then as the account takes: from elsewhere the right password is of no
    use either, or nothing is shown.
    """
    await asyncio.gather(*(_use_up(stage.engine.api_url, number) for number in range(_BEFORE)))

    async def log_in() -> str | None:
        answer = await stage.owner.ask(
            "POST", "/site-owner/login", {"email": _OWNER, "password": _PASSWORD}
        )
        return None if answer.is_success else f"{answer.status_code} {answer.text[:80]}"

    async with tried("the owner's login", log_in, pause=_PAUSE) as broken:
        yield broken
    async with _from(stage.engine.api_url, "127.3.255.1") as anybody:
        answer = await anybody.post(_LOGIN, json={"email": _OWNER, "password": _PASSWORD})
    if answer.status_code != HTTPStatus.TOO_MANY_REQUESTS:
        broken.append(f"a device that is not known was answered {answer.status_code}")


ATTACKER = Attacker(
    name="passwords",
    about="wrong passwords for the owner's e-mail and for made-up ones, from 40 addresses",
    unit="guesses",
    attack=attack,
    # Argon2id takes 64 MiB a thread, of two: one for those who have signed in there before.
    api_budget=192 * MEBIBYTE,
    judge=judge,
)
