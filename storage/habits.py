"""Ways of charge points, kept with their row."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.habits import ConfigurationReading, Habits
from domain.operations import TriggerKind
from storage.models.charge_points import ChargePoint
from storage.rows import Rows


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
