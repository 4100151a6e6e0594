"""Limits of the charge points whose sockets are here."""

import asyncio
from typing import Final

from domain.operations import Outcome, Reply
from domain.ports import ChargePointGoneError
from domain.power import operations as power
from ocpp_server.registry import Registry

ANSWER_WITHIN: Final = 1.5  # seconds; one slow charge point must not hold up its site


class PowerOperations:
    """Implements :class:`activities.charge_point.PowerActivities`."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def limit_station(self, request: power.LimitStation) -> power.StationLimited:
        """Limit the charge point, then read back what it makes of it."""
        session = self._registry.require(request.charge_point_id)
        return await session.protocol.limits.limit_station(session, request)

    async def limit_connectors(self, request: power.LimitConnectors) -> power.ConnectorsLimited:
        """Limit transactions, those of different charge points at the same time."""
        outcomes = await asyncio.gather(*(self._limit(limit) for limit in request.limits))
        return power.ConnectorsLimited(outcomes=tuple(outcomes))

    async def lift_limits(self, request: power.LiftLimits) -> Outcome:
        """Clear what was set; what is not there counts as cleared."""
        session = self._registry.require(request.charge_point_id)
        return await session.protocol.limits.lift_limits(session, request)

    async def _limit(self, limit: power.ConnectorLimit) -> Outcome:
        session = self._registry.get(limit.charge_point_id)
        if session is None:
            return Outcome(reply=Reply.UNKNOWN, detail="It is not connected to this node.")
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                return await session.protocol.limits.limit_transaction(session, limit)
        except TimeoutError:
            return Outcome(reply=Reply.TIMEOUT, detail=f"No answer within {ANSWER_WITHIN:g} s.")
        except ChargePointGoneError:
            return Outcome(reply=Reply.UNKNOWN, detail="The connection broke before the answer.")
