"""Calls webhooks by HTTP, at the addresses that the guard has looked at and nowhere else."""

import asyncio
import re
import ssl
from collections.abc import Mapping
from typing import Final

import httpx

from domain.outbound import Destination
from domain.webhooks import WebhookAnswer

_CONNECT_SECONDS: Final = 5.0
_ANSWER_SECONDS: Final = 15.0
_ADDRESSES: Final = 3
_READ: Final = 1000
_UNREADABLE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class HttpxSender:
    """Posts to a destination: one connection a call, no proxy, no redirect, a bounded answer.

    ``trust`` is what certificates are verified with, the usual authorities if None.
    """

    def __init__(self, *, trust: ssl.SSLContext | None = None) -> None:
        self._trust = trust or httpx.create_ssl_context(trust_env=False)

    async def post(
        self, destination: Destination, *, headers: Mapping[str, str], body: str
    ) -> WebhookAnswer:
        """Give the answer of the first address that can be reached.

        Raises:
            OSError: None can be, or the answer did not come in time.

        """
        try:
            async with asyncio.timeout(_ANSWER_SECONDS), self._client() as client:
                return await self._at_any(client, destination, headers, body.encode())
        except (TimeoutError, httpx.ReadTimeout, httpx.WriteTimeout):
            raise OSError(f"There was no answer within {_ANSWER_SECONDS:.0f} s.") from None
        except httpx.HTTPError as error:
            raise OSError(f"The call failed: {_readable(str(error) or repr(error))}") from None

    def _client(self) -> httpx.AsyncClient:
        # No connection is kept: one to an address that two names share was verified for one name.
        return httpx.AsyncClient(
            verify=self._trust,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(_ANSWER_SECONDS, connect=_CONNECT_SECONDS),
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    async def _at_any(
        self,
        client: httpx.AsyncClient,
        destination: Destination,
        headers: Mapping[str, str],
        body: bytes,
    ) -> WebhookAnswer:
        *first, last = destination.addresses[:_ADDRESSES]
        for address in first:
            try:
                return await self._at(client, address, destination, headers, body)
            except (httpx.ConnectError, httpx.ConnectTimeout):  # nothing was sent: the next one
                continue
        return await self._at(client, last, destination, headers, body)

    async def _at(
        self,
        client: httpx.AsyncClient,
        address: str,
        destination: Destination,
        headers: Mapping[str, str],
        body: bytes,
    ) -> WebhookAnswer:
        async with client.stream(
            "POST",
            destination.url_at(address),
            content=body,
            headers={**headers, "Host": destination.authority, "Accept-Encoding": "identity"},
            # The certificate is that of the name, though the address is called.
            extensions={"sni_hostname": destination.host},
        ) as answer:
            read = b""
            async for piece in answer.aiter_raw(_READ):
                read += piece
                if len(read) >= _READ:
                    break
            text = _readable(read[:_READ].decode(errors="replace"))
            return WebhookAnswer(status_code=answer.status_code, text=text)


def _readable(text: str) -> str:
    return _UNREADABLE.sub("\N{REPLACEMENT CHARACTER}", text)
