"""Handshakes that are answered a while later: of a source that is refused, or comes, too often."""

import asyncio
from typing import Final

from domain.proxies import source_network
from ocpp_server.crowd import Crowd

PAUSING: Final = 256
"""Each is a file and a handshake's memory; the acceptor counts none of them."""


class Pauses:
    """Bounds how many wait: of one too many, the oldest of the largest source waits no more."""

    def __init__(self) -> None:
        self._waiting: Crowd[asyncio.Future[None]] = Crowd(PAUSING)
        self._are_over = False

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    async def wait(self, seconds: float, source: str | None) -> bool:
        """Wait so many seconds; False when it is cut short."""
        if self._are_over:
            return False
        cut = asyncio.get_running_loop().create_future()
        too_many = self._waiting.add(cut, source_network(source or ""))
        if too_many is not None:
            too_many.set_result(None)
        try:
            await asyncio.wait({cut}, timeout=seconds)
        finally:
            self._waiting.remove(cut)
        return not cut.done()

    def end(self) -> None:
        """Cut all short, and those to come."""
        self._are_over = True
        for cut in list(self._waiting):
            self._waiting.remove(cut)
            cut.set_result(None)
