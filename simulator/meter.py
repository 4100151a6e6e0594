"""The energy meter of one connector: a register that is the integral of power over time."""

from collections.abc import Callable

SECONDS_PER_HOUR = 3600.0


class Meter:
    """Integrates power, in W, over the seconds of `clock` into a register, in Wh."""

    def __init__(self, register_wh: float, clock: Callable[[], float]) -> None:
        self._register_wh = register_wh
        self._clock = clock
        self._power_w = 0.0
        self._since = clock()

    @property
    def power_w(self) -> float:
        """Power that flows now."""
        return self._power_w

    @power_w.setter
    def power_w(self, power_w: float) -> None:
        self._register_wh = self.register_wh
        self._since = self._clock()
        self._power_w = power_w

    @property
    def register_wh(self) -> float:
        """Energy ever imported."""
        # A clock that is set back must not turn the register back.
        elapsed = max(self._clock() - self._since, 0.0)
        return self._register_wh + self._power_w * elapsed / SECONDS_PER_HOUR
