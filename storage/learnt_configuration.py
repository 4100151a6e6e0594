"""What was learnt of how a charge point is configured: its ways, its keys, values it has taken."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.habits import ConfigurationReading, Habits
from domain.operations import ConfigurationKey, TriggerKind
from domain.rules.restart import Taken
from storage.models.charge_points import ChargePoint
from storage.models.configuration import ReportedKeys
from storage.rows import Rows

_LONGEST: Final = 100
_MOST: Final = 2_000


async def read_habits(connection: AsyncConnection, charge_point_id: str) -> Habits:
    """What is known of a charge point's ways."""
    stored: dict[str, Any] | None = await Rows(connection).value(
        col(ChargePoint.habits), charge_point_id
    )
    stored = stored or {}
    return Habits(
        reading=ConfigurationReading(stored.get("reading", ConfigurationReading.ALL)),
        deadly_triggers=frozenset(map(TriggerKind, stored.get("deadly_triggers", ()))),
    )


async def keep_habits(connection: AsyncConnection, charge_point_id: str, habits: Habits) -> None:
    """Remember them."""
    charge_point = Rows(connection).at(ChargePoint, charge_point_id)
    await charge_point.set(
        habits={"reading": habits.reading, "deadly_triggers": sorted(habits.deadly_triggers)}
    )


async def read_reported_keys(connection: AsyncConnection, charge_point_id: str) -> dict[str, bool]:
    """Keys that it has reported, and whether each is read-only there."""
    return await Rows(connection).value(col(ReportedKeys.names), charge_point_id) or {}


async def keep_reported_keys(
    connection: AsyncConnection,
    charge_point_id: str,
    reported: Iterable[ConfigurationKey],
    unknown: Iterable[str],
) -> None:
    """Remember these beside those of before, but for what it does not know any more."""
    before = await read_reported_keys(connection, charge_point_id)
    keys = {name.casefold(): (name, readonly) for name, readonly in before.items()}
    for name in unknown:
        keys.pop(name.casefold(), None)
    for one in reported:
        if len(one.key) <= _LONGEST and one.key.isprintable():
            keys[one.key.casefold()] = (one.key, one.readonly)
    now = dict(sorted(keys.values())[:_MOST])
    if now != before:
        await Rows(connection).put(ReportedKeys, charge_point_id=charge_point_id, names=now)


async def forget_reported_keys(connection: AsyncConnection, charge_point_id: str) -> None:
    """Another unit is there now."""
    await Rows(connection).at(ReportedKeys, charge_point_id).remove()


async def read_taken(connection: AsyncConnection, charge_point_id: str) -> dict[str, Taken]:
    """Values that it has taken and that count after a restart, by key in lower case."""
    stored: dict[str, Any] | None = await Rows(connection).value(
        col(ChargePoint.restart_for), charge_point_id
    )
    return {
        key: Taken(value=one["value"], at=datetime.fromisoformat(one["at"]))
        for key, one in (stored or {}).items()
    }


async def keep_taken(
    connection: AsyncConnection, charge_point_id: str, taken: Mapping[str, Taken]
) -> None:
    """Remember them, in place of those that were remembered before."""
    charge_point = Rows(connection).at(ChargePoint, charge_point_id)
    await charge_point.set(
        restart_for={
            key: {"value": one.value, "at": one.at.isoformat()} for key, one in taken.items()
        }
    )
