"""OCPP server nodes that are alive."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.connections import NODE_DEADLINE
from storage.tables import nodes


async def live_nodes(connection: AsyncConnection, *, now: datetime) -> Sequence[str]:
    """Ids of the nodes whose last beat is fresh."""
    return (
        await connection.scalars(
            select(nodes.c.id).where(nodes.c.seen_at > now - NODE_DEADLINE).order_by(nodes.c.id)
        )
    ).all()
