"""The energy meter of one connector: a register that is the integral of power over time."""

from collections.abc import Callable

SECONDS_PER_HOUR = 3600.0


class Meter:
    """Integrates power, in W, over the seconds of `clock` into a register, in Wh."""

    def __init__(self, register_wh: float, clock: Callable[[], float]) -> None:
        self._register_wh = register_wh
        self._clock = clock
        self._power_w = 0.0
        self._pace = 1.0
        self._since = clock()

    @property
    def power_w(self) -> float:
        """Return the power that flows now."""
        return self._power_w

    @power_w.setter
    def power_w(self, power_w: float) -> None:
        self._accumulate()
        self._power_w = power_w

    @property
    def pace(self) -> float:
        """Return how many times too fast the register counts."""
        return self._pace

    @pace.setter
    def pace(self, pace: float) -> None:
        self._accumulate()
        self._pace = pace

    @property
    def register_wh(self) -> float:
        """Return the energy ever imported."""
        return self.register_at(self._clock())

    def register_at(self, when: float) -> float:
        """Return the register at an instant of the clock, since the power last changed."""
        # A clock that is set back must not turn the register back.
        elapsed = max(when - self._since, 0.0)
        return self._register_wh + self._power_w * self._pace * elapsed / SECONDS_PER_HOUR

    def _accumulate(self) -> None:
        now = self._clock()
        self._register_wh = self.register_at(now)
        self._since = now
