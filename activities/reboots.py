"""Turns at rebooting, so that the charge points of one project restart one after the other."""

from temporalio import activity

from domain.ownership import RebootRequest, RebootTurn
from domain.ports import RebootSlots


class RebootActivities:
    """Hands out turns."""

    def __init__(self, slots: RebootSlots) -> None:
        self._slots = slots

    @activity.defn
    async def reserve_reboot(self, request: RebootRequest) -> RebootTurn:
        """Reserve the project's next slot for this intent; the same intent has one slot."""
        return RebootTurn(wait=await self._slots.reserve(request))
