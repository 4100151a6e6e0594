"""The places of streams: who has one, and who gives one up for another."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from api.protocol.limits import TooManyAtOnceError
from domain.errors import UnavailableError

STREAMS: Final = 1000
"""Of a process."""
OF_AN_ACCOUNT: Final = 20
"""A browser holds six to one server, and one stream tells of a whole project."""
_SETTLED: Final = 10.0
"""Seconds before which a stream gives way to no other of its account: nobody opens tabs so fast."""
_RETRY: Final = 30


def _nobody() -> None:
    """Nobody listens yet."""


@dataclass(eq=False, slots=True)
class Seat:
    """The place of one stream."""

    account_id: str
    since: float
    wake: Callable[[], None] = _nobody
    """Has its stream look whether it still has the place."""
    is_lost: bool = False


class Seats:
    """The places of a process.

    The newest stream of an account is the one that somebody looks at: it takes the place of the
    oldest where the account has no more. Where nobody has any more, it takes one of the account
    with the most, so that whoever has none finds one.
    """

    def __init__(self, *, clock: Callable[[], float], streams: int, of_an_account: int) -> None:
        self._clock = clock
        self._streams = streams
        self._of_an_account = of_an_account
        self._seats: dict[str, list[Seat]] = defaultdict(list)
        """By account, the oldest first."""

    @property
    def taken(self) -> int:
        """How many there are."""
        return sum(map(len, self._seats.values()))

    def take(self, account_id: str) -> Seat:
        """Take a place.

        Raises:
            TooManyAtOnceError: ``too_many_streams``: the account has just opened all it may.
            UnavailableError: ``too_many_listeners``: others have as few, and there are no more.

        """
        now = self._clock()
        own = self._seats.get(account_id, [])
        if len(own) >= self._of_an_account:
            if not own or now - own[0].since < _SETTLED:
                self._refuse()
            self._lose(own[0])
        elif self.taken >= self._streams:
            most = max(self._seats.values(), key=len)
            if len(most) <= len(own) + 1:
                raise UnavailableError(
                    "too_many_listeners",
                    "Too many event streams are open on this server. Try again shortly, or poll "
                    "the status.",
                    retry_after=_RETRY,
                )
            self._lose(most[0])
        seat = Seat(account_id, now)
        self._seats[account_id].append(seat)
        return seat

    def leave(self, seat: Seat) -> None:
        """Give a place back."""
        if not seat.is_lost:
            self._remove(seat)

    def _lose(self, seat: Seat) -> None:
        self._remove(seat)
        seat.is_lost = True
        seat.wake()

    def _remove(self, seat: Seat) -> None:
        seats = self._seats[seat.account_id]
        seats.remove(seat)
        if not seats:
            del self._seats[seat.account_id]

    def _refuse(self) -> None:
        raise TooManyAtOnceError(
            "too_many_streams",
            f"Your account has opened {self._of_an_account} event streams within seconds, as many "
            "as it may have. Follow the project with one, or poll the status.",
            policy="event-streams",
            quota=self._of_an_account,
            retry_after=int(_SETTLED),
        )
