"""Moments at which the clock on the wall matters, in the site's time zone."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

_STRIDE = timedelta(hours=6)  # no zone changes its clock twice within it
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


def is_time_zone(name: str) -> bool:
    """Whether it is the name of a time zone that we know (IANA)."""
    return name in available_time_zones()


@cache
def available_time_zones() -> frozenset[str]:
    """Names of the IANA list; read once, since it is a folder of files."""
    return frozenset(available_timezones()) - {"localtime", "Factory"}


def month_of(moment: datetime, zone: ZoneInfo) -> str:
    """The month that the clock on the wall shows, as ``2026-05``."""
    return moment.astimezone(zone).strftime("%Y-%m")


def end_of_month(month: str, zone: ZoneInfo) -> datetime:
    """The moment at which the clock on the wall shows the next month; ``month`` as ``2026-05``."""
    first = date.fromisoformat(f"{month}-01")
    following = (first + timedelta(days=31)).replace(day=1)
    return datetime.combine(following, time(0), tzinfo=zone).astimezone(UTC)


def wall_clock_moments(
    start: datetime, stop: datetime, times: Iterable[time], zone: ZoneInfo
) -> set[datetime]:
    """Moments between start and stop when the wall clock shows one of these times, or is changed.

    A time that the clock shows twice counts twice; one that it skips counts at the change.
    """
    times = set(times)
    if not times or stop <= start:
        return set()
    found = set(_changes(start, stop, zone))
    day, last = start.astimezone(zone).date(), stop.astimezone(zone).date()
    while day <= last:
        for clock in times:
            for fold in (0, 1):
                local = datetime.combine(day, clock.replace(fold=fold), tzinfo=zone)
                found.add(local.astimezone(UTC))
        day += _DAY
    return {moment for moment in found if start < moment < stop}


def _changes(start: datetime, stop: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    at = start.astimezone(UTC).replace(microsecond=0)
    while at < stop:
        after = at + _STRIDE
        if _offset(at, zone) != _offset(after, zone):
            yield _bisect(at, after, zone)
        at = after


def _bisect(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    while high - low > _SECOND:
        middle = low + (high - low) // _SECOND // 2 * _SECOND
        if _offset(middle, zone) == _offset(low, zone):
            low = middle
        else:
            high = middle
    return high


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta | None:
    return moment.astimezone(zone).utcoffset()
