"""Boots of charge points: each that says something new is a row; said again, a count.

A charge point that waits in Pending boots anew every ten seconds. On one day (UTC), the same boot
with the same answer is one row, which carries the id and the moment of the newest: whoever asks for
the newest boot finds it, and the first and how many there were beside it.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from typing import Any, Final

import orjson
from sqlalchemy import func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.facts import BootFact
from domain.states import RegistrationStatus
from storage.contest_marks import counts
from storage.dialects import among, at_once, conflict_insert
from storage.digests import digest
from storage.fact_records import Boot
from storage.models.charge_points import ChargePoint
from storage.models.configuration import Parameter
from storage.models.facts import Boot as BootRow
from storage.parameters import is_named
from storage.read_models import read_model

_fact = read_model(BootFact)
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
            record.fact = replace(record.fact, registration=RegistrationStatus.ACCEPTED)
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
    fact = record.fact
    said = asdict(fact) | {"payload": record.payload}
    del said["boot_id"], said["at"]
    what: dict[str, Any] = {} if record.over_budget else said
    if record.contested is not None:  # it is no repetition of what came on the one link
        # Beyond the budget no row for each link: who comes again has another one.
        what = what | {"contested": record.over_budget or record.contested}
    words = orjson.dumps(what, option=orjson.OPT_SORT_KEYS).decode()
    return {
        "id": fact.boot_id,
        "charge_point_id": record.charge_point_id,
        "at": fact.at,
        "digest": digest(f"{fact.at:%Y%m%d} {words}"),
        "contested_link": record.contested,
        **said,
    }


async def newest_boots(
    connection: AsyncConnection, charge_point_ids: Collection[str]
) -> dict[str, BootFact]:
    """Return the newest boots of those that ever booted."""
    newest = (
        select(col(BootRow.id))
        .where(col(BootRow.charge_point_id) == col(ChargePoint.id), counts(BootRow.__table__))
        .order_by(col(BootRow.at).desc(), col(BootRow.id).desc())
        .limit(1)
        .correlate(ChargePoint)
        .scalar_subquery()
    )
    rows = await connection.execute(
        select(BootRow.__table__, col(BootRow.id).label("boot_id"))
        .select_from(ChargePoint.__table__.join(BootRow, col(BootRow.id) == newest))
        .where(among(connection, col(ChargePoint.id), charge_point_ids))
    )
    return {row.charge_point_id: _fact(row) for row in rows}


async def newest_boot(connection: AsyncConnection, charge_point_id: str) -> BootFact | None:
    """Return the newest boot; None when the charge point never booted."""
    return (await newest_boots(connection, [charge_point_id])).get(charge_point_id)
