"""Databases as text: kept when a version is released, and brought to the schema of today.

SQLite's own dump, and that of ``pg_dump``, which ``psql`` reads again.
"""

import asyncio
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Final

from sqlalchemy import func, inspect, make_url, select, table

from storage.arrival import has_current_schema
from storage.engine import Database
from storage.migrate import upgrade
from tests.release.gate import Checkout, FailedError, some
from tests.support.databases import differences_from_tables, empty_postgresql
from tests.support.postgres import PostgresServer, client_programs

KINDS: Final = ("sqlite", "postgresql")


def name_of(kind: str) -> str:
    """Name the file that a dump is kept in."""
    return f"{kind}.sql"


@contextmanager
def empty(kind: str) -> Iterator[str]:
    """Give the URL of a database without a table; PostgreSQL is started for it."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite+aiosqlite:///{folder}/engine.sqlite3"
        return
    server = PostgresServer()
    try:
        with empty_postgresql(server.url()) as url:
            yield url
    finally:
        server.stop()


def dump(url: str) -> str:
    """Write a database down: its schema and its rows."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(str(address.database))) as connection:
            return "".join(f"{line}\n" for line in connection.iterdump())
    return _program("pg_dump", "--no-owner", "--no-privileges", url=url)


def load(written: str, url: str) -> None:
    """Fill an empty database."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(str(address.database))) as connection:
            connection.executescript(written)
        return
    _program("psql", "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", url=url, given=written)


async def upgraded(url: str) -> list[str]:
    """Upgrade a database, and say what is wrong with it then.

    A migration of SQLite makes a table anew and drops the old one: where another's rows go with its
    own, they are lost. So the rows are counted.
    """
    before = await _rows(url)
    await upgrade(url)
    after = await _rows(url)
    wrong = [
        f"{name} had {count} rows and has {after[name]}"
        for name, count in before.items()
        if after.get(name, count) < count
    ]
    database = Database(url)
    try:
        async with database.read() as connection:
            if not await has_current_schema(connection):
                wrong.append("the migrations did not run to the end")
            wrong += map(str, await connection.run_sync(differences_from_tables))
    finally:
        await database.close()
    return wrong


def upgrades_keep_rows(checkout: Checkout) -> str:
    """See that a database of each release, with real rows, gets to the schema of today."""
    releases = checkout.released()
    for release in releases:
        for kind in KINDS:
            with empty(kind) as url:
                load(release.file(name_of(kind)).read_text(), url)
                if wrong := asyncio.run(upgraded(url)):
                    raise FailedError(some(wrong, f"{release.version} on {kind}: "))
    return f"from {', '.join(release.version for release in releases)} on {' and '.join(KINDS)}"


async def _rows(url: str) -> dict[str, int]:
    database = Database(url)
    try:
        async with database.read() as connection:
            names = await connection.run_sync(lambda one: inspect(one).get_table_names())
            count = select(func.count())
            return {
                name: await connection.scalar(count.select_from(table(name))) or 0 for name in names
            }
    finally:
        await database.close()


def _program(name: str, *options: str, url: str, given: str = "") -> str:
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    outcome = subprocess.run(
        [client_programs() / name, *options, f"--dbname={address}"],
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    if outcome.returncode:
        raise RuntimeError(f"{name} failed: {outcome.stderr.strip()}")
    return outcome.stdout
