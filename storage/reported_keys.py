"""Names of the configuration keys that charge points have reported; never what they hold."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.operations import ConfigurationKey
from storage.dialects import upsert
from storage.models.configuration import ReportedKeys

_LONGEST: Final = 100
_MOST: Final = 2_000


async def read_reported_keys(connection: AsyncConnection, charge_point_id: str) -> dict[str, bool]:
    """Keys that it has reported, and whether each is read-only there."""
    stored: dict[str, Any] | None = await connection.scalar(
        select(col(ReportedKeys.names)).where(col(ReportedKeys.charge_point_id) == charge_point_id)
    )
    return stored or {}


async def keep_reported_keys(
    connection: AsyncConnection,
    charge_point_id: str,
    reported: Iterable[ConfigurationKey],
    unknown: Iterable[str],
) -> None:
    """Remember these beside those of before, but for what it does not know any more."""
    before = await read_reported_keys(connection, charge_point_id)
    keys = _by_name(before)
    for name in unknown:
        keys.pop(name.casefold(), None)
    for one in reported:
        if len(one.key) <= _LONGEST and one.key.isprintable():
            keys[one.key.casefold()] = (one.key, one.readonly)
    now = dict(sorted(keys.values())[:_MOST])
    if now != before:
        await connection.execute(
            upsert(connection, ReportedKeys, keys=("charge_point_id",)),
            [{"charge_point_id": charge_point_id, "names": now}],
        )


async def forget_reported_keys(connection: AsyncConnection, charge_point_id: str) -> None:
    """Another unit is there now."""
    await connection.execute(
        delete(ReportedKeys).where(col(ReportedKeys.charge_point_id) == charge_point_id)
    )


def _by_name(keys: Mapping[str, bool]) -> dict[str, tuple[str, bool]]:
    return {name.casefold(): (name, readonly) for name, readonly in keys.items()}
