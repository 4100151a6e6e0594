"""A node dies, and its whole herd comes back at once: is the API answered all the while?

``python -m tests.chaos.storm --chargers 1000`` runs it with real PostgreSQL and Temporal (a minute)
and exits by promise 12: every charge point is served again, and every question to the API answered.
"""

import asyncio
import math
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import update

from bench.fleet import MODEL, VENDOR, Fleet, Outcome, in_loop
from domain.ids import Prefix, new_id
from domain.states import ChargePointStatus
from storage.charge_points import ChargePoint, ChargePoints, Location
from storage.engine import Database
from storage.models.charge_points import ChargePoint as ChargePointRow
from tests.chaos.installer import Installer
from tests.chaos.schedule import Kill, Part
from tests.chaos.topology import Topology, topology
from tests.support.history import live_for_years
from tests.support.processes import until_ok

_READERS = 4
_BEFORE_SECONDS = 5.0
_DOWN_SECONDS = 0.5
_TRY_AGAIN_SECONDS = 0.25
_PAUSE = 0.05


@dataclass(kw_only=True)
class Api:
    """How the API was seen in one phase."""

    seconds: list[float] = field(default_factory=list)
    """Of each question that was answered."""
    unanswered: int = 0

    def p95(self) -> float:
        """The 95th percentile of the seconds."""
        return sorted(self.seconds)[math.ceil(0.95 * len(self.seconds)) - 1]

    def __str__(self) -> str:
        """Say it in a line."""
        asked = len(self.seconds) + self.unanswered
        return (
            f"{len(self.seconds)} of {asked} answered, p95 {1000 * self.p95():.0f} ms, "
            f"slowest {1000 * max(self.seconds):.0f} ms"
        )


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What was seen."""

    chargers: int
    before: Api
    during: Api
    served: int
    errors: str
    there_after: float
    """Seconds from the kill until the node answered again."""
    served_after: float
    """Seconds from the kill until the last charge point had booted and reported."""

    @property
    def held(self) -> bool:
        """Whether promise 12 was kept."""
        return self.served == self.chargers and self.during.unanswered == 0 and not self.errors

    def __str__(self) -> str:
        """Say it in three lines."""
        return (
            f"{self.served} of {self.chargers} charge points served {self.served_after:.1f} s "
            f"after the kill of their node, which was there after {self.there_after:.1f} s "
            f"{self.errors}\n"
            f"API before: {self.before}\nAPI during: {self.during}"
        )


async def storm(folder: Path, *, chargers: int, sessions: int, on_sqlite: bool = False) -> Figures:
    """Connect them all to one node, kill it, start it again, and look at the API meanwhile.

    Each has had so many ``sessions`` before.
    """
    async with topology(folder, on_sqlite=on_sqlite) as parts:
        await parts.until_ready()
        async with Installer(parts.api_url) as installer:
            project = await installer.project("owner@storm.example")
            # First: an account that is not verified registers no more than 2,000.
            dark = await installer.charge_point(project, "DARK-1", VENDOR, MODEL)
            identities = await _register(parts.database, project, chargers, sessions)
            await installer.start(dark)
            paths = [
                f"/installer/commissioning/{dark}/status",
                f"/installer/charge-points?project_id={project}",
            ]
            ours, theirs = multiprocessing.get_context("spawn").Pipe()
            herd = multiprocessing.get_context("spawn").Process(
                target=_herd, args=(parts.node_ports[0], identities, theirs), daemon=True
            )
            herd.start()
            try:
                return await _measure(parts, installer, paths, ours, chargers)
            finally:
                herd.kill()
                herd.join()


async def _measure(
    parts: Topology, installer: Installer, paths: Sequence[str], herd: Connection, chargers: int
) -> Figures:
    calm: Outcome = await asyncio.to_thread(herd.recv)
    assert calm.boots_answered == chargers, calm.first_error
    before, during = Api(), Api()
    async with _asking(installer, paths, before):
        await asyncio.sleep(_BEFORE_SECONDS)
    async with _asking(installer, paths, during):
        began = time.monotonic()
        herd.send("the node is about to die")
        await parts.supervisor.kill(Kill(at=0, part=Part.NODE_1, down=_DOWN_SECONDS))
        await until_ok(f"http://127.0.0.1:{parts.node_ports[0]}/health/live")
        there_after = time.monotonic() - began
        back: Outcome = await asyncio.to_thread(herd.recv)
        served_after = time.monotonic() - began
    return Figures(
        chargers=chargers,
        before=before,
        during=during,
        served=back.boots_answered,
        errors=back.first_error,
        there_after=there_after,
        served_after=served_after,
    )


@asynccontextmanager
async def _asking(installer: Installer, paths: Sequence[str], seen: Api) -> AsyncIterator[None]:
    """Ask the API without end, several at a time."""

    async def ask(first: int) -> None:
        turn = first
        while True:
            began = time.monotonic()
            if await installer.reads(paths[turn % len(paths)]):
                seen.seconds.append(time.monotonic() - began)
            else:
                seen.unanswered += 1
            turn += 1
            await asyncio.sleep(_PAUSE)

    readers = [asyncio.create_task(ask(number)) for number in range(_READERS)]
    try:
        yield
    finally:
        for reader in readers:
            reader.cancel()
        await asyncio.wait(readers)


def _herd(port: int, identities: list[str], parent: Connection) -> None:
    """Be the charge points, in a process of their own: the API is measured, and not them."""

    async def calm() -> Outcome:
        fleet = Fleet(port, identities)
        await fleet.connect()
        parent.send(fleet.outcome)
        await asyncio.to_thread(parent.recv)
        await asyncio.gather(*(charger.lost for charger in fleet.chargers))
        again = Fleet(port, identities, try_again_after=_TRY_AGAIN_SECONDS)
        await again.connect()
        parent.send(again.outcome)
        await asyncio.to_thread(parent.poll, None)  # connected until we are killed
        return again.outcome

    in_loop(calm)


async def _register(database: Database, project_id: str, count: int, sessions: int) -> list[str]:
    """Register charge points that have been commissioned some day."""
    now = datetime.now(UTC)
    identities = [new_id(Prefix.CHARGE_POINT) for _ in range(count)]
    async with database.write() as connection:
        await ChargePoints(connection).register_all(
            [
                ChargePoint(
                    id=identity,
                    project_id=project_id,
                    serial_number=identity[-20:],
                    model=MODEL,
                    vendor=VENDOR,
                    ocpp_version="1.6",
                    location=Location(),
                    status=ChargePointStatus.REGISTERED,
                    created_at=now,
                )
                for identity in identities
            ]
        )
        await connection.execute(update(ChargePointRow).values(provisioned_at=now))
    for identity in identities:  # a transaction each: the engine works beside it
        async with database.write() as connection:
            await live_for_years(connection, identity, sessions=sessions, until=now)
    return identities


def main(
    *,
    chargers: Annotated[int, typer.Option(help="How many charge points come back")] = 1000,
    sessions: Annotated[int, typer.Option(help="How many sessions each has had")] = 5000,
    on_sqlite: Annotated[bool, typer.Option(help="On a file in place of PostgreSQL")] = False,
) -> None:
    """Run it, print what was seen, and exit by it."""
    folder = Path(tempfile.mkdtemp(prefix="dynamo-storm-"))
    sys.stdout.write(f"Logs in {folder}\n")
    figures = asyncio.run(storm(folder, chargers=chargers, sessions=sessions, on_sqlite=on_sqlite))
    sys.stdout.write(f"{figures}\n")
    sys.stdout.flush()
    os._exit(not figures.held)  # the SDK's threads do not like the interpreter's own end


if __name__ == "__main__":
    typer.run(main)
