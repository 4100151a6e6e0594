"""Records that workflows read and write: of runs, of charge points, of sites, of billing."""

from datetime import timedelta
from typing import Final, Protocol

from temporalio import activity
from temporalio.service import RPCError

from domain import commissioning, ownership
from domain.batch import WaitNote
from domain.billing.messages import BillTransaction, TransactionBilled
from domain.facts import Snapshot
from domain.names import BATCH_CHANGED_SIGNAL, batch_workflow_id
from domain.ports import Directory, RebootStagger, RunRecords
from domain.power import facts as site

_RPC_TIMEOUT: Final = timedelta(seconds=5)


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
    async def readings(
        self, transaction: commissioning.NamedTransaction
    ) -> commissioning.TransactionReadings:
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


class SiteActivities(Protocol):
    """Records of a site whose power is shared, each safe to repeat."""

    @activity.defn
    async def read_site(self, question: site.SiteQuestion) -> site.SiteSnapshot:
        """Read the site's limit, and what is known of its charge points."""

    @activity.defn
    async def read_draws(self, question: site.DrawsQuestion) -> site.Draws:
        """Read what transactions draw, by the newest of their meter values."""

    @activity.defn
    async def take_out(self, order: site.TakeOut) -> None:
        """Take a charge point out of the site that cannot draw any more, if that is still asked."""

    @activity.defn
    async def record_states(self, states: site.StationStates) -> None:
        """Note how far smart charging is on charge points."""

    @activity.defn
    async def set_limit(self, change: site.SetLimit) -> None:
        """Note what the supply carries."""

    @activity.defn
    async def set_electrical(self, change: site.SetElectrical) -> None:
        """Note how a charge point is connected."""

    @activity.defn(name="pause_smart_charging")
    async def pause(self, change: site.PauseSmartCharging) -> None:
        """Note that smart charging is paused, or not any more."""


class BillingActivities(Protocol):
    """Charge detail records of transactions that have ended."""

    @activity.defn(name="settle")  # as histories name it
    async def bill(self, due: BillTransaction) -> TransactionBilled:
        """Issue the record of a transaction, or correct the one that was issued: each once."""


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
        await _notify_batch(finished.batch_of)
        return finished

    @activity.defn
    async def note_wait(self, note: WaitNote) -> None:
        """Keep in the run's row what it waits for; an open batch of the project hears of it."""
        await _notify_batch(await self._records.note_wait(note))

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


async def _notify_batch(project_id: str | None) -> None:
    """Signal the project's batch, if there is one.

    The signal carries nothing and may be lost: the batch reads the database, and looks again by
    itself after a while.
    """
    if project_id is None:
        return
    batch = activity.client().get_workflow_handle(batch_workflow_id(project_id))
    try:
        await batch.signal(BATCH_CHANGED_SIGNAL, rpc_timeout=_RPC_TIMEOUT)
    except RPCError as error:
        activity.logger.info("batch_not_told", extra={"project": project_id, "why": repr(error)})
