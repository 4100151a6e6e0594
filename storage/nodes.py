"""Nodes, the OCPP servers: each says every few seconds that it lives."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from storage.clock import database_now
from storage.models.connections import ChargePointConnection, Node
from storage.rows import Rows

NODE_BEAT: Final = timedelta(seconds=5)
NODE_DEADLINE: Final = timedelta(seconds=15)
_ROW_KEPT: Final = timedelta(days=1)


def beats() -> ColumnElement[bool]:
    """Predicate on ``nodes``: it beat within 15 s."""
    # The database has stamped the beat, too: no clock of a process has a say in who is alive.
    return col(Node.seen_at) > database_now(ago=NODE_DEADLINE)


async def live_nodes(connection: AsyncConnection) -> list[str]:
    """Return the ids of the nodes that beat within 15 s."""
    beating = select(col(Node.id)).where(beats())
    return await Rows(connection).values(beating.order_by(col(Node.id)))


async def beat(connection: AsyncConnection, node_id: str) -> None:
    """Say that this node lives; the first beat registers it and deletes rows of dead nodes."""
    now = database_now()
    rows = Rows(connection)
    if not await rows.at(Node, node_id).set(seen_at=now):
        await rows.those(Node, col(Node.seen_at) < database_now(ago=_ROW_KEPT)).remove()
        await rows.add(Node, id=node_id, started_at=now, seen_at=now)


async def leave(connection: AsyncConnection, node_id: str, *, at: datetime) -> None:
    """End every link of a node that stops, and the node itself."""
    # In one order: just now they move to other nodes, which would wait for each other with this.
    its_links = (col(ChargePointConnection.node_id) == node_id) & col(
        ChargePointConnection.disconnected_at
    ).is_(None)
    await connection.execute(
        select(col(ChargePointConnection.charge_point_id))
        .where(its_links)
        .order_by(col(ChargePointConnection.charge_point_id))
        .with_for_update(key_share=True)
    )
    await Rows(connection).those(ChargePointConnection, its_links).set(disconnected_at=at)
    await Rows(connection).at(Node, node_id).remove()
