"""The stagger of reboots: the charge points of one project restart one after the other."""

from temporalio import activity

from domain.ownership import RebootRequest, RebootWait
from domain.ports import RebootStagger


class RebootActivities:
    """Hands out slots for reboots."""

    def __init__(self, slots: RebootStagger) -> None:
        self._slots = slots

    @activity.defn
    async def reserve_reboot(self, request: RebootRequest) -> RebootWait:
        """Reserve the project's next slot for this intent; the same intent has one slot."""
        return RebootWait(wait=await self._slots.reserve(request))
