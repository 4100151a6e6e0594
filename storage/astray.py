"""What came during a run to the wrong place: filed elsewhere, or over the endpoint of another."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.commissioning import RunRequest
from domain.facts import Astray
from domain.knocking import REFUSAL_COUNTS_FOR
from domain.messages import MessageKind
from domain.rules.likeness import serial_key
from storage.contest_marks import counts
from storage.run_tags import is_tag_of_the_run
from storage.tables import boots, charge_points, commissioning_runs, meter_values, transactions

_MOST: Final = 20


async def read_astray(connection: AsyncConnection, request: RunRequest) -> tuple[Astray, ...]:
    """Return it by action, the newest of each last."""
    return (
        *await _boots(connection, request, since=request.started_at - REFUSAL_COUNTS_FOR),
        *await _starts(connection, request),
        *await _values(connection, request),
    )


async def _boots(
    connection: AsyncConnection, request: RunRequest, *, since: datetime
) -> list[Astray]:
    """Find its serial number in what others of the project said last."""
    own = serial_key(
        await connection.scalar(
            select(charge_points.c.serial_number).where(
                charge_points.c.id == request.charge_point_id
            )
        )
        or ""
    )
    rows = await connection.execute(
        select(boots, charge_points.c.location_address)
        .join(charge_points, charge_points.c.id == boots.c.charge_point_id)
        .where(charge_points.c.project_id == request.project_id)
        .where(charge_points.c.id != request.charge_point_id)
        .where(charge_points.c.serial_key != own)
        .where(boots.c.at >= since)
        .where(counts(boots))
        .where(
            or_(
                func.lower(func.trim(boots.c.charge_point_serial)) == own,
                func.lower(func.trim(boots.c.charge_box_serial)) == own,
            )
        )
        .order_by(boots.c.at.desc())
        .limit(_MOST)
    )
    return [
        Astray(
            action=MessageKind.BOOT,
            at=row.at,
            charge_point_id=row.charge_point_id,
            place=row.location_address or "",
        )
        for row in rows
    ][::-1]


async def _starts(connection: AsyncConnection, request: RunRequest) -> list[Astray]:
    """Find transactions with the run's tag that others of the project began."""
    rows = await connection.execute(
        select(transactions, charge_points.c.location_address)
        .join(charge_points, charge_points.c.id == transactions.c.charge_point_id)
        .join(commissioning_runs, commissioning_runs.c.id == request.commissioning_id)
        .where(charge_points.c.project_id == request.project_id)
        .where(charge_points.c.id != request.charge_point_id)
        .where(is_tag_of_the_run(transactions.c.id_tag))
        .order_by(transactions.c.id.desc())
        .limit(_MOST)
    )
    return [
        Astray(
            action=MessageKind.TRANSACTION_STARTED,
            at=row.received_at,
            connector_id=row.connector_id,
            transaction_id=row.id,
            charge_point_id=row.charge_point_id,
            place=row.location_address or "",
        )
        for row in rows
    ][::-1]


async def _values(connection: AsyncConnection, request: RunRequest) -> list[Astray]:
    """Say under which connectors and transactions values were filed, and under none."""
    recent = (
        select(transactions.c.id)
        .where(transactions.c.charge_point_id == request.charge_point_id)
        .order_by(transactions.c.id.desc())
        .limit(_MOST)
    )
    # Each by an index of its own: the table is the largest.
    outside = meter_values.c.transaction_id.is_(None)
    filed = meter_values.c.transaction_id.in_(recent.scalar_subquery())
    found = [row for which in (outside, filed) for row in await _newest(connection, request, which)]
    return [
        Astray(
            action=MessageKind.METER_VALUES,
            at=row.newest,
            connector_id=row.connector_id,
            transaction_id=row.transaction_id,
        )
        for row in sorted(found, key=lambda row: row.newest)
    ]


async def _newest(
    connection: AsyncConnection, request: RunRequest, which: ColumnElement[bool]
) -> Sequence[Row[Any, Any, Any]]:
    values = meter_values.c
    newest = func.max(values.received_at).label("newest")
    rows = await connection.execute(
        select(values.connector_id, values.transaction_id, newest)
        .where(which)
        .where(values.charge_point_id == request.charge_point_id)
        .where(values.received_at >= request.started_at)
        .group_by(values.connector_id, values.transaction_id)
        .order_by(newest.desc())
        .limit(_MOST)
    )
    return rows.all()
