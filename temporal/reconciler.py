"""Heals what a crash left between the database and Temporal, within a minute.

Rows and workflows are two systems. A run's row is committed before its workflow is started, and its
verdict before its workflow closes; so whatever dies in between, one of these holds, and is mended:

- a row that waits for its workflow: the workflow is started (the start is idempotent);
- a row whose workflow Temporal does not know (it lost its data): the workflow is started again;
- a row whose workflow was ended from outside (terminated): the run fails, and says so;
- a charge point owned by a workflow that has ended: it is free again;
- a charge point that is there, and values that nobody pushes to it: their push is started;
- a service visit that is open, or over and nobody was told, without the project's workflow: it is
  started again, with all visits of the project;
- a site that was handed over and whose power nobody shares: its workflow is started;
- a charge point whose local list is not what its owner admits by now: its update is started;
- a transaction that has ended, and nobody told: it is ended, and its site is told;
- a transaction that has ended and waits to be billed: its billing is started;
- held records that their owner has not been told of, once a day: a mail is started;
- a charge point that several links speak as, and nobody was told: a mail is started;
- the open commissioning of a project without its workflow, or cancelled and not told: it is woken;
- a test transaction that outlived its run (its start was told too late): it gets its alarm;
- a charge point that is to be withdrawn, and something goes on at it: that is ended, and it is;
- an invitation whose end the project's workflow has missed: it is told, and started if need be;
- what has had its day (an answer that was kept for a repeat of its request, a session whose token
  has expired, a notice that has left): it is forgotten.

Every worker runs one; two at work do no harm. A row that cannot be mended, or a whole step that
fails, is logged and holds up no other.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from operator import attrgetter, itemgetter
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio.client import Client, WorkflowExecutionStatus

from domain.billing.messages import BillTransaction
from domain.commissioning import CancelRequest, RunToStart, StrayTransaction
from domain.facts import ChargePointEvent, ChargePointEvents, EventKind
from domain.handover import ProjectRequest
from domain.ids import Prefix, new_id
from domain.names import (
    CHARGE_POINT_EVENTS_SIGNAL,
    LOCAL_LIST_PREFIX,
    LOOK_AGAIN_SIGNAL,
    SHARED_TASK_QUEUE,
    batch_workflow_id,
    commissioning_workflow_id,
    configuration_workflow_id,
    local_list_workflow_id,
    site_workflow_id,
    stray_transaction_workflow_id,
)
from domain.power.facts import SiteRequest
from domain.rules.ended import ended_from_outside
from storage.account_sessions import forget_sessions
from storage.batches import Batch, Batches, read_owner
from storage.billing_due import due
from storage.charge_points import read_registered
from storage.contest_notices import untold_contests
from storage.engine import Database
from storage.held_notices import untold
from storage.invitations import Invitations
from storage.kept_answers import KeptAnswers
from storage.local_lists import due_lists
from storage.mail_notices import due_notices, forget_notices
from storage.outages import Outage
from storage.ownership import Owned, let_go, owned
from storage.run_log import write_run_log
from storage.runs import Run, Runs
from storage.site_records import handed_over_sites
from storage.strays import left_running
from storage.superseded import Superseded, left, overtaken, supersede
from storage.unpushed import Unpushed, unpushed
from storage.visit_records import visits_to_look_after
from storage.withdrawals import Pending, Withdrawals, pending_withdrawals
from temporal import starts
from temporal.client import RPC_TIMEOUT
from temporal.open_workflows import OpenWorkflows
from temporal.run_start import is_of
from temporal.run_starter import TemporalRunStarter
from temporal.start import Start
from temporal.sweep import Sweep

_ROUND = timedelta(seconds=15)
_STEP = timedelta(seconds=10)  # one that needs longer goes on at the next round
_YOUNG = timedelta(seconds=10)  # an API may still be starting it
_MISSED = timedelta(minutes=1)
_LISTS_AT_ONCE = 50
_INVITATION_ROUND = timedelta(minutes=15)  # the workflow, too, tries so often to tell the installer
_LOOK_ROUND = timedelta(minutes=5)  # a site that was told of a withdrawal looks as often
_log = structlog.get_logger(__name__)


class Reconciler:
    """Looks at every row that may need it, each round."""

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
        self._open = OpenWorkflows(client)
        self._outage = Outage("reconciler_step_failed", log=_log)
        self._next_invitations = now()
        self._lists_begun = 0
        self._next_looks: dict[str, datetime] = {}
        self._runs = TemporalRunStarter(client, database, now=now, task_queue=task_queue)
        self._sweeps: Sequence[Sweep[Any, Any]] = (
            Sweep(
                "waiting",
                self._waiting,
                key=attrgetter("request.commissioning_id"),
                first="",
                mend=self._begin,
            ),
            Sweep(
                "runs",
                _in_progress,
                key=attrgetter("request.commissioning_id"),
                first="",
                mend=self._look_after_run,
            ),
            Sweep(
                "batches",
                _open_batches,
                key=attrgetter("request.batch_id"),
                first="",
                mend=self._look_after_batch,
            ),
            Sweep("owned", owned, key=attrgetter("charge_point_id"), first="", mend=self._free),
            Sweep(
                "unpushed",
                self._unpushed,
                key=attrgetter("charge_point_id"),
                first="",
                mend=self._push,
            ),
            Sweep(
                "strays",
                left_running,
                key=attrgetter("transaction_id"),
                first=0,
                mend=self._raise_alarm,
            ),
            Sweep(
                "sites",
                handed_over_sites,
                key=attrgetter("project_id"),
                first="",
                mend=self._share_power,
            ),
            Sweep("lists", self._lists_due, key=str, first="", mend=self._update_list),
            Sweep(
                "visits",
                self._visits,
                key=attrgetter("project_id"),
                first="",
                mend=self._look_after_visits,
            ),
            Sweep(
                "withdrawals",
                pending_withdrawals,
                key=attrgetter("charge_point_id"),
                first="",
                mend=self._withdraw,
            ),
            Sweep(
                "overtaken",
                self._overtaken,
                key=attrgetter("transaction_id"),
                first=0,
                mend=self._supersede,
            ),
            Sweep(
                "left",
                self._left,
                key=attrgetter("transaction_id"),
                first=0,
                mend=self._supersede,
            ),
            Sweep("notices", self._notices_due, key=int, first=0, mend=self._mail_gathered),
            Sweep("contests", untold_contests, key=str, first="", mend=self._tell_of_contest),
            Sweep("held", self._untold, key=str, first="", mend=self._tell_of_held),
            Sweep("bills", self._due, key=attrgetter("transaction_id"), first=0, mend=self._bill),
        )
        self._invitations = Sweep(
            "invitations", self._missed, key=itemgetter(0), first="", mend=self._tell_it_has_ended
        )

    async def run(self) -> None:
        """Heal for ever; what fails in an outage is tried again at the next round."""
        while True:
            await self.heal()
            await asyncio.sleep(_ROUND.total_seconds())

    async def heal(self) -> None:
        """One round."""
        self._lists_begun = 0
        done = [await self._step("list", self._open.refresh())]
        done += [await self._step(sweep.name, sweep.go(self._database)) for sweep in self._sweeps]
        done.append(await self._step("forget", self._forget()))
        if all(done):
            self._outage.over()
        if self._now() >= self._next_invitations and await self._step(
            "invitations", self._invitations.go(self._database)
        ):
            self._next_invitations = self._now() + _INVITATION_ROUND

    async def _step(self, name: str, step: Awaitable[bool]) -> bool:
        """Whether all of it was done."""
        try:
            async with asyncio.timeout(_STEP.total_seconds()):
                return await step
        except Exception as error:  # noqa: BLE001 - healing outlives every outage
            self._outage.failed(error, step=name)
            return False

    async def _forget(self) -> bool:
        async with self._database.write() as connection:
            await KeptAnswers(connection).purge(before=self._now())
            await forget_notices(connection, now=self._now())
            await forget_sessions(connection, now=self._now())
        return True

    async def _waiting(
        self, connection: AsyncConnection, *, after: str, limit: int
    ) -> Sequence[Run]:
        before = self._now() - _YOUNG
        return await Runs(connection).starting_since(before, after=after, limit=limit)

    async def _begin(self, run: Run) -> None:
        await self._start(run, why="never_started")

    async def _look_after_run(self, run: Run) -> None:
        workflow_id = commissioning_workflow_id(run.request.charge_point_id)
        if self._open.lists(workflow_id):
            return
        last = await self._open.describe(workflow_id)
        # The runs before it had the same id: the end of one of them is not its own.
        if last is None or not is_of(last.typed_search_attributes, run.request):
            await self._start(run, why="unknown_to_temporal")
        elif last.status is not None and last.status is not WorkflowExecutionStatus.RUNNING:
            await self._end(run, how=last.status.name.lower())

    async def _look_after_batch(self, batch: Batch) -> None:
        request = batch.request
        if request.started_at > self._now() - _YOUNG:
            return
        if batch.cancel is None and await self._open.have(batch_workflow_id(request.project_id)):
            return
        async with self._database.read() as connection:
            owner = await read_owner(connection, request.project_id)
        await self._began(starts.batch(owner))
        _log.warning("batch_woken", batch=request.batch_id, project=request.project_id)

    async def _free(self, held: Owned) -> None:
        if await self._open.have(held.owner.workflow_id):
            return
        # The next run may have begun since that answer: it is another execution, and keeps it.
        async with self._database.write() as connection:
            await let_go(connection, held.charge_point_id, owner=held.owner)
        _log.warning(
            "charge_point_freed",
            charge_point=held.charge_point_id,
            owner=held.owner.workflow_id,
        )

    async def _unpushed(
        self, connection: AsyncConnection, *, after: str, limit: int
    ) -> Sequence[Unpushed]:
        before = self._now() - _MISSED
        return await unpushed(connection, before=before, after=after, limit=limit)

    async def _push(self, waiting: Unpushed) -> None:
        charge_point = waiting.charge_point_id
        last = await self._open.describe(configuration_workflow_id(charge_point))
        # A charge point that does not answer is not asked again before its next connection.
        if last is not None and last.start_time > waiting.since:
            return
        await self._began(starts.configuration(charge_point))
        _log.warning("configuration_push_started", charge_point=charge_point)

    async def _raise_alarm(self, stray: StrayTransaction) -> None:
        if self._open.lists(stray_transaction_workflow_id(stray.transaction_id)):
            return
        if await self._began(starts.stray_transaction(stray)):
            _log.warning("transaction_left_running", transaction=stray.transaction_id)

    async def _withdraw(self, pending: Pending) -> None:
        """See to the end of what goes on, and to what follows it."""
        identity, order = pending.charge_point_id, pending.order
        cancel = CancelRequest(by=order.by.email or "", reason=order.reason, actor=order.by)
        async with asyncio.timeout(RPC_TIMEOUT.total_seconds()):
            known = await self._runs.cancel_open(identity, cancel)
        if not known:
            async with self._database.write() as connection:
                run = await Runs(connection).open_run(identity)
                if run is not None:
                    await Runs(connection).abandon(run.request, by=order.by, at=self._now())
        async with self._database.write() as connection:
            if await Withdrawals(connection).settle(identity, at=self._now()):
                _log.info("charge_point_withdrawn", charge_point=identity)
            registered = await read_registered(connection, identity)
        if self._next_looks.get(identity, self._now()) <= self._now():
            self._next_looks[identity] = self._now() + _LOOK_ROUND
            await self._have_the_site_look(registered.project_id, identity)

    async def _have_the_site_look(self, project_id: str, charge_point_id: str) -> None:
        """Tell the workflow of a site, if it is handed over, what it may have missed."""
        site = site_workflow_id(project_id)
        if self._open.lists(site):
            await self._client.get_workflow_handle(site).signal(
                LOOK_AGAIN_SIGNAL, charge_point_id, rpc_timeout=RPC_TIMEOUT
            )

    async def _share_power(self, site: SiteRequest) -> None:
        if self._open.lists(site_workflow_id(site.project_id)):
            return
        if await self._began(starts.site(site)):
            _log.warning("site_started_again", project=site.project_id)

    async def _visits(
        self, connection: AsyncConnection, *, after: str, limit: int
    ) -> Sequence[ProjectRequest]:
        before = self._now() - _YOUNG
        return await visits_to_look_after(connection, before=before, after=after, limit=limit)

    async def _look_after_visits(self, project: ProjectRequest) -> None:
        if await self._open.have(project.project_id):
            return
        await self._began(starts.project(project))
        _log.warning("visits_looked_after_again", project=project.project_id)

    async def _lists_due(
        self, connection: AsyncConnection, *, after: str, limit: int
    ) -> Sequence[str]:
        return await due_lists(connection, now=self._now(), after=after, limit=limit)

    async def _update_list(self, charge_point: str) -> None:
        if self._open.lists(local_list_workflow_id(charge_point)):
            return
        if self._lists_begun + self._open.count(LOCAL_LIST_PREFIX) >= _LISTS_AT_ONCE:
            return  # at the next round: a node has other things to do, too
        self._lists_begun += 1
        await self._began(starts.local_list(charge_point))

    async def _overtaken(
        self, connection: AsyncConnection, *, after: int, limit: int
    ) -> Sequence[Superseded]:
        return await overtaken(connection, now=self._now(), after=after, limit=limit)

    async def _left(
        self, connection: AsyncConnection, *, after: int, limit: int
    ) -> Sequence[Superseded]:
        return await left(connection, now=self._now(), after=after, limit=limit)

    async def _supersede(self, which: Superseded) -> None:
        """The site is told first: were that lost, the row would be no reason to tell it again."""
        at = self._now()
        site = site_workflow_id(which.project_id)
        if self._open.lists(site):
            event = ChargePointEvent(
                event_id=new_id(Prefix.EVENT),
                kind=EventKind.TRANSACTION_STOPPED,
                at=at,
                charge_point_id=which.charge_point_id,
                transaction=which.ended,
            )
            await self._client.get_workflow_handle(site).signal(
                CHARGE_POINT_EVENTS_SIGNAL,
                ChargePointEvents(events=(event,)),
                rpc_timeout=RPC_TIMEOUT,
            )
        async with self._database.write() as connection:
            if await supersede(connection, which, at=at):
                _log.warning("transaction_superseded", transaction=which.transaction_id)

    async def _untold(
        self, connection: AsyncConnection, *, after: str, limit: int
    ) -> Sequence[str]:
        return await untold(connection, now=self._now(), after=after, limit=limit)

    async def _notices_due(
        self, connection: AsyncConnection, *, after: int, limit: int
    ) -> Sequence[int]:
        return await due_notices(connection, now=self._now(), after=after, limit=limit)

    async def _mail_gathered(self, notice_id: int) -> None:
        await self._began(starts.gathered_mail(notice_id))

    async def _tell_of_contest(self, charge_point_id: str) -> None:
        await self._began(starts.contest_notice(charge_point_id))

    async def _tell_of_held(self, project_id: str) -> None:
        await self._began(starts.held_digest(project_id))

    async def _due(
        self, connection: AsyncConnection, *, after: int, limit: int
    ) -> Sequence[BillTransaction]:
        return await due(connection, ended_before=self._now() - _YOUNG, after=after, limit=limit)

    async def _bill(self, bill: BillTransaction) -> None:
        if await self._began(starts.billing(bill)):
            _log.warning("billing_started_again", transaction=bill.transaction_id)

    async def _missed(
        self, connection: AsyncConnection, *, after: str, limit: int
    ) -> Sequence[tuple[str, ProjectRequest]]:
        before = self._now() - _MISSED
        return await Invitations(connection).unsettled(before=before, after=after, limit=limit)

    async def _tell_it_has_ended(self, missed: tuple[str, ProjectRequest]) -> None:
        invitation_id, project = missed
        await self._began(starts.invitation_ended(project, invitation_id))
        _log.warning("invitation_end_was_missed", invitation=invitation_id)

    async def _began(self, start: Start) -> bool:
        return await start.begin(self._client, self._task_queue)

    async def _start(self, run: Run, *, why: str) -> None:
        async with self._database.read() as connection:
            registered = await read_registered(connection, run.request.charge_point_id)
        # Refused by this very run, about to begin; or by the one before it, about to close.
        if await self._began(starts.run(RunToStart(request=run.request, registered=registered))):
            _log.warning("run_started_again", run=run.request.commissioning_id, why=why)

    async def _end(self, run: Run, *, how: str) -> None:
        """Fail a run that has no workflow and no verdict; a verdict written meanwhile stands."""
        view = ended_from_outside(run.request, at=self._now(), how=how)
        async with self._database.write() as connection:
            if await Runs(connection).finish(view):
                await write_run_log(connection, view)
                _log.warning("run_ended_from_outside", run=view.commissioning_id, how=how)
        await self._have_the_site_look(run.request.project_id, run.request.charge_point_id)


async def _in_progress(connection: AsyncConnection, *, after: str, limit: int) -> Sequence[Run]:
    return await Runs(connection).in_progress(after=after, limit=limit)


async def _open_batches(connection: AsyncConnection, *, after: str, limit: int) -> Sequence[Batch]:
    return await Batches(connection).all_open(after=after, limit=limit)
