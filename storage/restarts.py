"""Values that wait for a restart of their charge point, kept with its row."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.rules.restart import Taken
from storage.models.charge_points import ChargePoint
from storage.rows import Rows


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
