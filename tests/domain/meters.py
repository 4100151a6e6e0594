"""Charges as physics would have them, read by meters of all kinds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from domain.commissioning import MeterReading
from domain.facts import TransactionFact

EPOCH = datetime(2026, 5, 1, 9, tzinfo=UTC)
_SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, kw_only=True)
class Charge:
    """A vehicle that ramps its power up over ``ramp_s`` and holds it then."""

    power_w: float
    ramp_s: float = 0
    duration_s: float = 60
    start_wh: float = 123_456
    step_wh: float = 1

    def power_at(self, second: float) -> float:
        return self.power_w * min(second / self.ramp_s, 1) if self.ramp_s else self.power_w

    def energy_at(self, second: float) -> float:
        ramped = min(second, self.ramp_s)
        joules = self.power_at(ramped) * ramped / 2 if self.ramp_s else 0.0
        joules += self.power_w * max(second - self.ramp_s, 0)
        return joules / _SECONDS_PER_HOUR

    def register_at(self, second: float) -> float:
        exact = self.start_wh + self.energy_at(second)
        return math.floor(exact / self.step_wh + 1e-9) * self.step_wh

    def reading(self, second: float, *, power: bool = True, scale: float = 1) -> MeterReading:
        return MeterReading(
            at=EPOCH + timedelta(seconds=second),
            energy_wh=self.register_at(second) * scale,
            power_w=self.power_at(second) if power else None,
            connector_id=1,
        )

    def readings(
        self, seconds: Sequence[float], *, power: bool = True, scale: float = 1
    ) -> list[MeterReading]:
        return [self.reading(second, power=power, scale=scale) for second in seconds]

    def transaction(self, *, scale: float = 1) -> TransactionFact:
        return transaction(
            meter_start=int(self.register_at(0) * scale),
            meter_stop=int(self.register_at(self.duration_s) * scale),
            duration_s=self.duration_s,
        )


def transaction(
    *, meter_start: int, meter_stop: int | None, duration_s: float = 60
) -> TransactionFact:
    """A transaction on connector 1."""
    return TransactionFact(
        transaction_id="7",
        connector_id=1,
        id_tag="TAG",
        started_at=EPOCH,
        meter_start=meter_start,
        stopped_at=None if meter_stop is None else EPOCH + timedelta(seconds=duration_s),
        meter_stop=meter_stop,
        stop_reason=None if meter_stop is None else "Remote",
    )


def at(second: float, energy_wh: float | None = None, power_w: float | None = None) -> MeterReading:
    """One reading."""
    return MeterReading(at=EPOCH + timedelta(seconds=second), energy_wh=energy_wh, power_w=power_w)
