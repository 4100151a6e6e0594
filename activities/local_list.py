"""Local lists of id tags: activities on the task queue of the node with the sockets."""

from temporalio import activity

from activities.charge_point import under_heartbeats
from domain.offline import LocalListUpdated, UpdateLocalList
from domain.operations import OperationName
from domain.ports import LocalListGateway


class LocalListActivities:
    """See :class:`domain.ports.LocalListGateway`."""

    def __init__(self, gateway: LocalListGateway) -> None:
        self._gateway = gateway

    @activity.defn(name=OperationName.UPDATE_LOCAL_LIST)
    async def update_local_list(self, request: UpdateLocalList) -> LocalListUpdated:
        """Read who is admitted, and send what the charge point does not have yet."""
        return await under_heartbeats(self._gateway.update_local_list(request))
