"""Records: what a run reads when it begins and leaves when it ends, and where charge points are."""

from typing import Protocol

from temporalio import activity

from activities.batch_notice import notify_batch
from domain import commissioning, ownership
from domain.batch import WaitNote
from domain.facts import Snapshot
from domain.ports import Directory, RebootStagger, RunRecords


class RecordActivities(Protocol):
    """What is done beside the database alone, each safe to repeat."""

    @activity.defn
    async def accept_charge_point(self, charge_point_id: str) -> None:
        """From now on the charge point's boots are answered Accepted."""

    @activity.defn
    async def whose_serial(
        self, question: commissioning.WhoseSerial
    ) -> commissioning.Registered | None:
        """Find the other charge point of the project that has such a serial number."""

    @activity.defn(name="read_meter_values")
    async def readings(self, transaction_id: int) -> commissioning.TransactionReadings:
        """Read the meter values of a transaction, ordered by time."""

    @activity.defn(name="is_newest_run")
    async def is_newest(self, owed: commissioning.AvailabilityOwed) -> bool:
        """Tell whether no other run of the charge point has begun since."""

    @activity.defn
    async def note_answer(self, note: commissioning.AnswerNote) -> None:
        """Tell of an answer on the audit trail."""


class DirectoryActivities(Protocol):
    """Where a charge point is."""

    @activity.defn
    async def locate(self, charge_point_id: str) -> ownership.Whereabouts:
        """Find the node that holds the charge point's socket."""


class OwnerActivities:
    """What the workflow that calls does as the owner of a charge point, each safe to repeat."""

    def __init__(self, records: RunRecords, directory: Directory, reboots: RebootStagger) -> None:
        self._records = records
        self._directory = directory
        self._reboots = reboots

    @activity.defn
    async def begin_run(self, request: commissioning.RunRequest) -> commissioning.Briefing:
        """Open the run, begin to watch its charge point, and read all that is known of it."""
        return await self._records.begin_run(request, owner=_owner())

    @activity.defn
    async def catch_up(self, request: commissioning.RunRequest) -> Snapshot:
        """Read what is known of the charge point now, and see to it that the run still owns it."""
        return await self._records.catch_up(request, owner=_owner())

    @activity.defn
    async def finish_run(self, verdict: commissioning.RunVerdict) -> commissioning.Finished:
        """Store the verdict, unless there is one, and stop watching.

        An open batch of the project hears of it.
        """
        finished = await self._records.finish_run(verdict, owner=_owner())
        await notify_batch(finished.batch_of)
        return finished

    @activity.defn
    async def note_wait(self, note: WaitNote) -> None:
        """Keep in the run's row what it waits for; an open batch of the project hears of it."""
        await notify_batch(await self._records.note_wait(note))

    @activity.defn
    async def claim(self, charge_point_id: str) -> ownership.Claim:
        """Take the charge point for a configuration push, unless another workflow has it.

        Its owner reads with it what is known by now.
        """
        return await self._directory.claim(charge_point_id, owner=_owner())

    @activity.defn
    async def release(self, request: ownership.Release) -> ownership.Released:
        """Give the charge point back."""
        return await self._directory.release(request, owner=_owner())

    @activity.defn
    async def reserve_reboot(self, request: ownership.RebootRequest) -> ownership.RebootWait:
        """Reserve the project's next slot for this intent; the same intent has one slot."""
        return ownership.RebootWait(wait=await self._reboots.reserve(request))


def _owner() -> ownership.Owner:
    info = activity.info()
    assert info.workflow_id is not None, "started by a workflow"  # noqa: S101
    assert info.workflow_run_id is not None, "started by a workflow"  # noqa: S101
    return ownership.Owner(workflow_id=info.workflow_id, execution=info.workflow_run_id)
