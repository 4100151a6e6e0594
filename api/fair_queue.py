"""A queue that is fair to accounts: they take turns, however much each of them wants."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass


class TooManyHereError(Exception):
    """The account has as many here as it may."""


class QueueTimeoutError(Exception):
    """There was no turn in time."""


@dataclass(slots=True)
class _Of:
    places: asyncio.Semaphore
    present: int = 0


class FairQueue:
    """Lets ``at_once`` in at a time, ``each`` of an account; its next goes to the end of the queue.

    So an account that has nothing here waits for one of each other account at most.
    """

    def __init__(self, *, at_once: int, each: int = 1, of_an_account: int, patience: float) -> None:
        """``of_an_account``: how many of it may be here; ``patience``: seconds until a turn."""
        self._room = asyncio.Semaphore(at_once)
        self._each = each
        self._of_an_account = of_an_account
        self._patience = patience
        self._accounts: dict[str, _Of] = {}
        self._queue = 0

    @property
    def is_crowded(self) -> bool:
        """Whether somebody waits for the work of another to end."""
        return self._queue > 0

    @asynccontextmanager
    async def of(self, account_id: str) -> AsyncIterator[None]:
        """Wait for a turn, and have it.

        Raises:
            TooManyHereError: The account has as many here as it may.
            QueueTimeoutError: There was no turn in time.

        """
        account = self._accounts.get(account_id)
        if account is None:
            account = self._accounts[account_id] = _Of(asyncio.Semaphore(self._each))
        if account.present >= self._of_an_account:
            raise TooManyHereError
        account.present += 1
        try:
            async with AsyncExitStack() as held:
                await self._wait(account, held)
                yield
        finally:
            account.present -= 1
            if not account.present:
                del self._accounts[account_id]

    async def _wait(self, account: _Of, held: AsyncExitStack) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await held.enter_async_context(account.places)
                await self._wait_for_room(held)
        except TimeoutError as error:
            raise QueueTimeoutError from error

    async def _wait_for_room(self, held: AsyncExitStack) -> None:
        waits = self._room.locked()
        self._queue += waits
        try:
            await held.enter_async_context(self._room)
        finally:
            self._queue -= waits
