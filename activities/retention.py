"""Deletes old rows, some seconds of work at a time."""

from datetime import timedelta
from typing import Final

from temporalio import activity

from domain.ports import Retention
from domain.retention import LetGo

_AT_MOST: Final = timedelta(seconds=30)


class RetentionActivities:
    """Lets go of what is old."""

    def __init__(self, retention: Retention) -> None:
        self._retention = retention

    @activity.defn
    async def let_go(self) -> LetGo:
        """Go on for half a minute, where the last one has stopped; a repeat does no harm."""
        return await self._retention.go_on(at_most=_AT_MOST, alive=activity.heartbeat)
