"""Who is next: accounts in turns, however much each of them wants."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from domain.errors import TooManyRequestsError, UnavailableError


@dataclass(slots=True)
class _Of:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    present: int = 0


class Turns:
    """``at_once`` at a time, of an account one; the next of it goes to the end of the queue."""

    def __init__(self, *, at_once: int, of_an_account: int, patience: float) -> None:
        """``of_an_account``: how many of it may be here; ``patience``: seconds until a turn."""
        self._room = asyncio.Semaphore(at_once)
        self._of_an_account = of_an_account
        self._patience = patience
        self._accounts: dict[str, _Of] = {}

    @asynccontextmanager
    async def of(self, account_id: str) -> AsyncIterator[None]:
        """Wait for a turn, and have it.

        Raises:
            TooManyRequestsError: ``too_many_pictures``: the account has as many waiting.
            UnavailableError: ``pictures_busy``: it took too long.

        """
        account = self._accounts.setdefault(account_id, _Of())
        if account.present >= self._of_an_account:
            raise TooManyRequestsError(
                "too_many_pictures",
                f"Your account has {self._of_an_account} pictures waiting to be read. Send the "
                "next when one of them is done.",
                retry_after=_SOON,
            )
        account.present += 1
        try:
            async with account.lock:
                await self._wait()
                try:
                    yield
                finally:
                    self._room.release()
        finally:
            account.present -= 1
            if not account.present:
                del self._accounts[account_id]

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await self._room.acquire()
        except TimeoutError as error:
            raise UnavailableError(
                "pictures_busy",
                "Too many pictures are being read. Send it again in a minute.",
                retry_after=_LATER,
            ) from error


_SOON, _LATER = 3, 60
