"""An installer who goes on asking until somebody answers."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx

_PASSWORD = "correct horse battery staple"
_PAUSE = 0.5
_ANSWER_SECONDS = 20.0
_AWAY = {httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.TOO_MANY_REQUESTS}


@dataclass(kw_only=True)
class Answers:
    """What starts were answered."""

    acknowledged: dict[str, str] = field(default_factory=dict)
    """Charge point of each run that was acknowledged with 202."""
    away: int = 0
    """503, and connections that broke; each was tried again."""
    open: int = 0
    """409: a run was open, of a start whose answer was lost."""
    wrong: list[str] = field(default_factory=list)
    """Any other answer."""


class Installer:
    """Signs up, registers charge points and starts runs, through outages."""

    def __init__(self, api_url: str) -> None:
        self._http = httpx.AsyncClient(
            base_url=f"{api_url}/api/v1", trust_env=False, timeout=_ANSWER_SECONDS
        )
        self.answers = Answers()

    async def __aenter__(self) -> Self:
        """Sign up and log in."""
        account = {"email": "installer@acme.example", "password": _PASSWORD}
        await self._post("/installer/signup", name="Acme", company="Acme Ltd", **account)
        token = (await self._post("/installer/login", **account))["token"]
        self._http.headers["Authorization"] = f"Bearer {token}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def project(self) -> str:
        """Create a project, and return its id."""
        fields = {"name": "Chaos", "address": "1 Storm Way, Bristol"}
        owner = "owner@site.example"
        return str(
            (await self._post("/installer/projects", site_owner_email=owner, **fields))["id"]
        )

    async def charge_point(self, project_id: str, serial: str, vendor: str, model: str) -> str:
        """Register a charge point, and return its id."""
        answer = await self._post(
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
            try:
                answer = await self._http.post(path)
            except httpx.TransportError:
                self.answers.away += 1
                await asyncio.sleep(_PAUSE)
                continue
            body: dict[str, Any] = answer.json() if answer.content else {}
            if answer.status_code == httpx.codes.ACCEPTED:
                run = str(body["commissioning_id"])
                self.answers.acknowledged[run] = charge_point_id
                return run
            if answer.status_code == httpx.codes.CONFLICT and "commissioning_id" in body:
                self.answers.open += 1
                return str(body["commissioning_id"])
            if answer.status_code in _AWAY:
                self.answers.away += 1
            else:
                self.answers.wrong.append(f"{answer.status_code} {answer.text[:200]}")
            await asyncio.sleep(_PAUSE)

    async def reads(self, path: str) -> bool:
        """Read once; whether that was answered as it should be."""
        try:
            answer = await self._http.get(path)
        except httpx.TransportError:
            return False
        return answer.status_code == httpx.codes.OK

    async def _post(self, path: str, **body: Any) -> dict[str, Any]:
        """Post before the chaos."""
        answer = await self._http.post(path, json=body)
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
        result: dict[str, Any] = answer.json()
        return result


def shares(runs: int, chargers: int) -> Iterator[int]:
    """Give each charge point its number of runs."""
    for charger in range(chargers):
        yield runs // chargers + (charger < runs % chargers)
