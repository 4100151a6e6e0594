"""Three accounts, just signed up, that invite strangers: 300 of them in a day, and on."""

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

import httpx

from tests.attack.attacker import MEBIBYTE, Attacker, Tally, Target
from tests.attack.mailbox import at_most
from tests.support.plain import PLAIN

if TYPE_CHECKING:
    from tests.attack.stage import Stage

_ACCOUNTS = 3
_MAILS = 10  # of an account none of whose invitations was accepted: a third of the setting
_OF_A_PROJECT = 10
_PASSWORD = "correct horse battery staple"
_DOMAIN = "victims.example"


async def attack(target: Target, tally: Tally) -> None:
    """Invite one stranger after the other, from a new project when one has had its share.

    From the last one, once there are as many as an account gets that is not verified.
    """
    async with asyncio.TaskGroup() as group:
        for number in range(_ACCOUNTS):
            group.create_task(_invite(target, tally, number))


async def _invite(target: Target, tally: Tally, number: int) -> None:
    login = {"email": f"free-{number}@hostile.example", "password": _PASSWORD}
    async with httpx.AsyncClient(
        verify=PLAIN, base_url=f"{target.api_url}/api/v1/installer", timeout=60, trust_env=False
    ) as http:
        await http.post("/signup", json={**login, "name": "Free money, see http://evil.example"})
        token = (await http.post("/login", json=login)).json()["token"]
        http.headers["Authorization"] = f"Bearer {token}"
        site = {"address": "1 Here", "site_owner_email": f"nobody@{_DOMAIN}"}
        victim, project = 0, ""
        while True:
            made = await http.post("/projects", json={**site, "name": f"Win {victim}"})
            if made.is_success:
                project = made.json()["id"]
            else:
                tally.lost()
                await asyncio.sleep(0.2)
            for _ in range(_OF_A_PROJECT):
                victim += 1
                email = f"victim-{number}-{victim}@{_DOMAIN}"
                answer = await http.post(
                    f"/projects/{project}/collaborators",
                    json={"email": email, "role": "technician", "message": "http://evil.example"},
                )
                if answer.is_success:
                    tally.did()
                else:
                    tally.lost()


def judge(stage: "Stage") -> AbstractAsyncContextManager[list[str]]:
    """Ten mails an account, and no more, however many it asks for."""
    return at_most(_ACCOUNTS * _MAILS, stage.folder, _DOMAIN)


ATTACKER = Attacker(
    name="invitations",
    about=f"{_ACCOUNTS} new accounts that invite strangers without end",
    unit="invitations",
    attack=attack,
    enough=_ACCOUNTS * _MAILS,  # there were as many as may be: the next ones were refused
    api_budget=200 * MEBIBYTE,  # three sign-ups and logins: each password takes 64 MiB to check
    judge=judge,
)
