"""Lets go of what is old in a process of its own, and says so after each transaction."""

import asyncio
import sys
from datetime import UTC, datetime, timedelta

from domain.retention import Ages
from storage.engine import Database
from storage.retention.rounds import StoredRetention

AGES = Ages(
    frames=timedelta(days=90),
    log=timedelta(days=365),
    meter_values=timedelta(days=396),
    boots=1000,
    reports=1000,
)


async def main(url: str) -> None:
    """Print a line for each transaction."""
    retention = StoredRetention(Database(url), AGES, now=lambda: datetime.now(UTC))
    await retention.go_on(
        at_most=timedelta(minutes=10),
        alive=lambda: print("alive", flush=True),  # noqa: T201
    )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
