"""What came during a run to the wrong place: filed elsewhere, or over the endpoint of another."""

from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Row, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.commissioning import RunRequest
from domain.connection_attempts import REFUSAL_COUNTS_FOR
from domain.facts import Astray
from domain.messages import MessageKind
from domain.places import number_of
from domain.rules.likeness import serial_key
from storage.contest_marks import counts
from storage.dialects import among
from storage.models.charge_points import ChargePoint
from storage.models.facts import Boot
from storage.models.runs import CommissioningRun
from storage.models.transactions import MeterValue, Transaction
from storage.rows import Rows
from storage.run_queries import is_tag_of_the_run

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
        await Rows(connection).value(col(ChargePoint.serial_number), request.charge_point_id) or ""
    )
    rows = await connection.execute(
        select(Boot.__table__, col(ChargePoint.location_address))
        .join(ChargePoint, col(ChargePoint.id) == col(Boot.charge_point_id))
        .where(col(ChargePoint.project_id) == request.project_id)
        .where(col(ChargePoint.id) != request.charge_point_id, col(ChargePoint.serial_key) != own)
        .where(col(Boot.at) >= since, counts(Boot.__table__))
        .where(
            or_(
                func.lower(func.trim(col(Boot.charge_point_serial))) == own,
                func.lower(func.trim(col(Boot.charge_box_serial))) == own,
            )
        )
        .order_by(col(Boot.at).desc())
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
        select(Transaction.__table__, col(ChargePoint.location_address))
        .join(ChargePoint, col(ChargePoint.id) == col(Transaction.charge_point_id))
        .join(CommissioningRun, col(CommissioningRun.id) == request.commissioning_id)
        .where(col(ChargePoint.project_id) == request.project_id)
        .where(col(ChargePoint.id) != request.charge_point_id)
        .where(is_tag_of_the_run(col(Transaction.id_tag)))
        .order_by(col(Transaction.id).desc())
        .limit(_MOST)
    )
    return [
        Astray(
            action=MessageKind.TRANSACTION_STARTED,
            at=row.received_at,
            connector_id=number_of(row.evse_id),
            transaction_id=row.ocpp_id,
            charge_point_id=row.charge_point_id,
            place=row.location_address or "",
        )
        for row in rows
    ][::-1]


async def _values(connection: AsyncConnection, request: RunRequest) -> list[Astray]:
    """Say under which connectors and transactions values were filed, and under none."""
    recent = (
        select(col(Transaction.id))
        .where(col(Transaction.charge_point_id) == request.charge_point_id)
        .order_by(col(Transaction.id).desc())
        .limit(_MOST)
    )
    # Each by an index of its own: the table is the largest.
    outside = col(MeterValue.transaction_id).is_(None)
    filed = col(MeterValue.transaction_id).in_(recent.scalar_subquery())
    found = [row for which in (outside, filed) for row in await _newest(connection, request, which)]
    named = await connection.execute(
        select(col(Transaction.id), col(Transaction.ocpp_id)).where(
            among(connection, col(Transaction.id), {row.transaction_id for row in found})
        )
    )
    names = {row.id: row.ocpp_id for row in named}
    return [
        Astray(
            action=MessageKind.METER_VALUES,
            at=row.newest,
            connector_id=number_of(row.evse_id),
            transaction_id=names.get(row.transaction_id),
        )
        for row in sorted(found, key=lambda row: row.newest)
    ]


async def _newest(
    connection: AsyncConnection, request: RunRequest, which: ColumnElement[bool]
) -> list[Row[int, int | None, datetime]]:
    values = MeterValue.__table__.c
    newest = func.max(values.received_at).label("newest")
    return await Rows(connection).all(
        select(values.evse_id, values.transaction_id, newest)
        .where(which, values.charge_point_id == request.charge_point_id)
        .where(values.received_at >= request.started_at)
        .group_by(values.evse_id, values.transaction_id)
        .order_by(newest.desc())
        .limit(_MOST)
    )
