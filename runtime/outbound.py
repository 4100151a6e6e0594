"""The guard of outbound URLs on the system's own name resolution."""

import asyncio
import socket
from collections.abc import Sequence
from typing import Final

from domain.outbound import Outbound
from runtime.settings import Settings

_SECONDS: Final = 5.0


def outbound_from(settings: Settings) -> Outbound:
    """Make the guard that the settings ask for."""
    return Outbound(resolve, private_allowed=settings.allow_private_urls)


async def resolve(host: str, port: int) -> Sequence[str]:
    """Give all addresses of a host name, as the system has them.

    Raises:
        OSError: It has none, or the name server does not answer in time.

    """
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(_SECONDS):
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]
