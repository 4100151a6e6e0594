"""The installer, who does what a run asks for, and the owner, to whom the site is handed over."""

import re
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

import httpx

from tests.api.callers import PASSWORD, V1, Caller
from tests.faults.stage import Stage
from tests.peers.peer import Peer
from tests.support.eventually import eventually

OWNER = "owner@site.example"
_VEHICLE = re.compile(r"^Plug a vehicle .* into connector (\d+)")
_VERDICT_WITHIN = 90


def fine(answer: httpx.Response) -> Any:
    """Its body; no refusal."""
    assert answer.is_success, answer.text
    return answer.json()


@dataclass(kw_only=True)
class Installer:
    """At the API, and before the charge point with one tester."""

    stage: Stage
    charge_point_id: str
    peer: Peer
    in_connector: int | None = None
    """Where the tester is plugged in."""

    @property
    def front(self) -> Caller:
        return self.stage.front

    async def is_connected(self) -> None:
        """Test the connection until it is there."""

        async def connected() -> None:
            path = f"/charge-points/{self.charge_point_id}/test-connection"
            tested = fine(await self.front.post(path))
            assert tested["connected"], tested

        await eventually(connected)

    async def commission(self, **options: Any) -> Any:
        """Start a run, do what it asks for, and give its record."""
        run = f"/commissioning/{self.charge_point_id}"
        started = fine(await self.front.post(f"{run}/start", options))

        async def decided() -> Any:
            status = fine(await self.front.get(f"{run}/status"))
            self._do_what_it_asks(status)
            assert status["status"] != "in_progress", status
            return status

        await eventually(decided, within=_VERDICT_WITHIN)
        self._move_to(None)
        return fine(await self.front.get(f"{run}/runs/{started['commissioning_id']}"))

    def _do_what_it_asks(self, status: Any) -> None:
        if status.get("waiting_for") == "vehicle":
            asked = _VEHICLE.match(status["waiting"]["prompt"])
            assert asked, status
            self._move_to(int(asked[1]))
        elif status.get("waiting_for") == "unplug":
            self._move_to(None)

    def _move_to(self, connector: int | None) -> None:
        if connector == self.in_connector:
            return
        if self.in_connector is not None:
            self.peer.unplug(self.in_connector)
        if connector is not None:
            self.peer.plug_in(connector)
        self.in_connector = connector

    async def hand_over(self) -> "Owner":
        """Invite the owner, who accepts, and hand the project over to them."""
        path = f"/projects/{self.stage.project.id}"
        fine(await self.front.post(f"{path}/invite-site-owner", {"email": OWNER}))
        (letter,) = [mail.read_text() for mail in self.stage.mail.glob("*.eml")]
        code = re.findall(r"/invitations/([0-9a-f]{64})", letter.replace("=\n", ""))[0]
        login = {"email": OWNER, "password": PASSWORD}
        anybody = replace(self.front, token=None)
        accept = {"token": code, "password": PASSWORD, "name": "Sam"}
        fine(await anybody.call("POST", f"{V1}/site-owner/invitations/accept", accept))
        token = fine(await anybody.call("POST", f"{V1}/site-owner/login", login))["token"]
        body = {"sign_off_notes": "All connectors tested.", "installer_signature": "J. Smith"}
        answer = await self.front.post(f"{path}/complete-handover", body)
        assert answer.status_code == HTTPStatus.OK, answer.text
        return Owner(
            caller=replace(self.front, token=token, email=OWNER),
            path=f"{V1}/site-owner/projects/{self.stage.project.id}",
        )


@dataclass(kw_only=True)
class Owner:
    """The site's owner, at the API."""

    caller: Caller
    path: str

    async def get(self, what: str) -> Any:
        """Read something of the site."""
        return fine(await self.caller.call("GET", f"{self.path}/{what}"))

    async def open_doors(self) -> None:
        """Let everybody charge, once smart charging is active."""

        async def active() -> None:
            features = {one["feature"]: one for one in await self.get("features")}
            assert features["smart_charging"]["state"] == "active", features

        await eventually(active)
        fine(await self.caller.call("PUT", f"{self.path}/access", {"mode": "open"}))
