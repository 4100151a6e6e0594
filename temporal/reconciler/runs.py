"""Runs and batches whose rows and workflows disagree, and what a run has left behind."""

from operator import attrgetter, itemgetter

import structlog
from temporalio.client import WorkflowExecutionStatus

from domain.commissioning import OrphanedTransaction, RunToStart
from domain.names import (
    batch_workflow_id,
    commissioning_workflow_id,
    orphaned_transaction_workflow_id,
)
from domain.rules.ended import ended_from_outside
from storage.batches import Batches, read_owner
from storage.charge_points import read_registered
from storage.lost_transactions import left_running
from storage.models.runs import Batch, CommissioningRun
from storage.ownership import Owned, let_go, owned
from storage.run_log import write_run_log
from storage.runs import Runs
from temporal import starts
from temporal.reconciler.step import YOUNG, ReconcilerParts, ReconcileStep
from temporal.run_starter import is_of

_log = structlog.get_logger(__name__)


class RunSteps:
    """Starts workflows, ends runs and frees charge points."""

    def __init__(self, parts: ReconcilerParts) -> None:
        self._parts = parts
        self.all = (
            ReconcileStep(
                "waiting",
                lambda connection, **page: Runs(connection).starting_since(
                    parts.now() - YOUNG, **page
                ),
                lambda run: self._start(run, why="never_started"),
                key=attrgetter("request.commissioning_id"),
            ),
            ReconcileStep(
                "runs",
                lambda connection, **page: Runs(connection).in_progress(**page),
                self._look_after_run,
                key=attrgetter("request.commissioning_id"),
            ),
            ReconcileStep(
                "batches",
                lambda connection, **page: Batches(connection).all_open(**page),
                self._look_after_batch,
                key=attrgetter("request.batch_id"),
            ),
            ReconcileStep("owned", owned, self._free, key=attrgetter("charge_point_id")),
            ReconcileStep(
                "orphans",
                left_running,
                lambda found: self._raise_alarm(found[1]),
                key=itemgetter(0),
                first=0,
            ),
        )

    async def _look_after_run(self, run: CommissioningRun) -> None:
        workflow_id = commissioning_workflow_id(run.request.charge_point_id)
        if self._parts.open.lists(workflow_id):
            return
        last = await self._parts.open.describe(workflow_id)
        # The runs before it had the same id: the end of one of them is not its own.
        if last is None or not is_of(last.typed_search_attributes, run.request):
            await self._start(run, why="unknown_to_temporal")
        elif last.status is not None and last.status is not WorkflowExecutionStatus.RUNNING:
            await self._end(run, how=last.status.name.lower())

    async def _look_after_batch(self, batch: Batch) -> None:
        request = batch.request
        if request.started_at > self._parts.now() - YOUNG:
            return
        workflow_id = batch_workflow_id(request.project_id)
        if batch.cancel is None and await self._parts.open.have(workflow_id):
            return
        async with self._parts.database.read() as connection:
            owner = await read_owner(connection, request.project_id)
        await self._parts.begin(starts.batch(owner))
        _log.warning("batch_woken", batch=request.batch_id, project=request.project_id)

    async def _free(self, held: Owned) -> None:
        if await self._parts.open.have(held.owner.workflow_id):
            return
        # The next run may have begun since that answer: it is another execution, and keeps it.
        async with self._parts.database.write() as connection:
            await let_go(connection, held.charge_point_id, owner=held.owner)
        _log.warning(
            "charge_point_freed",
            charge_point=held.charge_point_id,
            owner=held.owner.workflow_id,
        )

    async def _raise_alarm(self, orphaned: OrphanedTransaction) -> None:
        workflow_id = orphaned_transaction_workflow_id(
            orphaned.charge_point_id, orphaned.transaction_id
        )
        if self._parts.open.lists(workflow_id):
            return
        if await self._parts.begin(starts.orphaned_transaction(orphaned)):
            _log.warning("transaction_left_running", transaction=orphaned.transaction_id)

    async def _start(self, run: CommissioningRun, *, why: str) -> None:
        async with self._parts.database.read() as connection:
            registered = await read_registered(connection, run.request.charge_point_id)
        start = starts.run(RunToStart(request=run.request, registered=registered))
        # Refused by this very run, about to begin; or by the one before it, about to close.
        if await self._parts.begin(start):
            _log.warning("run_started_again", run=run.request.commissioning_id, why=why)

    async def _end(self, run: CommissioningRun, *, how: str) -> None:
        """Fail a run that has no workflow and no verdict; a verdict written meanwhile stands."""
        view = ended_from_outside(run.request, at=self._parts.now(), how=how)
        async with self._parts.database.write() as connection:
            if await Runs(connection).finish(view):
                await write_run_log(connection, view)
                _log.warning("run_ended_from_outside", run=view.commissioning_id, how=how)
        await self._parts.have_site_look(run.request.project_id, run.request.charge_point_id)
