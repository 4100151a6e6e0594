"""The stagger of reboots: whatever restarts a charge point asks here first."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from datetime import timedelta

    from activities.records import OwnerActivities
    from domain.ownership import RebootRequest
    from workflows.local_activities import run_local


async def reserve_reboot_slot(charge_point_id: str, *, intent: str) -> timedelta:
    """Reserve a slot in the charge point's project; returns how long to wait for it, often zero.

    The intent is that of the restart: asking again for the same one gives the same slot. The
    caller waits durably, and then sends the restart.
    """
    reserved = await run_local(
        OwnerActivities.reserve_reboot,
        RebootRequest(charge_point_id=charge_point_id, intent=intent),
        summary="Take a turn to restart the charge point",
    )
    return reserved.wait
