"""Databases with a row, and an upgrade that loses it."""

from sqlalchemy import delete

from storage.engine import Database
from storage.migrate import upgrade
from storage.models.charge_points import ChargePoint
from tests.support.rows import one_charge_point


async def fill(url: str) -> None:
    """Make the tables, and a charge point."""
    await upgrade(url)
    database = Database(url)
    await one_charge_point(database)
    await database.close()


async def upgrade_and_lose(url: str) -> None:
    """Migrate as somebody might who has not thought of rows."""
    await upgrade(url)
    database = Database(url)
    async with database.write() as connection:
        await connection.execute(delete(ChargePoint))
    await database.close()
