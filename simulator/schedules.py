"""One charging profile over time: what it allows, and when that changes (OCPP 1.6, section 7.8).

A profile is the JSON object of the standard, valid by its schema. `began` is when the transaction
began, which a relative schedule counts from; None outside a transaction.
"""

import math
from datetime import UTC, datetime, timedelta

from simulator.frames import Payload

DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)


def check_dates(profile: Payload) -> None:
    """Raise ValueError for a date that cannot be counted with, such as a leap second."""
    dates = (profile.get("validFrom"), profile.get("validTo"))
    for date in (*dates, profile["chargingSchedule"].get("startSchedule")):
        if date is not None:
            _time(date)


def limit_w(
    profile: Payload, now: datetime, began: datetime | None, *, watts_per_ampere: float
) -> float | None:
    """Return the power that the profile allows now, or None when it has nothing to say."""
    start = _start(profile, now, began)
    if start is None or not _valid_at(profile, now):
        return None
    schedule = profile["chargingSchedule"]
    elapsed = (now - start).total_seconds()
    if elapsed < 0 or elapsed >= schedule.get("duration", math.inf):
        return None
    past = [one for one in schedule["chargingSchedulePeriod"] if one["startPeriod"] <= elapsed]
    if not past:
        return None
    limit = max(float(max(past, key=lambda one: one["startPeriod"])["limit"]), 0.0)
    return limit if schedule["chargingRateUnit"] == "W" else limit * watts_per_ampere


def steps(profile: Payload, now: datetime, began: datetime | None) -> list[int]:
    """Return when the limit changes, in whole seconds from now; past ones are negative."""
    start = _start(profile, now, began)
    if start is None:
        return []
    schedule = profile["chargingSchedule"]
    base = math.ceil((start - now).total_seconds())
    seconds = [period["startPeriod"] for period in schedule["chargingSchedulePeriod"]]
    if "duration" in schedule:
        seconds.append(schedule["duration"])
    return [base + second for second in seconds]


def _valid_at(profile: Payload, now: datetime) -> bool:
    begins, ends = profile.get("validFrom"), profile.get("validTo")
    return not (begins and now < _time(begins)) and not (ends and now >= _time(ends))


def _start(profile: Payload, now: datetime, began: datetime | None) -> datetime | None:
    kind = profile["chargingProfileKind"]
    schedule = profile["chargingSchedule"]
    if kind == "Relative" or "startSchedule" not in schedule:
        return began
    start = _time(schedule["startSchedule"])
    if kind == "Recurring":
        cycle = DAY if profile.get("recurrencyKind") == "Daily" else WEEK
        start += (now - start) // cycle * cycle
    return start


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
