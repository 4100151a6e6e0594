"""How much of a limit is left, told in headers: RateLimit-* of the IETF's drafts.

``RateLimit-Policy`` and ``RateLimit`` are those of draft-ietf-httpapi-ratelimit-headers-10 and name
every limit that was looked at. ``RateLimit-Limit``, ``-Remaining`` and ``-Reset`` are those of the
drafts before, which most clients know; they name the limit that has the least left.
"""

from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta

from domain.errors import TooManyRequestsError


@dataclass(frozen=True, kw_only=True, slots=True)
class LimitStanding:
    """How a limit stands: ``remaining`` of ``quota`` until ``reset`` seconds from now.

    ``window``: the time that the quota is for; None where it is of what is open at a time.
    """

    policy: str
    quota: int
    window: timedelta | None
    remaining: int
    reset: int


_standings: ContextVar[list[LimitStanding] | None] = ContextVar("standings", default=None)


def follow() -> list[LimitStanding]:
    """Collect the limits that the present request meets."""
    standings: list[LimitStanding] = []
    _standings.set(standings)
    return standings


def tell(standing: LimitStanding) -> None:
    """Have the answer tell how a limit stands; outside of a request nothing happens."""
    standings = _standings.get()
    if standings is not None:
        standings.append(standing)


class TooManyAtOnceError(TooManyRequestsError):
    """As many are open as may be: ``policy`` names the limit, ``quota`` is how many it lets."""

    def __init__(
        self, code: str, detail: str, *, policy: str, quota: int, retry_after: int
    ) -> None:
        super().__init__(code, detail, retry_after=retry_after)
        self.standing = LimitStanding(
            policy=policy, quota=quota, window=None, remaining=0, reset=retry_after
        )


def forget(policies: Sequence[str]) -> None:
    """Have the answer say nothing of limits that were met, and cleared since."""
    standings = _standings.get()
    if standings is not None:
        standings[:] = [one for one in standings if one.policy not in policies]


def headers_of(standings: Sequence[LimitStanding]) -> dict[str, str]:
    """Compose the headers of an answer."""
    if not standings:
        return {}
    least = min(standings, key=lambda one: (one.remaining, -one.reset))
    return {
        "RateLimit-Policy": ", ".join(_policy(one) for one in standings),
        "RateLimit": ", ".join(
            f'"{one.policy}";r={one.remaining};t={one.reset}' for one in standings
        ),
        "RateLimit-Limit": str(least.quota),
        "RateLimit-Remaining": str(least.remaining),
        "RateLimit-Reset": str(least.reset),
    }


def _policy(one: LimitStanding) -> str:
    if one.window is None:
        return f'"{one.policy}";q={one.quota};qu="concurrent-requests"'
    return f'"{one.policy}";q={one.quota};w={int(one.window.total_seconds())}'
