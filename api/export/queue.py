"""A queue of exports: each holds a page of rows for as long as it is read."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from api.fair_queue import FairQueue, QueueTimeoutError, TooManyHereError
from api.protocol.connection import GIVE_UP
from api.protocol.limits import TooManyAtOnceError
from domain.errors import UnavailableError
from domain.proxies import source_network

AT_ONCE: Final = 32
_OF_AN_ACCOUNT: Final = 1
_PATIENCE: Final = 10.0
_UNDISTURBED: Final = 60.0
_SOON, _LATER = 10, 60


class GivenUpError(Exception):
    """Others wait, and its network has more exports than any other."""


class Exports(FairQueue):
    """One of an account at a time, and so many of all: fifty rows of 60 KB are 3 MB for each.

    Accounts cost nothing, and an export may be read slowly for hours. So where others wait and
    there is no room, the oldest of the network that has most of them is given up, once it has had
    ``undisturbed`` seconds.
    """

    def __init__(
        self,
        *,
        at_once: int = AT_ONCE,
        patience: float = _PATIENCE,
        undisturbed: float = _UNDISTURBED,
    ) -> None:
        super().__init__(at_once=at_once, of_an_account=_OF_AN_ACCOUNT, patience=patience)
        self._half = patience / 2
        self._undisturbed = undisturbed
        self._read_by: dict[asyncio.Timeout, tuple[str, float]] = {}
        """The network of each, and since when; the oldest first."""

    @asynccontextmanager
    async def read(self, account_id: str, network: str) -> AsyncIterator[None]:
        """Wait for a turn, and have it.

        Raises:
            TooManyHereError, QueueTimeoutError: As in :meth:`of`.
            GivenUpError: The turn was over before the export was.

        """
        loop = asyncio.get_running_loop()
        waited = loop.call_later(self._half, self._make_room)
        try:
            async with self.of(account_id):
                waited.cancel()
                try:
                    async with asyncio.timeout(None) as turn:
                        self._read_by[turn] = network, loop.time()
                        yield
                except TimeoutError as error:
                    if not turn.expired():
                        raise
                    raise GivenUpError from error
                finally:
                    self._read_by.pop(turn, None)
        finally:
            waited.cancel()

    def _make_room(self) -> None:
        """Give up one export if somebody waits."""
        now = asyncio.get_running_loop().time()
        networks = Counter(network for network, _ in self._read_by.values())
        for turn, (network, since) in self._read_by.items():
            if networks[network] == max(networks.values()):  # its oldest
                if self.is_crowded and networks[network] > 1 and now - since >= self._undisturbed:
                    del self._read_by[turn]
                    turn.reschedule(now)
                return


class ExportResponse(StreamingResponse):
    """Sends the lines of an export in the account's turn.

    Raises, before anything is sent:
        TooManyAtOnceError: ``export_goes_on``.
        UnavailableError: ``exports_busy``.

    """

    def __init__(
        self,
        lines: AsyncIterator[bytes],
        *,
        exports: Exports,
        account_id: str,
        media_type: str,
        headers: Mapping[str, str],
    ) -> None:
        super().__init__(lines, media_type=media_type, headers=headers)
        self._exports = exports
        self._account_id = account_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait for the turn, and send; what is given up ends without its last line."""
        client = scope.get("client")
        network = source_network(client[0]) if client else ""
        try:
            async with AsyncExitStack() as held:
                if await self._waited(held, network, receive):
                    await super().__call__(scope, receive, send)
        except GivenUpError:
            await self._end(scope, receive)
        except TooManyHereError as error:
            raise TooManyAtOnceError(
                "export_goes_on",
                "An export of your account is being read. Take the next one when that is done.",
                policy="exports",
                quota=_OF_AN_ACCOUNT,
                retry_after=_SOON,
            ) from error
        except QueueTimeoutError as error:
            raise UnavailableError(
                "exports_busy",
                "Too many exports are being read. Ask again in a minute.",
                retry_after=_LATER,
            ) from error

    async def _end(self, scope: Scope, receive: Receive) -> None:
        """End the connection of an export that is given up, and await its end."""
        end = scope.get("extensions", {}).get(GIVE_UP)
        if end is not None:
            end()
            await self.listen_for_disconnect(receive)

    async def _waited(self, held: AsyncExitStack, network: str, receive: Receive) -> bool:
        """Wait for the turn for as long as its client is there: the account may ask anew."""
        loop = asyncio.get_running_loop()
        leaves = asyncio.create_task(self.listen_for_disconnect(receive))
        try:
            async with asyncio.timeout(None) as waits:

                def gone(_: asyncio.Task[None]) -> None:
                    waits.reschedule(loop.time())

                leaves.add_done_callback(gone)
                try:
                    await held.enter_async_context(self._exports.read(self._account_id, network))
                finally:
                    leaves.remove_done_callback(gone)
        except TimeoutError:
            if not waits.expired():
                raise
            return False
        finally:
            leaves.cancel()
        return True
