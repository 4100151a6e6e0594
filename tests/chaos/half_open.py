"""Half-open links: how long until one is noticed, and until its charge point is served again.

``python -m tests.chaos.half_open`` measures it with the constants as they are (under a minute) and
exits by promise 7: offline is noticed within 45 s, a reconnect is served within 2 s.
"""

import asyncio
import logging
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import structlog
from sqlalchemy import select

from ocpp_server import server
from storage.engine import Database
from storage.models.connections import ChargePointConnection
from tests.chaos.proxy import FaultProxy
from tests.ocpp_server.bed import Bed, RecordingSink, make_node, seed
from tests.support import databases
from tests.support.eventually import eventually

NOTICED_WITHIN, SERVED_WITHIN = 45.0, 2.0
_PERIODS = ("_PING_SECONDS", "_SILENT_SECONDS", "_KEEPER_SECONDS")


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Seconds, one for each charge point; ``noticed`` as if nothing had been faster."""

    noticed: Sequence[float]
    served: Sequence[float]

    @property
    def held(self) -> bool:
        """Whether promise 7 was kept."""
        return max(self.noticed) < NOTICED_WITHIN and max(self.served) < SERVED_WITHIN

    def __str__(self) -> str:
        """Say it in a line."""
        return (
            f"half-open links noticed after {min(self.noticed):.1f} to {max(self.noticed):.1f} s "
            f"(promised: {NOTICED_WITHIN:g}), reconnects served after {max(self.served):.2f} s at "
            f"most (promised: {SERVED_WITHIN:g})"
        )


async def half_open(folder: Path, *, chargers: int, faster: float = 1.0) -> Figures:
    """Blackhole each charge point's link at a moment of its own, and look when it shows.

    ``faster`` divides the server's periods, and multiplies what is measured of them.
    """
    template = folder / "half-open-template.sqlite3"
    await asyncio.to_thread(databases.make_sqlite_template, template)
    periods = {name: getattr(server, name) / faster for name in _PERIODS}
    with patch.multiple(server, **periods), databases.sqlite_copy(template, folder) as url:
        database = Database(url)
        identities = await seed(database, chargers)
        node = make_node(database, RecordingSink())
        port = await node.start("127.0.0.1", 0)
        beds = [Bed(database, node, RecordingSink(), port, identity) for identity in identities]
        draw = random.Random(7)
        try:
            noticed = await asyncio.gather(
                *(_noticed(bed, draw.uniform(0, periods["_PING_SECONDS"])) for bed in beds)
            )
            served = [await _served(bed) for bed in beds]
        finally:
            await node.stop()
            await database.close()
    return Figures(noticed=[seconds * faster for seconds in noticed], served=served)


async def _noticed(bed: Bed, phase: float) -> float:
    """Swallow what passes after a while; seconds until the database says that it is offline."""
    async with AsyncExitStack() as stack:
        link = await stack.enter_async_context(FaultProxy([bed.port], choose=random.Random(1)))
        behind = Bed(bed.database, bed.node, bed.sink, link.port, bed.charge_point_id)
        wire = await stack.enter_async_context(behind.wire(ping_interval=None, close_timeout=0.1))
        await wire.boot()
        await asyncio.sleep(phase)
        await wire.sync()
        link.swallow()
        began = time.monotonic()

        async def offline() -> None:
            async with bed.database.read() as connection:
                row = (
                    await connection.execute(
                        select(ChargePointConnection.__table__).filter_by(
                            charge_point_id=bed.charge_point_id
                        )
                    )
                ).one()
            assert row.disconnected_at is not None

        await eventually(offline, within=2 * NOTICED_WITHIN)
        return time.monotonic() - began


async def _served(bed: Bed) -> float:
    """Leave a half-open link behind, and connect anew; seconds until the boot is answered."""
    async with FaultProxy([bed.port], choose=random.Random(1)) as link:
        behind = Bed(bed.database, bed.node, bed.sink, link.port, bed.charge_point_id)
        async with behind.wire(ping_interval=None, close_timeout=0.1) as old:
            await old.boot()
            link.swallow()
            began = time.monotonic()
            async with bed.wire() as new:
                await new.boot()
                return time.monotonic() - began


def main() -> int:
    """Measure, print, and say by the exit code whether the promise was kept."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(half_open(Path(folder), chargers=10))
    sys.stdout.write(f"{figures}\n")
    return 0 if figures.held else 1


if __name__ == "__main__":
    sys.exit(main())
