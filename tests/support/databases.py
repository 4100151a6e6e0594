"""A fresh, migrated database a test, copied from a template that is migrated once a session."""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, make_url

from storage.migrate import upgrade
from storage.models.base import TableModel

_TEMPLATE = "dynamo_template"


def differences_from_tables(connection: Connection) -> list[object]:
    """Say in what the schema of a database is other than our tables."""
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, TableModel.metadata))


def make_sqlite_template(path: Path) -> None:
    """Migrate an empty SQLite file."""
    asyncio.run(upgrade(f"sqlite+aiosqlite:///{path}"))


def make_postgresql_template(server_url: str) -> None:
    """Migrate an empty PostgreSQL database."""
    asyncio.run(_execute(server_url, f'CREATE DATABASE "{_TEMPLATE}"'))
    asyncio.run(upgrade(_with_database(server_url, _TEMPLATE)))


@contextmanager
def sqlite_copy(template: Path, folder: Path) -> Iterator[str]:
    """Give the URL of a copy in that folder."""
    path = folder / "engine.sqlite3"
    shutil.copyfile(template, path)
    yield f"sqlite+aiosqlite:///{path}"


def postgresql_copy(server_url: str) -> AbstractContextManager[str]:
    """Give the URL of a copy, and drop it afterwards, whoever is still connected."""
    return _postgresql(server_url, _TEMPLATE)


def empty_postgresql(server_url: str) -> AbstractContextManager[str]:
    """Give the URL of a database without our tables, and drop it afterwards."""
    return _postgresql(server_url, "template1")


@contextmanager
def _postgresql(server_url: str, template: str) -> Iterator[str]:
    name = f"test_{uuid4().hex}"
    asyncio.run(_execute(server_url, f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
    try:
        yield _with_database(server_url, name)
    finally:
        asyncio.run(_execute(server_url, f'DROP DATABASE "{name}" WITH (FORCE)'))


def _with_database(server_url: str, name: str) -> str:
    return make_url(server_url).set(database=name).render_as_string(hide_password=False)


async def _execute(server_url: str, statement: str) -> None:
    url = make_url(server_url).set(drivername="postgresql")
    connection = await asyncpg.connect(url.render_as_string(hide_password=False))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
