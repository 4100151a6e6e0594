"""Limits of charge points: activities on the task queue of the node with their sockets."""

from temporalio import activity

from activities.charge_point import under_heartbeats
from domain.operations import OperationName, Outcome
from domain.ports import PowerGateway
from domain.power import operations as power


class PowerActivities:
    """One activity an operation; see :class:`domain.ports.PowerGateway`."""

    def __init__(self, gateway: PowerGateway) -> None:
        self._gateway = gateway

    @activity.defn(name=OperationName.LIMIT_STATION)
    async def limit_station(self, request: power.LimitStation) -> power.StationLimited:
        """Limit a charge point, and what it draws before a transaction has its own limit."""
        return await under_heartbeats(self._gateway.limit_station(request))

    @activity.defn(name=OperationName.LIMIT_CONNECTORS)
    async def limit_connectors(self, request: power.LimitConnectors) -> power.ConnectorsLimited:
        """Limit transactions."""
        return await under_heartbeats(self._gateway.limit_connectors(request))

    @activity.defn(name=OperationName.LIFT_LIMITS)
    async def lift_limits(self, request: power.LiftLimits) -> Outcome:
        """Take the limits of transactions away."""
        return await under_heartbeats(self._gateway.lift_limits(request))
