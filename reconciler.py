"""Heals what a crash left between the database and Temporal, within a minute.

Rows and workflows are two systems. A run's row is committed before its workflow is started, and its
verdict before its workflow closes; so whatever dies in between, one of these holds, and is mended:

- a row that waits for its workflow: the workflow is started (the start is idempotent);
- a row whose workflow Temporal does not know (it lost its data): the workflow is started again;
- a row whose workflow was ended from outside (terminated): the run fails, and says so;
- a charge point owned by a workflow that has ended: it is free again;
- a site that was handed over and whose power nobody shares: its workflow is started;
- a transaction that has ended and waits to be billed: its billing is started;
- the open commissioning of a project without its workflow, or cancelled and not told: it is woken;
- a test transaction that outlived its run (its start was told too late): it gets its alarm;
- an invitation whose end the project's workflow has missed: it is told, and started if need be.

Every worker runs one; two at work do no harm.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from domain.checks import CheckRecord, RunView
from domain.failures import FailureCode, failure
from domain.names import SHARED_TASK_QUEUE, batch_workflow_id, commissioning_workflow_id
from domain.states import CheckName, CheckResult, RunStatus
from storage.batches import Batches, read_owner
from storage.billing_due import due
from storage.charge_points import read_registered
from storage.engine import Database
from storage.invitations import Invitations
from storage.ownership import let_go, owned
from storage.run_log import write_run_log
from storage.runs import Run, Runs
from storage.site_records import handed_over_sites
from storage.strays import left_running
from workflows.batch_start import wake_batch
from workflows.billing_start import start_billing
from workflows.project_start import tell_invitation_ended
from workflows.run_start import RunStart, start_run
from workflows.site_start import start_site
from workflows.stray_start import start_stray

_ROUND = timedelta(seconds=15)
_YOUNG = timedelta(seconds=10)  # an API may still be starting it
_MISSED = timedelta(minutes=1)
_INVITATION_ROUND = timedelta(minutes=15)  # the workflow, too, tries so often to tell the installer
_PAGE = 200
_RPC_TIMEOUT = timedelta(seconds=5)
_log = structlog.get_logger(__name__)


class Reconciler:
    """Looks at a page of rows each round, and goes on from there at the next."""

    def __init__(
        self,
        client: Client,
        database: Database,
        *,
        now: Callable[[], datetime],
        task_queue: str = SHARED_TASK_QUEUE,
    ) -> None:
        self._client = client
        self._database = database
        self._now = now
        self._task_queue = task_queue
        self._last_run = ""
        self._last_batch = ""
        self._last_owned = ""
        self._last_left_running = 0
        self._last_site = ""
        self._last_due = 0
        self._next_invitations = now()

    async def run(self) -> None:
        """Heal for ever; an outage is tried again at the next round."""
        while True:
            try:
                await self.heal()
            except Exception as error:  # noqa: BLE001 - healing outlives every outage
                _log.warning("reconciler_round_failed", error=str(error)[:300])
            await asyncio.sleep(_ROUND.total_seconds())

    async def heal(self) -> None:
        """One round."""
        await self._start_what_waits()
        await self._look_after_runs()
        await self._look_after_batches()
        await self._free_what_is_owned_by_the_dead()
        await self._raise_alarms()
        await self._share_power()
        await self._bill_what_is_due()
        await self._settle_invitations()

    async def _start_what_waits(self) -> None:
        async with self._database.read() as connection:
            waiting = await Runs(connection).starting_since(self._now() - _YOUNG)
        for run in waiting:
            await self._start(run, why="never_started")

    async def _look_after_runs(self) -> None:
        async with self._database.read() as connection:
            page = await Runs(connection).in_progress(after=self._last_run, limit=_PAGE)
        self._last_run = page[-1].request.commissioning_id if len(page) == _PAGE else ""
        for run in page:
            workflow_id = commissioning_workflow_id(run.request.charge_point_id)
            status = await self._status(workflow_id)
            if status is None:
                await self._start(run, why="unknown_to_temporal")
            elif status is not WorkflowExecutionStatus.RUNNING:
                await self._end(run, how=status.name.lower())

    async def _look_after_batches(self) -> None:
        async with self._database.read() as connection:
            page = await Batches(connection).all_open(after=self._last_batch, limit=_PAGE)
        self._last_batch = page[-1].request.batch_id if len(page) == _PAGE else ""
        for batch in page:
            request = batch.request
            if request.started_at > self._now() - _YOUNG:
                continue
            status = await self._status(batch_workflow_id(request.project_id))
            if status is WorkflowExecutionStatus.RUNNING and batch.cancel is None:
                continue
            async with self._database.read() as connection:
                owner = await read_owner(connection, request.project_id)
            await wake_batch(
                self._client, owner, task_queue=self._task_queue, rpc_timeout=_RPC_TIMEOUT
            )
            _log.warning("batch_woken", batch=request.batch_id, project=request.project_id)

    async def _free_what_is_owned_by_the_dead(self) -> None:
        async with self._database.read() as connection:
            page = await owned(connection, after=self._last_owned, limit=_PAGE)
        self._last_owned = page[-1][0] if len(page) == _PAGE else ""
        for charge_point_id, owner in page:
            if await self._status(owner) is WorkflowExecutionStatus.RUNNING:
                continue
            _log.warning("charge_point_freed", charge_point=charge_point_id, owner=owner)
            async with self._database.write() as connection:
                await let_go(connection, charge_point_id, owner=owner)

    async def _raise_alarms(self) -> None:
        async with self._database.read() as connection:
            page = await left_running(connection, after=self._last_left_running, limit=_PAGE)
        self._last_left_running = page[-1].transaction_id if len(page) == _PAGE else 0
        for stray in page:
            if await start_stray(
                self._client, stray, task_queue=self._task_queue, rpc_timeout=_RPC_TIMEOUT
            ):
                _log.warning("transaction_left_running", transaction=stray.transaction_id)

    async def _share_power(self) -> None:
        async with self._database.read() as connection:
            page = await handed_over_sites(connection, after=self._last_site, limit=_PAGE)
        self._last_site = page[-1].project_id if len(page) == _PAGE else ""
        for site in page:
            if await start_site(
                self._client, site, task_queue=self._task_queue, rpc_timeout=_RPC_TIMEOUT
            ):
                _log.warning("site_started_again", project=site.project_id)

    async def _bill_what_is_due(self) -> None:
        async with self._database.read() as connection:
            page = await due(
                connection,
                ended_before=self._now() - _YOUNG,
                after=self._last_due,
                limit=_PAGE,
            )
        self._last_due = page[-1].transaction_id if len(page) == _PAGE else 0
        for bill in page:
            if await start_billing(
                self._client, bill, task_queue=self._task_queue, rpc_timeout=_RPC_TIMEOUT
            ):
                _log.warning("billing_started_again", transaction=bill.transaction_id)

    async def _settle_invitations(self) -> None:
        now = self._now()
        if now < self._next_invitations:
            return
        async with self._database.read() as connection:
            missed = await Invitations(connection).unsettled(before=now - _MISSED, limit=_PAGE)
        for invitation_id, project in missed:
            await tell_invitation_ended(
                self._client,
                project,
                invitation_id,
                task_queue=self._task_queue,
                rpc_timeout=_RPC_TIMEOUT,
            )
            _log.warning("invitation_end_was_missed", invitation=invitation_id)
        self._next_invitations = now + _INVITATION_ROUND

    async def _start(self, run: Run, *, why: str) -> None:
        async with self._database.read() as connection:
            registered = await read_registered(connection, run.request.charge_point_id)
        start = RunStart(request=run.request, registered=registered)
        try:
            await start_run(
                self._client, start, task_queue=self._task_queue, rpc_timeout=_RPC_TIMEOUT
            )
        except WorkflowAlreadyStartedError:
            return  # this very run, about to begin; or the one before it, about to close
        _log.warning("run_started_again", run=run.request.commissioning_id, why=why)

    async def _end(self, run: Run, *, how: str) -> None:
        """Fail a run that has no workflow and no verdict; a verdict written meanwhile stands."""
        request = run.request
        view = RunView(
            commissioning_id=request.commissioning_id,
            charge_point_id=request.charge_point_id,
            status=RunStatus.FAILED,
            checks=tuple(
                CheckRecord(name=name, result=CheckResult.SKIPPED, skip_reason="The run was ended.")
                for name in CheckName
            ),
            started_at=request.started_at,
            completed_at=self._now(),
            failure=failure(FailureCode.RUN_ENDED_FROM_OUTSIDE, how=how),
            previous_commissioning_id=request.previous_commissioning_id,
            run_test_transaction=request.options.run_test_transaction,
            started_by=request.started_by,
        )
        async with self._database.write() as connection:
            if await Runs(connection).finish(view):
                await write_run_log(connection, view)
                _log.warning("run_ended_from_outside", run=request.commissioning_id, how=how)

    async def _status(self, workflow_id: str) -> WorkflowExecutionStatus | None:
        """Status of the newest workflow of that id; None when Temporal knows none."""
        try:
            found = await self._client.get_workflow_handle(workflow_id).describe(
                rpc_timeout=_RPC_TIMEOUT
            )
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise
        return found.status
