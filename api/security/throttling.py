"""Throttling of attempts, per account and per address, shared by all API processes."""

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, ip_address, ip_network
from math import ceil

from api.protocol.limits import Standing, forget, tell
from domain.errors import TooManyRequestsError
from storage.engine import Database
from storage.sessions import Throttles


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """At most ``attempts`` in ``window`` for each subject (an account, an address)."""

    name: str
    attempts: int
    window: timedelta


# An account is throttled harder from one address than in all, so that a stranger who guesses
# passwords does not lock its owner out at once.
LOGIN_ACCOUNT_FROM_ADDRESS = Limit(
    name="login-account-address", attempts=10, window=timedelta(minutes=15)
)
LOGIN_ACCOUNT = Limit(name="login-account", attempts=50, window=timedelta(minutes=15))
# A device that has signed in to the account before is counted by itself, and by nothing else: what
# strangers do, be it from the same address, never holds it up.
LOGIN_DEVICE = Limit(name="login-device", attempts=10, window=timedelta(minutes=15))
PASSWORD_SESSION = Limit(name="password-session", attempts=10, window=timedelta(minutes=15))
LOGIN_ADDRESS = Limit(name="login-address", attempts=200, window=timedelta(minutes=15))
SIGNUP_ADDRESS = Limit(name="signup-address", attempts=100, window=timedelta(hours=1))
SIGNUP_ACCOUNT = Limit(name="signup-account", attempts=10, window=timedelta(hours=1))
RESET_ADDRESS = Limit(name="reset-address", attempts=30, window=timedelta(hours=1))
RESET_DEVICE = Limit(name="reset-device", attempts=10, window=timedelta(hours=1))
# Not longer than a code is good: whoever is past it has one in the mail.
RESET_EMAIL = Limit(name="reset-email", attempts=3, window=timedelta(hours=1))
VERIFICATION_ACCOUNT = Limit(name="verification-account", attempts=5, window=timedelta(hours=1))
CODE_ADDRESS = Limit(name="code-address", attempts=100, window=timedelta(hours=1))
# Of wrong tokens alone: whoever holds a right one is held up by nobody.
ACCEPT_ADDRESS = Limit(name="accept-address", attempts=100, window=timedelta(hours=1))
ISSUE_SUBJECT = Limit(name="issue-subject", attempts=60, window=timedelta(hours=1))
INVITE_PROJECT = Limit(name="invite-project", attempts=10, window=timedelta(hours=1))

WEBHOOK_ACCOUNT = Limit(name="webhook-account", attempts=100, window=timedelta(hours=1))


_BUCKET_DIGITS = 5
"""Hexadecimal: a limit has at most 2^20 counters, whatever a flood makes up for subjects. Two
subjects that share one, by chance and under a key that nobody knows, share its attempts."""
_NETWORK_BITS = 64


def network_of(address: str) -> str:
    """Name what one household or firm has: an IPv4 address, or a /64 of IPv6 (RFC 6177)."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, IPv4Address):
        return address
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ip_network((ip, _NETWORK_BITS), strict=False))


class Throttle:
    """Counts attempts, and has the answer tell what is left.

    The subjects are stored as parts of HMACs, not in clear.
    """

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
        """The same, but that something is done before each count."""
        return Throttle(self._database, self._key, before=before)

    async def attempt(self, *attempts: tuple[Limit, str]) -> None:
        """Count an attempt under each limit.

        Raises:
            TooManyRequestsError: One of them is exceeded; ``retry_after`` says for how long.

        """
        if self._before is not None:
            await self._before()
        now = datetime.now(UTC)
        waits = []
        async with self._database.write() as connection:
            throttles = Throttles(connection)
            await throttles.purge(now)
            for limit, subject in attempts:
                count, ends_at = await throttles.hit(
                    self._digest(limit, subject), window=limit.window, now=now
                )
                reset = max(1, ceil((ends_at - now).total_seconds()))
                tell(
                    Standing(
                        policy=limit.name,
                        quota=limit.attempts,
                        window=limit.window,
                        remaining=max(0, limit.attempts - count),
                        reset=reset,
                    )
                )
                if count > limit.attempts:
                    waits.append(reset)
        if waits:
            longest = max(waits)
            raise TooManyRequestsError(
                "too_many_attempts",
                f"Too many attempts. Try again in {longest} s.",
                retry_after=longest,
            )

    async def succeeded(self, attempts: Sequence[tuple[Limit, str]]) -> None:
        """Forget what was counted for these subjects."""
        forget([limit.name for limit, _ in attempts])
        if self._before is not None:
            await self._before()
        async with self._database.write() as connection:
            for limit, subject in attempts:
                await Throttles(connection).clear(self._digest(limit, subject))

    def _digest(self, limit: Limit, subject: str) -> str:
        digest = hmac.new(self._key, f"{limit.name}:{subject}".encode(), hashlib.sha256)
        return f"{limit.name}:{digest.hexdigest()[:_BUCKET_DIGITS]}"
