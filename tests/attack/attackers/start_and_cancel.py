"""Runs that are started and cancelled, each with a verdict to mail: 43 mails in 39 s it was."""

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

import httpx

from tests.attack.attacker import Attacker, Tally, Target
from tests.attack.mailbox import NOTICES_PER_HOUR, at_most
from tests.support.plain import PLAIN

if TYPE_CHECKING:
    from tests.attack.stage import Stage

_DOMAIN = "hostile.example"


async def attack(target: Target, tally: Tally) -> None:
    """Start a run at each charge point of its own, cancel it, and so on."""
    async with (
        httpx.AsyncClient(
            verify=PLAIN,
            base_url=f"{target.api_url}/api/v1/installer/commissioning",
            headers={"Authorization": f"Bearer {target.token}"},
            timeout=60,
            trust_env=False,
        ) as http,
        asyncio.TaskGroup() as group,
    ):
        for identity in target.identities:
            group.create_task(_on_and_off(http, identity, tally))


async def _on_and_off(http: httpx.AsyncClient, identity: str, tally: Tally) -> None:
    while True:
        begun = await http.post(f"/{identity}/start", json={"notify_on_complete": True})
        cancelled = await http.post(f"/{identity}/cancel", json={"reason": "http://evil.example"})
        if begun.is_success and cancelled.is_success:
            tally.did()
        else:
            tally.lost()
            await asyncio.sleep(0.1)


def judge(stage: "Stage") -> AbstractAsyncContextManager[list[str]]:
    """As many mails as an hour has; the rest leave in one, a quarter later."""
    return at_most(NOTICES_PER_HOUR, stage.folder, _DOMAIN)


ATTACKER = Attacker(
    name="start-and-cancel",
    about="runs that are started and cancelled, each with a verdict to mail",
    unit="runs",
    attack=attack,
    enough=2 * NOTICES_PER_HOUR,
    judge=judge,
)
