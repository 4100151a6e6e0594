"""Records: what a run reads when it begins and leaves when it ends, and where charge points are."""

from temporalio import activity

from activities.batch_notice import notify_batch
from domain.batch import WaitNote
from domain.commissioning import (
    AnswerNote,
    AvailabilityOwed,
    Briefing,
    Finished,
    NamedTransaction,
    Registered,
    RunRequest,
    RunVerdict,
    TransactionReadings,
    WhoseSerial,
)
from domain.facts import Snapshot
from domain.ownership import Claim, Owner, Release, Released, Whereabouts
from domain.ports import Directory, RunRecords


class RecordActivities:
    """Activities beside the database, each safe to repeat. The owner is the calling workflow."""

    def __init__(self, records: RunRecords) -> None:
        self._records = records

    @activity.defn
    async def begin_run(self, request: RunRequest) -> Briefing:
        """Open the run, begin to watch its charge point, and read all that is known of it."""
        return await self._records.begin_run(request, owner=_owner())

    @activity.defn
    async def accept_charge_point(self, charge_point_id: str) -> None:
        """From now on the charge point's boots are answered Accepted."""
        await self._records.accept_charge_point(charge_point_id)

    @activity.defn
    async def whose_serial(self, question: WhoseSerial) -> Registered | None:
        """Find the other charge point of the project that has such a serial number."""
        return await self._records.whose_serial(question)

    @activity.defn
    async def read_meter_values(self, transaction: NamedTransaction) -> TransactionReadings:
        """Read the meter values of a transaction, ordered by time."""
        return await self._records.readings(transaction)

    @activity.defn
    async def catch_up(self, request: RunRequest) -> Snapshot:
        """Read what is known of the charge point now, and see to it that the run still owns it."""
        return await self._records.catch_up(request, owner=_owner())

    @activity.defn
    async def is_newest_run(self, owed: AvailabilityOwed) -> bool:
        """Tell whether no other run of the charge point has begun since."""
        return await self._records.is_newest(owed)

    @activity.defn
    async def finish_run(self, verdict: RunVerdict) -> Finished:
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
    async def note_answer(self, note: AnswerNote) -> None:
        """Tell of an answer on the audit trail."""
        await self._records.note_answer(note)


class DirectoryActivities:
    """Where a charge point is, and whose it is for the moment."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    @activity.defn
    async def locate(self, charge_point_id: str) -> Whereabouts:
        """Find the node that holds the charge point's socket."""
        return await self._directory.locate(charge_point_id)

    @activity.defn
    async def claim(self, charge_point_id: str) -> Claim:
        """Take the charge point for a configuration push, unless another workflow has it.

        Its owner reads with it what is known by now.
        """
        return await self._directory.claim(charge_point_id, owner=_owner())

    @activity.defn
    async def release(self, request: Release) -> Released:
        """Give the charge point back."""
        return await self._directory.release(request, owner=_owner())


def _owner() -> Owner:
    info = activity.info()
    assert info.workflow_id is not None, "started by a workflow"  # noqa: S101
    assert info.workflow_run_id is not None, "started by a workflow"  # noqa: S101
    return Owner(workflow_id=info.workflow_id, execution=info.workflow_run_id)
