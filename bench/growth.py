"""How many bytes a charge point has written, with indexes, and how fast meter values are filed.

The same stream goes into SQLite and PostgreSQL: sessions of charge points with three phases that
send eight values a minute (energy, power, current and voltage of each phase), of others that send
three, and of some that send the register alone; and the register by the clock every quarter of an
hour, outside of sessions. Half of them say the format and the location too. One value in two
hundred carries a signed reading. Beside them: boots that differ, and frames of a run.

Run ``python bench/growth.py``, or ``--quick`` for a short stream. It needs the PostgreSQL that the
tests have. With ``--folder`` the SQLite file is kept there to be looked at.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

_ROOT: Final = Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(_ROOT)

from sqlalchemy import Table, func, insert, select, text  # noqa: E402 - the path comes first
from sqlalchemy.ext.asyncio import create_async_engine  # noqa: E402

from domain.facts import BootFact  # noqa: E402
from domain.ids import Prefix, new_id  # noqa: E402
from domain.states import LogLevel, RegistrationStatus  # noqa: E402
from storage.engine import Database  # noqa: E402
from storage.fact_records import (  # noqa: E402
    Boot,
    LogEntry,
    MeterEntry,
    MeterValues,
    TransactionStart,
)
from storage.models.accounts import Account  # noqa: E402
from storage.models.base import TableModel  # noqa: E402
from storage.models.charge_points import ChargePoint  # noqa: E402
from storage.models.facts import Boot as BootRow  # noqa: E402
from storage.models.facts import LogEntry as LogEntryRow  # noqa: E402
from storage.models.projects import Project  # noqa: E402
from storage.models.transactions import MeterValue, Transaction  # noqa: E402
from storage.store_facts import store_facts  # noqa: E402

Sample = dict[str, Any]
_BEGAN: Final = datetime(2026, 5, 1, tzinfo=UTC)
_SESSION: Final = 45  # minutes, of each hour
_CLOCK: Final = 15
_SIGNED_EVERY: Final = 200
_BATCH: Final = 50
_OTHERS: Final = 60


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How many charge points, and for how many hours."""

    charge_points: int = 60
    hours: int = 24


def _samples(
    kind: int, wh: int, chance: random.Random, *, periodic: str, wordy: bool
) -> list[Sample]:
    """Give what a charge point of that kind sends at once, ``wordy``: with all its fields."""

    def sample(value: str, measurand: str, unit: str, phase: str | None = None) -> Sample:
        of_phase = {} if phase is None else {"phase": phase}
        return {
            "value": value,
            "context": periodic,
            "measurand": measurand,
            **of_phase,
            **({"format": "Raw", "location": "Outlet"} if wordy else {}),
            "unit": unit,
        }

    found = [sample(str(wh), "Energy.Active.Import.Register", "Wh")]
    if kind > 0:
        amps = chance.uniform(6, 16)
        found.append(sample(f"{amps * 690:.1f}", "Power.Active.Import", "W"))
        phases = ("L1", "L2", "L3") if kind > 1 else ("L1",)
        found += [
            sample(f"{amps + chance.uniform(-0.2, 0.2):.1f}", "Current.Import", "A", phase)
            for phase in phases
        ]
    if kind > 1:
        found += [
            sample(f"{chance.uniform(226, 236):.1f}", "Voltage", "V", phase)
            for phase in ("L1-N", "L2-N", "L3-N")
        ]
    if chance.randrange(_SIGNED_EVERY) == 0:
        signed = f"OCMF|{chance.randbytes(300).hex()}"
        found.append({"value": signed, "context": periodic, "format": "SignedData"})
    return found


def stream(identities: list[str], hours: int) -> Iterator[list[MeterValues | TransactionStart]]:
    """Give the messages of all, in the batches that a node would commit."""
    chance = random.Random(12)
    registers = dict.fromkeys(identities, 1_000_000)
    running: dict[str, TransactionStart] = {}
    for minute in range(hours * 60):
        at = _BEGAN + timedelta(minutes=minute)
        in_session = minute % 60 < _SESSION
        batch: list[MeterValues | TransactionStart] = []
        if minute % 60 == 0:
            for identity in identities:
                running[identity] = TransactionStart(
                    charge_point_id=identity,
                    connector_id=1,
                    id_tag="TAG",
                    started_at=at,
                    meter_start=registers[identity],
                    received_at=at,
                )
            yield list(running.values())
        for number, identity in enumerate(identities):
            if not in_session and minute % _CLOCK:
                continue
            registers[identity] += chance.randrange(100, 190) if in_session else 0
            # Three of ten send all, five of ten three values, two of ten the register alone.
            kind = (0, 0, 1, 1, 1, 1, 1, 2, 2, 2)[number % 10] if in_session else 0
            context = "Sample.Periodic" if in_session else "Sample.Clock"
            wordy = number % 2 == 0
            samples = _samples(kind, registers[identity], chance, periodic=context, wordy=wordy)
            moment = at + timedelta(milliseconds=chance.randrange(60_000))
            batch.append(
                MeterValues(
                    charge_point_id=identity,
                    connector_id=1,
                    received_at=moment + timedelta(milliseconds=chance.randrange(900)),
                    entries=[MeterEntry(at=moment.replace(microsecond=0), samples=samples)],
                    transaction_id=running[identity].transaction_id if in_session else None,
                    number=running[identity].number if in_session else None,
                    inferred=not in_session,
                )
            )
        for start in range(0, len(batch), _BATCH):
            yield batch[start : start + _BATCH]


async def _prepare(url: str, count: int) -> list[str]:
    engine = create_async_engine(url)
    identities = [new_id(Prefix.CHARGE_POINT) for _ in range(count)]
    common = {"created_at": _BEGAN, "name": "N"}
    async with engine.begin() as connection:
        await connection.run_sync(TableModel.metadata.create_all)
        await connection.execute(
            insert(Account).values(
                id="usr",
                role="installer",
                email="a@b.example",
                password_hash="",
                **common,
            )
        )
        await connection.execute(
            insert(Project).values(
                id="prj",
                installer_id="usr",
                address="A",
                site_owner_email="o@b.example",
                status="in_progress",
                **common,
            )
        )
        await connection.execute(
            insert(ChargePoint),
            [
                {
                    "id": identity,
                    "project_id": "prj",
                    "serial_number": identity,
                    "serial_key": identity,
                    "model": "M",
                    "vendor": "V",
                    "ocpp_version": "1.6",
                    "status": "registered",
                    "created_at": _BEGAN,
                }
                for identity in identities
            ],
        )
    await engine.dispose()
    return identities


async def _bytes(url: str, table: Table) -> tuple[float, float]:
    """Of a row and of its places in indexes, once both are tidied up."""
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        if url.startswith("sqlite"):
            await connection.execute(text("VACUUM"))
            size = text(
                "SELECT sum(pgsize) FROM dbstat JOIN sqlite_master AS one USING (name) "
                "WHERE one.tbl_name = :of AND one.type = :type"
            )
            of = {"of": table.name}
            rows = await connection.scalar(size, of | {"type": "table"})
            indexes = await connection.scalar(size, of | {"type": "index"})
        else:
            await connection.execute(text(f"VACUUM FULL {table.name}"))
            rows = await connection.scalar(text(f"SELECT pg_table_size('{table.name}')"))
            indexes = await connection.scalar(text(f"SELECT pg_indexes_size('{table.name}')"))
        count = await connection.scalar(select(func.count()).select_from(table)) or 1
    await engine.dispose()
    return (rows or 0) / count, (indexes or 0) / count


def others(identities: list[str]) -> Iterator[list[Boot | LogEntry]]:
    """Give boots that differ, and frames of a run, as charge points send them."""
    for number in range(_OTHERS):
        at = _BEGAN + timedelta(seconds=number)
        yield [
            Boot(
                charge_point_id=identity,
                fact=BootFact(
                    boot_id=new_id(Prefix.EVENT),
                    at=at,
                    vendor="ABB",
                    model="Terra AC W22-T-RD-MC-0",
                    charge_point_serial="TACW2242321G0285",
                    charge_box_serial=None,
                    firmware_version=f"1.8.{number}",
                    registration=RegistrationStatus.PENDING,
                ),
                payload={
                    "chargePointVendor": "ABB",
                    "chargePointModel": "Terra AC W22-T-RD-MC-0",
                    "chargePointSerialNumber": "TACW2242321G0285",
                    "firmwareVersion": f"1.8.{number}",
                },
            )
            for identity in identities
        ]
        frame = (
            f'[2,"{number}","MeterValues",{{"connectorId":1,"transactionId":4711,"meterValue":'
            f'[{{"timestamp":"{at.isoformat()}","sampledValue":[{{"value":"{number}","unit":"Wh",'
            '"measurand":"Energy.Active.Import.Register"},{"value":"11000.0","unit":"W",'
            '"measurand":"Power.Active.Import"}]}]}]'
        )
        for direction, said in (("in", frame), ("out", f'[3,"{number}",{{}}]')):
            yield [
                LogEntry(
                    charge_point_id=identity,
                    commissioning_id=new_id(Prefix.COMMISSIONING),
                    at=at,
                    level=LogLevel.DEBUG,
                    kind="frame",
                    direction=direction,
                    action="MeterValues",
                    message_id=str(number),
                    text=said,
                )
                for identity in identities
            ]


async def measure(url: str, sizes: Sizes) -> str:
    """Store the stream, and say in one line what it took."""
    identities = await _prepare(url, sizes.charge_points)
    database = Database(url)
    seconds = cpu = 0.0
    for batch in stream(identities, sizes.hours):
        began, cpu_began = time.perf_counter(), time.process_time()
        async with database.write() as connection:
            await store_facts(connection, batch)
        if isinstance(batch[0], MeterValues):
            seconds += time.perf_counter() - began
            cpu += time.process_time() - cpu_began
    async with database.read() as connection:
        stored = await connection.scalar(select(func.count()).select_from(MeterValue)) or 0
    for batch_of_others in others(identities):
        async with database.write() as connection:
            await store_facts(connection, batch_of_others)
    await database.close()
    name = url.partition("+")[0]
    speed = f"{cpu / stored * 1e6:.1f} µs of CPU each, {stored / seconds:,.0f} a second"
    lines = [f"{name}: {stored:,} meter values, {speed}"]
    for model in (MeterValue, Transaction, BootRow, LogEntryRow):
        table = model.__table__
        row, indexes = await _bytes(url, table)
        lines.append(
            f"  {table.name:<14}{row:>5.0f} B + {indexes:>4.0f} B of indexes "
            f"= {row + indexes:>5.0f} B a row"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure both databases."""
    from tests.support.postgres import PostgresServer

    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a short stream")
    parser.add_argument("--rounds", type=int, default=1, help="how often, to see how it varies")
    parser.add_argument("--folder", type=Path, help="where the SQLite file is kept")
    given = parser.parse_args()
    sizes = Sizes(charge_points=10, hours=2) if given.quick else Sizes()
    for number in range(given.rounds):
        with tempfile.TemporaryDirectory() as temporary:
            folder = given.folder or Path(temporary)
            file = f"sqlite+aiosqlite:///{folder}/growth{number}.sqlite3"
            print(asyncio.run(measure(file, sizes)), flush=True)
            server = PostgresServer()
            try:
                print(asyncio.run(measure(server.url(), sizes)), flush=True)
            finally:
                server.stop()


if __name__ == "__main__":
    main()
