"""Writers of one process: ``python -m tests.storage.many_writers URL WRITERS TIMES``."""

import asyncio
import sys
from datetime import timedelta

from storage.engine import Database
from storage.sessions import Throttles
from tests.support.rows import AT

KEY = "counted by all"


async def hit(database: Database) -> None:
    """Read and write in one transaction."""
    async with database.write() as connection:
        await Throttles(connection).hit(KEY, window=timedelta(days=1), now=AT)


async def write_at_once(url: str, *, writers: int, times: int) -> None:
    """Write with so many connections at once, each so many times."""
    database = Database(url, pool_size=writers)

    async def write() -> None:
        for _ in range(times):
            await hit(database)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(writers):
                group.create_task(write())
    finally:
        await database.close()


if __name__ == "__main__":
    asyncio.run(write_at_once(sys.argv[1], writers=int(sys.argv[2]), times=int(sys.argv[3])))
