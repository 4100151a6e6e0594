"""The first look at the database: its schema, and whether all processes have the same keys."""

import asyncio
import sqlite3
import ssl
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import asyncpg
from sqlalchemy import Connection, inspect, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.starting import AwayError, MistakeError, StartingError, is_unknown_host, one_line
from storage.engine import Database
from storage.models.accounts import KeyFingerprint
from storage.rows import Rows

_SETTING = "DYNAMO_DATABASE_URL"
_LOOK_SECONDS = 15.0
# What a server says that starts, stops or is full.
_BUSY = (
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
)
HEAD: Final = "0001"
"""The last of the migrations."""


async def look(database: Database, keys: Mapping[str, str], *, at: datetime) -> None:
    """See that it can be used, and that these fingerprints are those of every other process.

    ``keys`` has a fingerprint for each setting that holds a key. The first process with a key
    leaves its fingerprint.

    Raises:
        MistakeError: waiting cannot help.
        AwayError: it may come, or be migrated.

    """
    try:
        async with asyncio.timeout(_LOOK_SECONDS), database.write() as connection:
            migrated = await connection.run_sync(_has_table, KeyFingerprint.__tablename__)
            known = await _agreed(connection, keys, at=at) if migrated else {}
    except Exception as error:
        raise explain(error, database) from error
    if not migrated:
        raise AwayError(
            f"{_SETTING}: the database at {database.address.said} has no tables yet. "
            "Run: dynamo migrate"
        )
    wrong = [setting for setting, fingerprint in keys.items() if known[setting] != fingerprint]
    if wrong:
        raise MistakeError(
            f"{' and '.join(wrong)}: not the same as in the other processes on the database at "
            f"{database.address.said} (fingerprint {keys[wrong[0]]}, theirs {known[wrong[0]]}). "
            "Give every process the same. To change it on purpose: stop all of them, then run "
            "once with the new one: dynamo migrate --new-keys"
        )


async def reach(database: Database) -> None:
    """See that it answers and lets us in.

    Raises:
        MistakeError: waiting cannot help.
        AwayError: it may come.

    """
    try:
        async with asyncio.timeout(_LOOK_SECONDS), database.read() as connection:
            await connection.scalar(select(1))
    except Exception as error:
        raise explain(error, database) from error


async def replace_keys(database: Database, keys: Mapping[str, str], *, at: datetime) -> None:
    """Make these the keys that every process must have from now on."""
    async with database.write() as connection:
        for setting, fingerprint in keys.items():
            row = {"setting": setting, "fingerprint": fingerprint, "since": at}
            await Rows(connection).put(KeyFingerprint, **row)


async def _agreed(
    connection: AsyncConnection, keys: Mapping[str, str], *, at: datetime
) -> dict[str, str]:
    for setting, fingerprint in keys.items():
        row = {"setting": setting, "fingerprint": fingerprint, "since": at}
        await Rows(connection).add_if_new(KeyFingerprint, **row)
    return await Rows(connection).pairs(
        select(col(KeyFingerprint.setting), col(KeyFingerprint.fingerprint))
    )


def _has_table(connection: Connection, name: str) -> bool:
    return inspect(connection).has_table(name)


def explain(error: BaseException, database: Database) -> StartingError:  # noqa: C901 - one case each
    """Say in one line why the database cannot be used, and whether waiting may help."""
    where = database.address.said
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    cause = cause.__cause__ if isinstance(cause.__cause__, asyncpg.PostgresError) else cause
    said = one_line(cause) or type(cause).__name__
    match cause:
        case _ if missing := database.address.missing_files():
            return MistakeError(f"{_SETTING}: {' and '.join(missing)} cannot be read.")
        case _ if is_unknown_host(cause):
            return MistakeError(f"{_SETTING}: the host of {where} is not known: {said}.")
        case asyncpg.InvalidPasswordError():
            return MistakeError(
                f"{_SETTING}: {where} refuses the user or the password: {said}. Special characters "
                "of a password are percent-encoded in a URL (@ is %40)."
            )
        case asyncpg.InvalidCatalogNameError():
            return MistakeError(
                f"{_SETTING}: {where}: {said}. Create it (CREATE DATABASE), or mend the name."
            )
        case asyncpg.InsufficientPrivilegeError():
            return MistakeError(
                f"{_SETTING}: {where}: {said}. Make the user the owner of the database: "
                "ALTER DATABASE … OWNER TO …"
            )
        case _ if isinstance(cause, _BUSY):
            return AwayError(f"{_SETTING}: {where} takes no connection now: {said}.")
        case asyncpg.InvalidAuthorizationSpecificationError() | asyncpg.InterfaceError():
            return MistakeError(f"{_SETTING}: {where}: {said}.")
        case sqlite3.Error() if "locked" not in said:
            return MistakeError(
                f"{_SETTING}: the file {where} cannot be used: {said}. Its directory must be "
                "there, and the account may write to both."
            )
        case TimeoutError():
            return AwayError(f"{_SETTING}: {where} does not answer in time.")
        case _ if isinstance(cause, ssl.SSLError) or "SSL" in said:
            return MistakeError(f"{_SETTING}: {where} and sslmode do not fit: {said}.")
        case OSError():
            return AwayError(f"{_SETTING}: {where} cannot be reached: {said}.")
        case _:
            return AwayError(f"{_SETTING}: {where} cannot be used: {said}.")


async def has_current_schema(connection: AsyncConnection) -> bool:
    """Tell whether it has exactly the schema of this release; Alembic is too slow to import."""
    if not await connection.run_sync(_has_table, "alembic_version"):
        return False
    found = await connection.scalars(text("SELECT version_num FROM alembic_version"))
    return found.all() == [HEAD]
