"""The guide's requests, one method a step, over a real socket."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Self

import httpx

from tests.support.eventually import eventually
from tests.support.plain import PLAIN
from tests.support.sse import Heard, heard

_LINK = re.compile(r"/invitations/(\S+)")
PASSWORD = "correct horse battery staple"


class Guide:
    """One installer's way through the guide; every answer has the status that the guide gives."""

    def __init__(self, api_url: str, *, email: str = "installer@acme.example") -> None:
        self._email = email
        self._client = httpx.AsyncClient(
            verify=PLAIN, base_url=f"{api_url}/api/v1", trust_env=False, timeout=30
        )

    async def __aenter__(self) -> Self:
        """Sign up and log in."""
        account = {"email": self._email, "password": PASSWORD}
        await self.post("/installer/signup", 201, name="Acme", company="Acme Ltd", **account)
        token = (await self.post("/installer/login", 200, **account))["token"]
        self._client.headers["Authorization"] = f"Bearer {token}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self._client.aclose()

    @property
    def token(self) -> dict[str, str]:
        """The header that says who asks."""
        return {"Authorization": self._client.headers["Authorization"]}

    def become(self, token: dict[str, str]) -> None:
        """Go on as whoever has that token (:attr:`token`)."""
        self._client.headers.update(token)

    def move(self, api_url: str) -> None:
        """Go on with an API that listens elsewhere now."""
        self._client.base_url = httpx.URL(f"{api_url}/api/v1")

    async def project(self, owner: str) -> str:
        """Create a project, and return its id."""
        fields = {"name": "Riverside", "address": "12 Riverside Way, Bristol"}
        answer = await self.post("/installer/projects", 201, site_owner_email=owner, **fields)
        return str(answer["id"])

    async def charge_point(self, project_id: str, serial_number: str) -> str:
        """Register a charge point of the guide's model, and return its id."""
        answer = await self.post(
            "/installer/charge-points",
            201,
            project_id=project_id,
            serial_number=serial_number,
            model="ABB Terra AC W22",
            vendor="ABB",
            ocpp_version="1.6",
        )
        return str(answer["id"])

    async def test_connection(self, charge_point_id: str) -> dict[str, Any]:
        """Test the connection."""
        return await self.post(f"/installer/charge-points/{charge_point_id}/test-connection", 200)

    async def start(self, charge_point_id: str, **request: Any) -> dict[str, Any]:
        """Start a commissioning run."""
        path = f"/installer/commissioning/{charge_point_id}/start"
        return await self.post(path, 202, **request)

    async def status(self, charge_point_id: str) -> dict[str, Any]:
        """Ask for the status of the newest run."""
        return await self.get(f"/installer/commissioning/{charge_point_id}/status")

    async def get(self, path: str) -> dict[str, Any]:
        """Get something that is there."""
        answer = await self._client.get(path)
        assert answer.status_code == httpx.codes.OK, answer.text
        result: dict[str, Any] = answer.json()
        return result

    async def verdict(self, charge_point_id: str) -> dict[str, Any]:
        """Wait for the verdict, and return the status."""

        async def decided() -> dict[str, Any]:
            status = await self.status(charge_point_id)
            assert status["status"] in {"completed", "failed", "cancelled"}, status
            return status

        return await eventually(decided, within=120)

    @asynccontextmanager
    async def followed(
        self, charge_point_id: str, *, last: str | None = None
    ) -> AsyncIterator[AsyncIterator[Heard]]:
        """Follow the charge point's runs, from the event after the one heard last."""
        async with self._client.stream(
            "GET",
            f"/installer/commissioning/{charge_point_id}/events",
            headers={} if last is None else {"Last-Event-ID": last},
        ) as answer:
            assert answer.status_code == httpx.codes.OK
            yield heard(answer.aiter_bytes())

    async def invite(self, project_id: str, owner: str) -> dict[str, Any]:
        """Invite the site owner."""
        return await self.post(
            f"/installer/projects/{project_id}/invite-site-owner", 202, 200, 201, email=owner
        )

    async def accept(self, mail: EmailMessage) -> dict[str, Any]:
        """Accept the invitation of that mail, as a new site owner."""
        body = mail.get_body(("plain",))
        assert body is not None
        link = _LINK.search(body.get_content())
        assert link is not None
        return await self.post(
            "/site-owner/invitations/accept",
            201,
            200,
            token=link[1],
            name="Sam Owner",
            password=PASSWORD,
        )

    async def hand_over(self, project_id: str) -> dict[str, Any]:
        """Complete the handover."""
        return await self.post(
            f"/installer/projects/{project_id}/complete-handover",
            200,
            sign_off_notes="All connectors tested.",
            installer_signature="J. Smith",
        )

    async def post(self, path: str, *expected: int, **body: Any) -> dict[str, Any]:
        """Post, and see that the status is one of those."""
        answer = await self._client.post(path, json=body or None)
        assert answer.status_code in expected, f"{path}: {answer.status_code} {answer.text}"
        result: dict[str, Any] = answer.json()
        return result
