"""Boots of charge points: each that says something new is a row; said again, a count.

A charge point that waits in Pending boots anew every ten seconds. On one day (UTC), the same boot
with the same answer is one row, which carries the id and the moment of the newest: whoever asks for
the newest boot finds it, and the first and how many there were beside it.
"""

from collections.abc import Sequence
from typing import Any, Final

import orjson
from sqlalchemy import Row, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.facts import BootFact
from domain.states import RegistrationStatus
from storage.dialects import among, at_once, conflict_insert
from storage.digests import digest
from storage.fact_records import Boot
from storage.models.charge_points import ChargePoint
from storage.models.configuration import Parameter
from storage.models.facts import Boot as BootRow
from storage.parameters import is_named

_HEARTBEAT_INTERVAL: Final = "HeartbeatInterval"


async def store_boots(connection: AsyncConnection, records: Sequence[Boot]) -> None:
    """Store or count them, and fill in how each is answered."""
    identities = {record.charge_point_id for record in records}
    provisioned = set(
        await connection.scalars(
            select(col(ChargePoint.id))
            .where(among(connection, col(ChargePoint.id), identities))
            .where(col(ChargePoint.provisioned_at).is_not(None))
        )
    )
    intervals = {
        row.charge_point_id: row.desired
        for row in await connection.execute(
            select(col(Parameter.charge_point_id), col(Parameter.desired))
            .where(among(connection, col(Parameter.charge_point_id), identities))
            .where(is_named(_HEARTBEAT_INTERVAL))
        )
    }
    for record in records:
        if record.charge_point_id in provisioned:
            record.registration = RegistrationStatus.ACCEPTED
        record.heartbeat_interval = intervals.get(record.charge_point_id)
    new = conflict_insert(connection, BootRow)
    counted = new.on_conflict_do_update(
        index_elements=["charge_point_id", "digest"],
        set_={
            name: new.excluded[name]
            for name in BootRow.model_fields
            if name not in {"charge_point_id", "digest", "times", "first_at"}
        }
        | {
            "times": col(BootRow.times) + literal_column("1"),
            "first_at": func.coalesce(col(BootRow.first_at), col(BootRow.at)),
        },
        # It is there already when the answer to its commit was lost.
        where=col(BootRow.id) != new.excluded.id,
    )
    await connection.execute(
        at_once(connection, counted),
        # One order for all nodes: rows locked in different orders would deadlock.
        sorted(map(_row, records), key=lambda row: (row["charge_point_id"], row["at"])),
    )


def _row(record: Boot) -> dict[str, Any]:
    said: dict[str, Any] = {
        "vendor": record.vendor,
        "model": record.model,
        "charge_point_serial": record.charge_point_serial,
        "charge_box_serial": record.charge_box_serial,
        "firmware_version": record.firmware_version,
        "registration": record.registration,
        "warnings": list(record.warnings),
        "payload": record.payload,
    }
    what: dict[str, Any] = {} if record.over_budget else said
    if record.contested is not None:  # it is no repetition of what came on the one link
        # Beyond the budget no row for each link: who comes again has another one.
        what = what | {"contested": record.over_budget or record.contested}
    return {
        "id": record.boot_id,
        "charge_point_id": record.charge_point_id,
        "at": record.at,
        "digest": digest(f"{record.at:%Y%m%d} {orjson.dumps(what, option=_SORTED).decode()}"),
        "contested_link": record.contested,
        **said,
    }


_SORTED: Final = orjson.OPT_SORT_KEYS


def boot_fact(row: Row[Any]) -> BootFact:
    """Make the fact of a row of ``boots``."""
    return BootFact(
        boot_id=row.id,
        at=row.at,
        vendor=row.vendor,
        model=row.model,
        charge_point_serial=row.charge_point_serial,
        charge_box_serial=row.charge_box_serial,
        firmware_version=row.firmware_version,
        registration=RegistrationStatus(row.registration),
        warnings=tuple(row.warnings),
    )
