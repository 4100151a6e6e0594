"""The schema of this release; without Alembic, which takes a tenth of a second to import."""

from typing import Final

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection

HEAD: Final = "0001"
"""The last of the migrations."""


async def has_current_schema(connection: AsyncConnection) -> bool:
    """Tell whether the database has exactly the schema of this release."""
    if not await connection.run_sync(_was_migrated):
        return False
    found = await connection.scalars(text("SELECT version_num FROM alembic_version"))
    return found.all() == [HEAD]


def _was_migrated(connection: Connection) -> bool:
    return inspect(connection).has_table("alembic_version")
