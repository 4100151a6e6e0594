"""Brings a database to the schema of this release; works from an installed package.

The migrations lie inside the package, so no ``alembic.ini`` and no working directory is needed.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from domain.starting import MistakeError, one_line
from storage.arrival import explain, reach
from storage.engine import Database

_LOCK = 0x64796E616D6F  # any constant: who upgrades first holds it, the others wait


async def upgrade(url: str) -> None:
    """Apply what is missing, in one transaction; processes that upgrade at once queue up.

    Raises:
        StartingError: the database cannot be used, or has the schema of a later release.

    """
    # It waits for whoever upgrades already, and a large table takes its time.
    database = Database(url, pool_size=1, application_name="dynamo-migrate", statement_seconds=None)
    try:
        await reach(database)
        async with database.write() as connection:
            if not database.is_sqlite:  # SQLite queues writers at BEGIN IMMEDIATE already
                await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            await connection.run_sync(lambda one: command.upgrade(alembic_config(one), "head"))
    except CommandError as error:
        raise MistakeError(
            f"DYNAMO_DATABASE_URL: {database.address.said} has the schema of another release "
            f"({one_line(error)}). Run that release, or put a backup of this one back."
        ) from error
    except DBAPIError as error:
        raise explain(error, database) from error
    finally:
        await database.close()


def alembic_config(connection: Connection | None = None, *, new: bool = False) -> Config:
    """Alembic's configuration, bound to a connection whose transaction is the caller's.

    ``new``: what is written for it creates every table.
    """
    config = Config()
    location = Path(__file__).parent / "migrations"
    config.set_main_option("script_location", str(location).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes |= {"connection": connection, "new": new}
    return config
