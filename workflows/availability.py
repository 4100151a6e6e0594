"""AvailabilityWorkflow: makes connectors inoperative again that a cancelled run had to leave."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from dataclasses import replace

    from activities.charge_point import ChargePointActivities
    from activities.records import RecordActivities
    from domain.commissioning import AvailabilityOwed
    from domain.operations import ChangeAvailability, Reply
    from workflows import policies
    from workflows.charge_point import locate, on_node
    from workflows.local_activities import run_local

UNHEARD = frozenset({Reply.TIMEOUT, Reply.UNKNOWN})
"""After these a charge point may not even have got the command."""


@workflow.defn
class AvailabilityWorkflow:
    """Looks for the charge point ever more slowly, and puts back once it is there.

    Ends without that where another run has begun: what that one finds and leaves is what counts.
    """

    @workflow.run
    async def run(self, owed: AvailabilityOwed) -> None:
        """Look until nothing is owed any more."""
        pause = policies.OWED_FIRST_PAUSE
        for _ in range(policies.OWED_LOOKS_PER_RUN):
            if not await self._still_owed(owed):
                return
            owed = replace(owed, connector_ids=await self._left(owed))
            if not owed.connector_ids:
                return
            await workflow.sleep(pause, summary="Pause before the next look")
            pause = min(2 * pause, policies.OWED_LONGEST_PAUSE)
        workflow.continue_as_new(owed)

    async def _still_owed(self, owed: AvailabilityOwed) -> bool:
        return await run_local(
            RecordActivities.is_newest,
            owed,
            summary="Look whether another run has begun",
        )

    async def _left(self, owed: AvailabilityOwed) -> tuple[int, ...]:
        """Put back what can be put back now, and tell what is left."""
        found = await locate(owed.charge_point_id)
        if found.connection is None:
            return owed.connector_ids
        return tuple(
            [
                number
                for number in owed.connector_ids
                if not await self._put_back(owed, number, node_id=found.connection.node_id)
            ]
        )

    async def _put_back(self, owed: AvailabilityOwed, number: int, *, node_id: str) -> bool:
        try:
            outcome = await on_node(
                ChargePointActivities.change_availability,
                ChangeAvailability(
                    charge_point_id=owed.charge_point_id,
                    commissioning_id=owed.commissioning_id,
                    connector_id=number,
                    operative=False,
                ),
                node_id=node_id,
                summary=f"Make connector {number} inoperative again",
            )
        except ActivityError:
            workflow.logger.warning("availability_not_put_back")
            return False
        return outcome.reply not in UNHEARD
