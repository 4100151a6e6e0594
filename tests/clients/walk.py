"""The generated Python client in the hands of an installer and of a site owner."""

import asyncio
from dataclasses import dataclass
from typing import Any

import httpx

from tests.clients.tools import PythonClient


@dataclass(kw_only=True)
class Person:
    """Somebody who uses the client, and nothing but the client."""

    client: PythonClient
    url: str
    token: str | None = None

    async def do(self, operation_id: str, /, *path: str, **given: Any) -> Any:
        """Call an operation; the answer, as the client parsed it."""
        answer = await asyncio.to_thread(self._call, operation_id, path, given)
        assert httpx.codes.is_success(answer.status_code), (operation_id, answer.content)
        assert answer.parsed is not None or not answer.content, operation_id
        return answer.parsed

    async def bytes_of(self, operation_id: str, /, *path: str) -> bytes:
        """Call an operation whose answer is a file."""
        answer = await asyncio.to_thread(self._call, operation_id, path, {})
        assert httpx.codes.is_success(answer.status_code), answer.content
        content: bytes = answer.content
        return content

    def _call(self, operation_id: str, path: tuple[str, ...], given: dict[str, Any]) -> Any:
        with self.client.at(self.url, self.token) as client:
            return self.client.operation(operation_id).sync_detailed(*path, client=client, **given)
