"""Nodes, the OCPP servers: each says every few seconds that it lives."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from storage.clock import database_now
from storage.models.connections import ChargePointConnection, Node

NODE_BEAT: Final = timedelta(seconds=5)
NODE_DEADLINE: Final = timedelta(seconds=15)
_ROW_KEPT: Final = timedelta(days=1)


def beats() -> ColumnElement[bool]:
    """Predicate on ``nodes``: it beat within 15 s."""
    # The database has stamped the beat, too: no clock of a process has a say in who is alive.
    return col(Node.seen_at) > database_now(ago=NODE_DEADLINE)


async def live_nodes(connection: AsyncConnection) -> list[str]:
    """Return the ids of the nodes that beat within 15 s."""
    found = await connection.scalars(select(col(Node.id)).where(beats()).order_by(col(Node.id)))
    return list(found)


async def beat(connection: AsyncConnection, node_id: str) -> None:
    """Say that this node lives; the first beat registers it and deletes rows of dead nodes."""
    now = database_now()
    result = await connection.execute(
        update(Node).where(col(Node.id) == node_id).values(seen_at=now)
    )
    if result.rowcount == 0:
        await connection.execute(
            delete(Node).where(col(Node.seen_at) < database_now(ago=_ROW_KEPT))
        )
        await connection.execute(insert(Node).values(id=node_id, started_at=now, seen_at=now))


async def leave(connection: AsyncConnection, node_id: str, *, at: datetime) -> None:
    """End every link of a node that stops, and the node itself."""
    # In one order: just now they move to other nodes, which would wait for each other with this.
    await connection.execute(
        select(col(ChargePointConnection.charge_point_id))
        .where(col(ChargePointConnection.node_id) == node_id)
        .where(col(ChargePointConnection.disconnected_at).is_(None))
        .order_by(col(ChargePointConnection.charge_point_id))
        .with_for_update(key_share=True)
    )
    await connection.execute(
        update(ChargePointConnection)
        .where(col(ChargePointConnection.node_id) == node_id)
        .where(col(ChargePointConnection.disconnected_at).is_(None))
        .values(disconnected_at=at)
    )
    await connection.execute(delete(Node).where(col(Node.id) == node_id))
