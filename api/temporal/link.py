"""The API's connection to Temporal: made when first needed, missed without a crash."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import structlog
from temporalio.client import Client, RPCTimeoutOrCancelledError
from temporalio.service import RPCError, RPCStatusCode

from domain.errors import UnavailableError
from storage.outages import Outage
from temporal.client import RPC_TIMEOUT

# A workflow that answers needs a worker, an activity and perhaps a charger on a mobile network.
ANSWER_TIMEOUT: Final = timedelta(seconds=25)
_HEALTH_TIMEOUT: Final = timedelta(seconds=2)
_BELIEVED: Final = 2.0  # seconds that a good answer counts
_DISBELIEVED: Final = 0.5  # seconds that a bad one does: callers queue up behind one probe

# Not "Temporal is away" but an answer about a workflow; the caller knows what it means.
_ANSWERS: Final = {
    RPCStatusCode.NOT_FOUND,
    RPCStatusCode.ALREADY_EXISTS,
    RPCStatusCode.FAILED_PRECONDITION,
}
# The server is there; whoever should have answered is not.
_SILENCE: Final = {RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED}
_log = structlog.get_logger()


def temporal_away() -> UnavailableError:
    """Make the 503 of an absent Temporal."""
    return UnavailableError(
        "temporal_unavailable",
        "The workflow engine is away for the moment; nothing was changed. Try again shortly.",
    )


def no_answer() -> UnavailableError:
    """Make the 503 of a workflow, or a worker, that did not answer in time."""
    return UnavailableError(
        "no_answer",
        "No answer came in time. It may still happen: look at the present state, then try again.",
    )


class TemporalLink:
    """A client that connects when it is first needed, and a cached answer to "are you there?"."""

    def __init__(self, connect: Callable[[], Awaitable[Client]]) -> None:
        self._connect = connect
        self._client: Client | None = None
        self._lock = asyncio.Lock()
        self._checked_until = 0.0
        self._healthy = False
        self._outage = Outage("temporal_away", log=_log)

    @asynccontextmanager
    async def client(self, *, within: timedelta = RPC_TIMEOUT) -> AsyncIterator[Client]:
        """Give the client for a call or a few; whatever shows that Temporal is away is a 503.

        Raises:
            UnavailableError: ``temporal_unavailable``; ``no_answer`` when ``within`` has passed.
            RPCError: An answer about a workflow: not found, already exists, closed.

        """
        limit = asyncio.timeout(within.total_seconds())
        try:
            async with limit:
                yield await self._connected()
            self._outage.over()
        except RPCError as error:
            if error.status in _ANSWERS:
                raise
            self._outage.failed(error, status=error.status.name)
            raise (no_answer() if error.status in _SILENCE else temporal_away()) from error
        except (TimeoutError, RPCTimeoutOrCancelledError) as error:
            cause = error.__cause__
            if isinstance(cause, asyncio.CancelledError) and not limit.expired():
                # The SDK hides a cancellation of an update's call, and this one is not the limit's:
                # the caller has hung up, or the process ends.
                raise cause from None
            _log.warning("temporal_call_timed_out", seconds=within.total_seconds())
            raise no_answer() from error

    async def check(self) -> None:
        """Make sure that Temporal is there, at little cost.

        Raises:
            UnavailableError: It is not.

        """
        async with self._lock:
            if time.monotonic() >= self._checked_until:
                self._healthy = await self._probe()
                self._checked_until = time.monotonic() + (
                    _BELIEVED if self._healthy else _DISBELIEVED
                )
        if not self._healthy:
            raise temporal_away()

    async def _probe(self) -> bool:
        try:
            async with self.client(within=_HEALTH_TIMEOUT) as client:
                return await client.service_client.check_health(timeout=_HEALTH_TIMEOUT)
        except (UnavailableError, RPCError):
            return False

    async def _connected(self) -> Client:
        if self._client is None:
            try:
                self._client = await self._connect()
            except RuntimeError as error:  # the SDK's word for "cannot connect"
                self._outage.failed(error)
                raise temporal_away() from error
        return self._client


class PrecededLink(TemporalLink):
    """The same client, before each use of which something is done."""

    def __init__(self, link: TemporalLink, before: Callable[[], Awaitable[None]]) -> None:
        self._link = link
        self._before = before

    @asynccontextmanager
    async def client(self, *, within: timedelta = RPC_TIMEOUT) -> AsyncIterator[Client]:
        """Do what comes before, then give the client."""
        await self._before()
        async with self._link.client(within=within) as client:
            yield client

    async def check(self) -> None:
        """Make sure that Temporal is there; nothing has to come before that."""
        await self._link.check()
