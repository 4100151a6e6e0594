"""Passwords: Argon2id in a few threads of its own, the same work for an unknown account."""

import asyncio
import os
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from api.fair_queue import FairQueue, QueueTimeoutError, TooManyHereError
from domain.errors import UnavailableError

T = TypeVar("T")

MIN_LENGTH = 10
MAX_LENGTH = 128
_MAX_WAITING = 64
_OF_AN_ACCOUNT = 4
_PATIENCE = 10.0


class Passwords:
    """Hashes and checks passwords off the event loop.

    Argon2id costs tens of MiB and milliseconds by design, so the number of threads and of those
    who wait is bounded: a flood of logins is refused with a 503 before it exhausts the machine.
    Who is ``known``, as an account from a device that has signed in before, or by the code of a
    mail, waits for no stranger: for them there is a thread that they have in turns. Each has a few
    passwords there, so that whoever floods it is in the way of nobody else.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        strangers = max(1, min(4, os.cpu_count() or 1) - 1)
        self._pools = {
            False: ThreadPoolExecutor(strangers, thread_name_prefix="argon2"),
            True: ThreadPoolExecutor(1, thread_name_prefix="argon2-known"),
        }
        self._waiting = 0
        self._queue = FairQueue(at_once=1, of_an_account=_OF_AN_ACCOUNT, patience=_PATIENCE)
        # It is made now: made at the first unknown account, it would slow down that one answer.
        self.nobodys = self._hasher.hash(secrets.token_hex())
        """The hash of a password that nobody knows."""

    async def hash(self, password: str, *, known: str | None = None) -> str:
        """Hash a new password."""
        return await self._run(partial(self._hasher.hash, password), known=known)

    async def verify(
        self, password_hash: str | None, password: str, *, known: str | None = None
    ) -> bool:
        """Check a password. Without a hash (unknown account) it does the same work and says no."""
        return await self._run(partial(self._verify, password_hash, password), known=known)

    def needs_rehash(self, password_hash: str) -> bool:
        """Tell whether the hash was made with weaker parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)

    def close(self) -> None:
        """Stop the threads."""
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], T], *, known: str | None) -> T:
        loop = asyncio.get_running_loop()
        if known is not None:
            try:
                async with self._queue.of(known):
                    return await loop.run_in_executor(self._pools[True], work)
            except (TooManyHereError, QueueTimeoutError) as error:
                raise _busy() from error
        if self._waiting >= _MAX_WAITING:
            raise _busy()
        self._waiting += 1
        try:
            return await loop.run_in_executor(self._pools[False], work)
        finally:
            self._waiting -= 1

    def _verify(self, password_hash: str | None, password: str) -> bool:
        with suppress(VerificationError, InvalidHashError):
            self._hasher.verify(password_hash or self.nobodys, password)
            return password_hash is not None
        return False


def _busy() -> UnavailableError:
    return UnavailableError(
        "busy", "Too many people are signing in right now. Try again in a moment."
    )
