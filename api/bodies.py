"""Reads the body of a request within bounds of its size, its time, and all bodies at once."""

import asyncio
from contextlib import AsyncExitStack
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Receive, Scope

from api.fair_queue import FairQueue, QueueTimeoutError, TooManyHereError
from api.protocol.limits import TooManyAtOnceError
from domain.errors import EngineError, UnavailableError

_KIB: Final = 1024
_MIB: Final = 1024 * _KIB
SMALL: Final = 64 * _KIB
"""Bytes that anybody may send at any time. For more one needs an account and a turn."""
MAX_BODY: Final = _MIB
"""Bytes of a request body."""
MAX_FILE: Final = 12 * _MIB
"""Bytes of an imported file."""
MAX_PHOTO: Final = 8 * _MIB
"""Bytes of a photo."""
MIDDLE_AT_ONCE: Final = 32
"""Bodies of up to MAX_BODY that are in memory at a time, small ones aside; of an account 4."""
LARGE_AT_ONCE: Final = 8
"""Those above, of an account 2. The next ones are read after them."""
_OF_AN_ACCOUNT: Final = 40
_PATIENCE: Final = 60.0
_SECONDS: Final = 30.0
"""For a body; as long again while it comes on by SMALL in it, and nobody waits for its place."""
_LATER: Final = 30
_SOON: Final = 5


class BodyTooLargeError(EngineError):
    """The request's body is too large."""

    status = 413
    title = "Body too large"


class BodyTooSlowError(EngineError):
    """The request's body did not arrive in time."""

    status = 408
    title = "Body too slow"


class Bodies:
    """Reads the bodies of requests, so many at a time, accounts in turns."""

    def __init__(self) -> None:
        self._middle = FairQueue(
            at_once=MIDDLE_AT_ONCE, each=4, of_an_account=_OF_AN_ACCOUNT, patience=_PATIENCE
        )
        self._large = FairQueue(
            at_once=LARGE_AT_ONCE, each=2, of_an_account=_OF_AN_ACCOUNT, patience=_PATIENCE
        )

    async def read(self, scope: Scope, receive: Receive, held: AsyncExitStack) -> bytes | None:
        """Read a body, or None when the client went away. Its place is ``held``.

        Raises:
            BodyTooLargeError: ``body_too_large``.
            BodyTooSlowError: ``body_too_slow``.
            UnauthorizedError: Its token is not valid.
            TooManyAtOnceError: ``too_many_bodies``.
            UnavailableError: ``bodies_busy``.

        """
        headers = Headers(scope=scope)
        limit = _limit(scope)
        declared = headers.get("content-length", "")
        size = int(declared[:20]) if declared.isdecimal() else None
        if size is not None and size > limit:
            raise _too_large(limit)
        queue = self._middle if size is not None and size <= MAX_BODY else self._large
        reading = _Reading(receive, limit)
        if (size is None or size <= SMALL) and await reading.read(SMALL, queue):
            return reading.body
        await self._wait_in(queue, _account_of(scope, headers), held)
        await reading.read(limit, queue)
        return reading.body

    async def _wait_in(self, queue: FairQueue, account_id: str, held: AsyncExitStack) -> None:
        try:
            await held.enter_async_context(queue.of(account_id))
        except TooManyHereError as error:
            raise TooManyAtOnceError(
                "too_many_bodies",
                f"Your account sends {_OF_AN_ACCOUNT} files at the same time. Send the next when "
                "one of them is done.",
                policy="bodies",
                quota=_OF_AN_ACCOUNT,
                retry_after=_SOON,
            ) from error
        except QueueTimeoutError as error:
            raise UnavailableError(
                "bodies_busy",
                "Too many files are being sent right now. Send it again in a minute.",
                retry_after=_LATER,
            ) from error


class _Reading:
    """One body on its way."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        self._chunks: list[bytes] = []
        self._size = 0
        self._is_whole = False
        self._has_left = False

    @property
    def body(self) -> bytes | None:
        """Return what has come; None: the client went away."""
        return None if self._has_left else b"".join(self._chunks)

    async def read(self, enough: int, queue: FairQueue) -> bool:
        """Read until it is whole, or more than enough; tells whether it has ended."""
        before = self._size
        while not self._ended and self._size <= enough:
            try:
                async with asyncio.timeout(_SECONDS):
                    while not self._ended and self._size <= enough:
                        await self._next()
            except TimeoutError as error:
                if queue.is_crowded or self._size - before < SMALL:
                    raise BodyTooSlowError(
                        "body_too_slow", "The body did not arrive in time."
                    ) from error
                before = self._size  # a slow link: it goes on, as long as that harms nobody
        return self._ended

    @property
    def _ended(self) -> bool:
        return self._is_whole or self._has_left

    async def _next(self) -> None:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self._has_left = True
            return
        chunk = message.get("body", b"")
        self._size += len(chunk)
        if self._size > self._limit:
            raise _too_large(self._limit)
        self._chunks.append(chunk)
        self._is_whole = not message.get("more_body", False)


def _account_of(scope: Scope, headers: Headers) -> str:
    """Return whose token came with the request; whether it is revoked is checked later."""
    kind, _, token = headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer":
        raise BodyTooLargeError(
            "body_too_large",
            f"The body is larger than {SMALL // _KIB} KiB. More is taken with a token only, in the "
            "header Authorization: Bearer <token>.",
        )
    account_id: str = scope["app"].state.parts.tokens.read(token.strip()).account_id
    return account_id


def _limit(scope: Scope) -> int:
    path: str = scope["path"]
    if path.endswith("/charge-points/import"):
        return MAX_FILE
    return MAX_PHOTO if path.endswith("/photos") else MAX_BODY


def _too_large(limit: int) -> BodyTooLargeError:
    return BodyTooLargeError("body_too_large", f"The body is larger than {limit // _MIB} MiB.")
