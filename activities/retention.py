"""Deletes old rows, some seconds of work at a time."""

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from temporalio import activity

from domain.retention import LetGo

if TYPE_CHECKING:
    from storage.retention.rounds import StoredRetention

_AT_MOST: Final = timedelta(seconds=30)


class RetentionActivities:
    """Lets go of what is old."""

    def __init__(self, retention: "StoredRetention") -> None:
        self._retention = retention

    @activity.defn
    async def let_go(self) -> LetGo:
        """Go on for half a minute, where the last one has stopped; a repeat does no harm."""
        return await self._retention.go_on(at_most=_AT_MOST, alive=activity.heartbeat)
