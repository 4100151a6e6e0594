"""An installer who goes on asking until somebody answers."""

import asyncio
from collections.abc import Iterator
from typing import Any, Self

import httpx

from tests.chaos.caller import Caller

_EMAIL = "installer@acme.example"
_PAUSE = 0.5


class Installer(Caller):
    """Signs up, registers charge points, starts runs and hands over, through outages."""

    def __init__(self, api_url: str, *, email: str = _EMAIL) -> None:
        super().__init__(api_url)
        self._email = email

    async def __aenter__(self) -> Self:
        """Sign up and log in."""
        await self.sign_up("/installer/signup", name="Acme", company="Acme Ltd", email=self._email)
        await self.log_in("installer", self._email)
        return self

    async def project(self, owner: str) -> str:
        """Create a project, and return its id."""
        fields = {"name": "Chaos", "address": "1 Storm Way, Bristol", "site_owner_email": owner}
        return str((await self.calm("POST", "/installer/projects", **fields))["id"])

    async def charge_point(self, project_id: str, serial: str, vendor: str, model: str) -> str:
        """Register a charge point, and return its id."""
        answer = await self.calm(
            "POST",
            "/installer/charge-points",
            project_id=project_id,
            serial_number=serial,
            model=model,
            vendor=vendor,
            ocpp_version="1.6",
        )
        return str(answer["id"])

    async def start(self, charge_point_id: str) -> str:
        """Start a run; return its id, or that of the run that is open already."""
        path = f"/installer/commissioning/{charge_point_id}/start"
        while True:
            answer = await self.insist("POST", path)
            body: dict[str, Any] = answer.json() if answer.content else {}
            if answer.status_code == httpx.codes.ACCEPTED:
                run = str(body["commissioning_id"])
                self.answers.acknowledged[run] = charge_point_id
                return run
            if answer.status_code == httpx.codes.CONFLICT and "commissioning_id" in body:
                self.answers.open += 1
                return str(body["commissioning_id"])
            self.note_wrong(answer)
            await asyncio.sleep(_PAUSE)

    async def hand_over(self, project_id: str) -> None:
        """Complete the handover; where the answer was lost, the next one says that it is done."""
        answer = await self.insist(
            "POST",
            f"/installer/projects/{project_id}/complete-handover",
            sign_off_notes="All connectors tested.",
            installer_signature="J. Smith",
        )
        if not answer.is_success and answer.json().get("code") != "project_handed_over":
            self.note_wrong(answer)


def shares(runs: int, chargers: int) -> Iterator[int]:
    """Give each charge point its number of runs."""
    for charger in range(chargers):
        yield runs // chargers + (charger < runs % chargers)
