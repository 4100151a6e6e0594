"""Work that is finished though the client has left."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def finished(work: Coroutine[Any, Any, T]) -> T:
    """Finish what holds a database connection, though the client may leave in the middle of it."""
    return await asyncio.shield(asyncio.create_task(work))
