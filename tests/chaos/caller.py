"""One who asks the API, and goes on asking while it is away."""

import asyncio
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx

from tests.support.plain import PLAIN

_PASSWORD = "correct horse battery staple"
_PAUSE = 0.5
_ANSWER_SECONDS = 20.0
_AWAY = {httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.TOO_MANY_REQUESTS}


@dataclass(kw_only=True)
class Answers:
    """What was answered."""

    acknowledged: dict[str, str] = field(default_factory=dict)
    """Charge point of each run that was acknowledged with 202."""
    away: int = 0
    """503, and connections that broke; each was tried again."""
    open: int = 0
    """409: a run was open, of a start whose answer was lost."""
    wrong: list[str] = field(default_factory=list)
    """Any other answer."""


class Caller:
    """A person with an account."""

    def __init__(self, api_url: str) -> None:
        self._http = httpx.AsyncClient(
            verify=PLAIN, base_url=f"{api_url}/api/v1", trust_env=False, timeout=_ANSWER_SECONDS
        )
        self.answers = Answers()

    async def __aenter__(self) -> Self:
        """Begin."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def calm(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        """Ask before the chaos, when each request is served."""
        answer = await self._http.request(method, path, json=body)
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
        result: dict[str, Any] = answer.json()
        return result

    async def insist(self, method: str, path: str, **body: Any) -> httpx.Response:
        """Ask until the API is there to answer."""
        while True:
            try:
                answer = await self._http.request(method, path, json=body or None)
            except httpx.TransportError:
                self.answers.away += 1
            else:
                if answer.status_code not in _AWAY:
                    return answer
                self.answers.away += 1
            await asyncio.sleep(_PAUSE)

    async def reads(self, path: str) -> bool:
        """Read once; whether that was answered as it should be."""
        try:
            answer = await self._http.get(path)
        except httpx.TransportError:
            return False
        return answer.status_code == httpx.codes.OK

    async def ask(self, method: str, path: str, body: object = None) -> httpx.Response:
        """Ask once; raise httpx.TransportError when there is no answer."""
        return await self._http.request(method, path, json=body)

    @property
    def token(self) -> str:
        """The login, as it is sent."""
        return self._http.headers["Authorization"].removeprefix("Bearer ")

    def note_wrong(self, answer: httpx.Response) -> None:
        """Remember an answer that makes no sense."""
        self.answers.wrong.append(f"{answer.status_code} {answer.text[:200]}")

    async def log_in(self, role: str, email: str) -> None:
        """Log in, before the chaos."""
        path = f"/{role}/login"
        token = (await self.calm("POST", path, email=email, password=_PASSWORD))["token"]
        self._http.headers["Authorization"] = f"Bearer {token}"

    async def sign_up(self, path: str, **fields: Any) -> None:
        """Make an account, before the chaos."""
        await self.calm("POST", path, password=_PASSWORD, **fields)
