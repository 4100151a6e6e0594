"""A run waits for its slot to restart its charge point."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from datetime import timedelta

    from domain.states import WaitingFor
    from workflows.reboot_stagger import reserve_reboot_slot
    from workflows.run import Run


async def wait_for_reboot_slot(run: Run, intent: str) -> None:
    """Let other charge points of the project restart first, some seconds apart."""
    wait = await reserve_reboot_slot(run.request.charge_point_id, intent=intent)
    if wait > timedelta(0):
        await run.prompt(
            WaitingFor.REBOOT,
            lambda: False,
            wait,
            "The charge point is to restart, after others of the project that restart before it.",
        )
