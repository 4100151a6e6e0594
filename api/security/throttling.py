"""Throttling of attempts, per account and per address, shared by all API processes."""

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Final

from api.protocol.limits import LimitStanding, forget, tell
from domain.errors import TooManyRequestsError
from storage.engine import Database
from storage.sessions import Throttles


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """At most ``attempts`` in ``window`` for each subject (an account, an address).

    ``instead``: what one that is refused can do at once, as the end of the sentence that says so.
    """

    name: str
    attempts: int
    window: timedelta
    instead: str = ""


_BY_MAIL: Final = (
    ", or have the way to a new password mailed to you: POST …/password-resets, or the page "
    "/password-resets"
)


# An account is throttled harder from one address than in all, so that a stranger who guesses
# passwords does not lock its owner out at once.
LOGIN_ACCOUNT_FROM_ADDRESS = Limit(
    name="login-account-address",
    attempts=10,
    window=timedelta(minutes=15),
    instead=_BY_MAIL,
)
LOGIN_ACCOUNT = Limit(
    name="login-account", attempts=50, window=timedelta(minutes=15), instead=_BY_MAIL
)
# A device that has signed in to the account before is counted by itself, and by nothing else: what
# strangers do, be it from the same address, never holds it up.
LOGIN_DEVICE = Limit(
    name="login-device", attempts=10, window=timedelta(minutes=15), instead=_BY_MAIL
)
PASSWORD_SESSION = Limit(name="password-session", attempts=10, window=timedelta(minutes=15))
# Each is told by a mail, to an address that may be a stranger's to the account.
PASSWORD_CHANGES = Limit(name="password-changes", attempts=5, window=timedelta(hours=1))
LOGIN_ADDRESS = Limit(
    name="login-address", attempts=200, window=timedelta(minutes=15), instead=_BY_MAIL
)
SIGNUP_ADDRESS = Limit(name="signup-address", attempts=100, window=timedelta(hours=1))
SIGNUP_ACCOUNT = Limit(name="signup-account", attempts=10, window=timedelta(hours=1))
RESET_ADDRESS = Limit(name="reset-address", attempts=30, window=timedelta(hours=1))
# Not longer than a code is good: one that exceeds it has a code in the mail.
RESET_EMAIL = Limit(name="reset-email", attempts=3, window=timedelta(hours=1))
# What is left to each e-mail where a neighbour has used up what their address has.
RESET_CROWDED = Limit(name="reset-crowded", attempts=1, window=timedelta(hours=1))
# By e-mail, and not by account: an account can be deleted and made again.
VERIFICATION_EMAIL = Limit(name="verification-email", attempts=5, window=timedelta(hours=1))
CODE_ADDRESS = Limit(name="code-address", attempts=100, window=timedelta(hours=1))
# Only wrong tokens count: nobody holds up the holder of a right one.
ACCEPT_ADDRESS = Limit(name="accept-address", attempts=100, window=timedelta(hours=1))
ISSUE_SUBJECT = Limit(name="issue-subject", attempts=60, window=timedelta(hours=1))
INVITE_PROJECT = Limit(name="invite-project", attempts=10, window=timedelta(hours=1))

WEBHOOK_ACCOUNT = Limit(name="webhook-account", attempts=100, window=timedelta(hours=1))


_BUCKET_DIGITS = 5
"""Hexadecimal: a limit has at most 2^20 counters, whatever a flood makes up for subjects. Two
subjects that share one, by chance and under a key that nobody knows, share its attempts."""


class Throttle:
    """Counts attempts by HMACs of their subjects, and has the answer tell what is left."""

    def __init__(
        self,
        database: Database,
        key: bytes,
        *,
        before: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._database = database
        self._key = key
        self._before = before

    def after(self, before: Callable[[], Awaitable[None]]) -> "Throttle":
        """Return the same throttle with something to be done before each count."""
        return Throttle(self._database, self._key, before=before)

    async def attempt(self, *attempts: tuple[Limit, str]) -> None:
        """Count an attempt under each limit, or under none where one of them refuses it.

        So a refused attempt takes nothing from others that share another limit with it.

        Raises:
            TooManyRequestsError: One of them is exceeded; ``retry_after`` says for how long.

        """
        if self._before is not None:
            await self._before()
        now = datetime.now(UTC)
        met = []
        async with self._database.write() as connection:
            throttles = Throttles(connection)
            await throttles.purge(now)
            counted = await connection.begin_nested()
            for limit, subject in attempts:
                count, ends_at = await throttles.hit(
                    self._digest(limit, subject), window=limit.window, now=now
                )
                met.append((limit, count, max(1, ceil((ends_at - now).total_seconds()))))
            refusing = [(limit, reset) for limit, count, reset in met if count > limit.attempts]
            if refusing:
                await counted.rollback()
        for limit, count, reset in met:
            left = limit.attempts - count + bool(refusing)
            tell(
                LimitStanding(
                    policy=limit.name,
                    quota=limit.attempts,
                    window=limit.window,
                    remaining=max(0, left),
                    reset=reset,
                )
            )
        if refusing:
            limit, longest = max(refusing, key=lambda one: one[1])
            wait = f"{longest} s{limit.instead}"
            raise TooManyRequestsError(
                "too_many_attempts",
                f"Too many attempts. Try again in {wait}.",
                retry_after=longest,
            )

    async def succeeded(
        self,
        attempts: Sequence[tuple[Limit, str]],
        *,
        alone: Sequence[tuple[Limit, str]] = (),
    ) -> None:
        """Forget what was counted for these subjects; of those of ``alone`` this attempt alone."""
        forget([limit.name for limit, _ in (*attempts, *alone)])
        if self._before is not None:
            await self._before()
        async with self._database.write() as connection:
            for limit, subject in attempts:
                await Throttles(connection).clear(self._digest(limit, subject))
            for limit, subject in alone:
                await Throttles(connection).give_back(self._digest(limit, subject))

    def _digest(self, limit: Limit, subject: str) -> str:
        digest = hmac.new(self._key, f"{limit.name}:{subject}".encode(), hashlib.sha256)
        return f"{limit.name}:{digest.hexdigest()[:_BUCKET_DIGITS]}"
