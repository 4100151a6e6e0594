"""What a crash leaves between the database and Temporal is reconciled, in both directions."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import insert, literal, select, update
from sqlmodel import col
from temporalio.api.enums.v1 import EventType
from temporalio.client import (
    Client,
    DescribeWorkflowInput,
    ListWorkflowsInput,
    StartWorkflowInput,
    WorkflowExecutionStatus,
    WorkflowHandle,
)
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Worker

from activities.binding import done_by
from activities.records import BillingActivities
from domain.audit import ENGINE
from domain.batch import BatchRequest
from domain.commissioning import CancelRequest, RunOptions, RunToStart
from domain.ids import Prefix, new_id
from domain.mail import MailNotice
from domain.names import (
    batch_workflow_id,
    billing_workflow_id,
    commissioning_workflow_id,
    configuration_workflow_id,
    contest_notice_workflow_id,
    gathered_mail_workflow_id,
    held_digest_workflow_id,
    orphaned_transaction_workflow_id,
    site_workflow_id,
)
from domain.ownership import Owner
from domain.states import (
    BatchScope,
    ChargePointStatus,
    InvitationStatus,
    ProjectRole,
    ProjectStatus,
    RunStatus,
    ServiceVisitStatus,
    TransactionBilling,
)
from domain.withdrawals import WithdrawalOrder
from storage.batches import Batches
from storage.bill_transaction import StoredBilling
from storage.catalogue import load_catalogue
from storage.charge_points import read_registered
from storage.engine import Database
from storage.lost_transactions import left_running
from storage.mail_notices import KEPT
from storage.models.accounts import AccountSession
from storage.models.charge_points import ChargePoint
from storage.models.connections import ChargePointConnection, Node
from storage.models.invitations import Invitation, ServiceVisit
from storage.models.mail import MailNotice as NoticeRow
from storage.models.projects import Project
from storage.models.transactions import Transaction
from storage.ownership import let_go, owned, take
from storage.parameters import Parameters
from storage.runs import Runs
from storage.sessions import AccountSessions
from temporal import starts
from temporal.reconciler import Reconciler
from tests.api.node import contest, hold
from tests.support.billing import Site as BillingSite
from tests.support.eventually import eventually
from tests.support.holding import held_record
from tests.support.interception import intercepted
from tests.support.post import mail_notices
from tests.support.rows import AT, one_charge_point, run_request
from worker import workflow_runner
from workflows.billing import BillingWorkflow

LATER = AT + timedelta(minutes=1)


class Site:
    """One charge point with a run, on a task queue that nobody serves."""

    def __init__(self, client: Client, database: Database, task_queue: str) -> None:
        self.client = client
        self.database = database
        self.task_queue = task_queue
        self.charge_point = f"cp_{uuid4().hex}"
        self.request = run_request(self.charge_point)
        self.now = LATER

    @property
    def workflow_id(self) -> str:
        return commissioning_workflow_id(self.charge_point)

    async def accept_start(self) -> None:
        """What the API commits before it starts the workflow."""
        await one_charge_point(self.database, charge_point_id=self.charge_point)
        async with self.database.write() as connection:
            await Runs(connection).create_starting(self.request)

    async def start_workflow(self) -> None:
        async with self.database.read() as connection:
            registered = await read_registered(connection, self.charge_point)
        run = RunToStart(request=self.request, registered=registered)
        assert await starts.run(run).begin(self.client, self.task_queue)

    async def begin(self) -> None:
        """What the workflow's first activity commits."""
        async with self.database.write() as connection:
            await Runs(connection).begin(self.request.commissioning_id, id_tag="A1")
            await take(
                connection,
                self.charge_point,
                owner=await self.owner(),
                run=self.request.commissioning_id,
            )

    async def owner(self) -> Owner:
        """The workflow that runs, if one does."""
        try:
            found = await self.client.get_workflow_handle(self.workflow_id).describe()
        except RPCError:
            return Owner(workflow_id=self.workflow_id, execution="of a Temporal that is gone")
        return Owner(workflow_id=self.workflow_id, execution=found.run_id)

    async def reconcile(self) -> None:
        await Reconciler(
            self.client, self.database, now=lambda: self.now, task_queue=self.task_queue
        ).reconcile()

    async def workflow(self, identity: str | None = None) -> WorkflowExecutionStatus | None:
        try:
            found = await self.client.get_workflow_handle(identity or self.workflow_id).describe()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return None
        return found.status

    async def row(self) -> RunStatus:
        async with self.database.read() as connection:
            run = await Runs(connection).latest(self.charge_point)
        assert run is not None
        return run.status

    async def owners(self) -> list[tuple[str, Owner]]:
        async with self.database.read() as connection:
            found = await owned(connection, after="", limit=10)
        return [(one.charge_point_id, one.owner) for one in found]


async def terminate(client: Client, workflow_id: str) -> None:
    """As an operator does it; and until the list of workflows, which lags, knows."""
    await client.get_workflow_handle(workflow_id).terminate("by an operator")

    async def is_listed_no_more() -> None:
        running = f"WorkflowId = '{workflow_id}' AND ExecutionStatus = 'Running'"
        assert (await client.count_workflows(running)).count == 0

    await eventually(is_listed_no_more)


async def test_the_end_of_the_run_before_is_not_its_own(
    temporal_client: Client, database: Database, task_queue: str
) -> None:
    """Temporal has lost the run and knows the one before, which had the same workflow id."""
    site = Site(temporal_client, database, task_queue)
    await site.accept_start()
    before, site.request = site.request, replace(site.request, commissioning_id="com_before")
    await site.start_workflow()
    site.request = before
    await terminate(site.client, site.workflow_id)
    await site.begin()
    await site.reconcile()
    assert await site.row() is RunStatus.IN_PROGRESS
    assert await site.workflow() is WorkflowExecutionStatus.RUNNING


async def test_a_row_without_its_workflow_gets_it(
    temporal_client: Client, database: Database, task_queue: str
) -> None:
    site = Site(temporal_client, database, task_queue)
    await site.accept_start()  # and here the API was killed
    await site.reconcile()
    assert await site.workflow() is WorkflowExecutionStatus.RUNNING
    await site.reconcile()  # the next round, or another worker's: no second workflow
    assert await site.row() is RunStatus.STARTING


async def test_a_young_row_is_left_to_the_api_that_is_starting_it(
    temporal_client: Client, database: Database, task_queue: str
) -> None:
    site = Site(temporal_client, database, task_queue)
    site.now = AT + timedelta(seconds=5)
    await site.accept_start()
    await site.reconcile()
    assert await site.workflow() is None


async def test_a_terminated_run_fails_and_frees_its_charge_point(
    temporal_client: Client, database: Database, task_queue: str
) -> None:
    site = Site(temporal_client, database, task_queue)
    await site.accept_start()
    await site.start_workflow()
    await site.begin()
    await site.reconcile()
    assert await site.row() is RunStatus.IN_PROGRESS  # all is well: nothing is touched
    assert await site.owners() == [(site.charge_point, await site.owner())]
    await terminate(site.client, site.workflow_id)
    await site.reconcile()
    assert await site.row() is RunStatus.FAILED
    assert await site.owners() == []
    async with database.read() as connection:
        run = await Runs(connection).latest(site.charge_point)
        assert run is not None
        assert run.view is not None
        assert run.view.failure is not None
        assert run.view.failure.code == "run_ended_from_outside"
        assert "terminated" in run.view.failure.cause
        assert (await read_registered(connection, site.charge_point)).charge_point_id
    async with database.write() as connection:  # and the next start is possible
        await Runs(connection).create_starting(
            run_request(site.charge_point, commissioning_id="com_2")
        )


async def test_a_run_that_temporal_has_lost_is_started_again(
    temporal_client: Client, database: Database, task_queue: str
) -> None:
    site = Site(temporal_client, database, task_queue)
    await site.accept_start()
    await site.begin()  # by a workflow of a Temporal whose data is gone
    await site.reconcile()
    assert await site.workflow() is WorkflowExecutionStatus.RUNNING
    assert await site.row() is RunStatus.IN_PROGRESS


async def test_a_charge_point_owned_by_the_dead_is_freed(
    temporal_client: Client, database: Database, task_queue: str
) -> None:
    site = Site(temporal_client, database, task_queue)
    await one_charge_point(
        database, charge_point_id=site.charge_point, status=ChargePointStatus.COMMISSIONED
    )
    async with database.write() as connection:
        owner = Owner(workflow_id=configuration_workflow_id(site.charge_point), execution="1")
        await take(connection, site.charge_point, owner=owner, run=None)
    await site.reconcile()
    assert await site.owners() == []


async def test_who_has_just_taken_a_charge_point_keeps_it(
    temporal_client: Client, database: Database, task_queue: str
) -> None:
    """Every run of a charge point has the same workflow id, and so has every push."""
    site = Site(temporal_client, database, task_queue)
    await one_charge_point(database, charge_point_id=site.charge_point)
    first = Owner(workflow_id=configuration_workflow_id(site.charge_point), execution="1")
    second = replace(first, execution="2")

    async def the_next_takes_it(_: DescribeWorkflowInput) -> None:
        async with database.write() as connection:
            await let_go(connection, site.charge_point, owner=first)
            assert await take(connection, site.charge_point, owner=second, run=None) is None

    async with database.write() as connection:
        await take(connection, site.charge_point, owner=first, run=None)
    site.client = intercepted(temporal_client, describe=the_next_takes_it)
    await site.reconcile()
    assert await site.owners() == [(site.charge_point, second)]


async def test_one_that_cannot_be_reconciled_holds_up_no_other(
    temporal_client: Client, database: Database, task_queue: str
) -> None:
    site = Site(temporal_client, database, task_queue)
    await site.accept_start()
    async with database.write() as connection:
        owner = Owner(workflow_id=configuration_workflow_id(site.charge_point), execution="1")
        await take(connection, site.charge_point, owner=owner, run=None)

    async def refuse(_: StartWorkflowInput) -> None:
        raise RPCError("refused", RPCStatusCode.INVALID_ARGUMENT, b"")

    site.client = intercepted(temporal_client, start=refuse)
    await site.reconcile()
    assert await site.row() is RunStatus.STARTING
    assert await site.owners() == []


async def test_a_step_that_fails_holds_up_no_other(
    temporal_client: Client, database: Database, task_queue: str
) -> None:
    site = Site(temporal_client, database, task_queue)
    await site.accept_start()

    def refuse(_: ListWorkflowsInput) -> None:
        raise RPCError("no list today", RPCStatusCode.UNAVAILABLE, b"")

    site.client = intercepted(temporal_client, lists=refuse)
    await site.reconcile()
    assert await site.workflow() is WorkflowExecutionStatus.RUNNING
    await site.begin()
    await terminate(site.client, site.workflow_id)
    await site.reconcile()
    assert await site.row() is RunStatus.FAILED


async def _start_transaction(site: Site, id_tag: str) -> str:
    async with site.database.write() as connection:
        started: str | None = await connection.scalar(
            insert(Transaction)
            .values(
                ocpp_id=uuid4().hex,
                charge_point_id=site.charge_point,
                evse_id=1,
                id_tag=id_tag,
                started_at=LATER,
                meter_start=0,
                received_at=LATER,
            )
            .returning(col(Transaction.ocpp_id))
        )
    assert started is not None
    return started


async def test_a_transaction_that_outlived_its_run_gets_its_alarm(
    temporal_client: Client, database: Database, task_queue: str
) -> None:
    site = Site(temporal_client, database, task_queue)
    await site.accept_start()
    await site.start_workflow()
    await site.begin()
    ours = await _start_transaction(site, "A1")
    somebodys = await _start_transaction(site, "B2")
    async with database.read() as connection:
        assert await left_running(connection, after=0, limit=10) == []  # the run looks after it
    await terminate(site.client, site.workflow_id)
    await site.reconcile()
    async with database.read() as connection:
        ((_, orphaned),) = await left_running(connection, after=0, limit=10)
    assert orphaned.transaction_id == ours != somebodys
    assert orphaned.commissioning_id == site.request.commissioning_id
    alarm = site.client.get_workflow_handle(
        orphaned_transaction_workflow_id(site.charge_point, ours)
    )
    assert (await alarm.describe()).status is WorkflowExecutionStatus.RUNNING
    first = (await alarm.describe()).run_id
    await site.reconcile()  # the next round raises no second one
    assert (await alarm.describe()).run_id == first
    await terminate(temporal_client, alarm.id)


async def test_a_session_at_what_is_to_be_withdrawn_gets_its_alarm(
    temporal_client: Client, database: Database, task_queue: str
) -> None:
    site = Site(temporal_client, database, task_queue)
    await one_charge_point(database, charge_point_id=site.charge_point)
    somebodys = await _start_transaction(site, "B2")
    async with database.write() as connection:
        order = WithdrawalOrder(reason="Dropped", by=ENGINE, asked_at=LATER)
        await connection.execute(update(ChargePoint).values(withdrawal=order))
        ((_, orphaned),) = await left_running(connection, after=0, limit=10)
    assert (orphaned.transaction_id, orphaned.commissioning_id) == (somebodys, None)
    await site.reconcile()  # nobody is there who could be told to stop
    async with database.read() as connection:
        assert await left_running(connection, after=0, limit=10) == []
        row = (await connection.execute(select(ChargePoint.__table__))).one()
    assert row.status == ChargePointStatus.WITHDRAWN
    assert row.withdrawal is None
    alarm = site.client.get_workflow_handle(
        orphaned_transaction_workflow_id(site.charge_point, somebodys)
    )
    await terminate(temporal_client, alarm.id)


async def test_a_transaction_that_waits_to_be_billed_is_billed(
    temporal_client: Client, database: Database, task_queue: str
) -> None:
    """The node died between its commit and the start; the mark in the row tells."""
    site = BillingSite(database, charge_point_id=f"cp_{uuid4().hex}")
    await site.begin()
    transaction = await site.session()
    billing = temporal_client.get_workflow_handle(
        billing_workflow_id(site.charge_point_id, str(transaction))
    )
    reconciler = Reconciler(temporal_client, database, now=lambda: site.now, task_queue=task_queue)
    await reconciler.reconcile()
    first = (await billing.describe()).run_id
    await reconciler.reconcile()  # it runs already
    assert (await billing.describe()).run_id == first
    async with Worker(
        temporal_client,
        task_queue=task_queue,
        workflows=[BillingWorkflow],
        activities=[
            *done_by(
                StoredBilling(database, load_catalogue(), now=lambda: site.now), BillingActivities
            )
        ],
        workflow_runner=workflow_runner(),
    ):
        settled = await billing.result()
    (cdr,) = await site.cdrs(transaction)
    assert settled == {"cdr_ids": [cdr.id], "reason": None}
    await reconciler.reconcile()  # nothing waits any more
    assert (await billing.describe()).run_id == first


async def test_a_transaction_that_was_overtaken_is_ended_and_billed(
    temporal_client: Client, database: Database, task_queue: str
) -> None:
    site = BillingSite(database, charge_point_id=f"cp_{uuid4().hex}")
    await site.begin()
    lost = await site.start()
    await site.start("2026-05-02T10:00", meter=11_000, id_tag="ANOTHER")
    reconciler = Reconciler(temporal_client, database, now=lambda: site.now, task_queue=task_queue)
    await reconciler.reconcile()
    assert await site.mark(lost) == TransactionBilling.DUE
    site.now += timedelta(minutes=1)
    await reconciler.reconcile()
    billing = temporal_client.get_workflow_handle(
        billing_workflow_id(site.charge_point_id, str(lost))
    )
    await billing.describe()
    await terminate(temporal_client, billing.id)


async def test_the_owner_is_told_of_held_records_by_one_mail(
    temporal_client: Client, database: Database, task_queue: str
) -> None:
    site = Site(temporal_client, database, task_queue)
    project_id = await _a_project(site)
    await held_record(database, project_id, site.charge_point)
    site.now = AT + timedelta(hours=1)
    await site.reconcile()
    digest = temporal_client.get_workflow_handle(held_digest_workflow_id(project_id))
    first = await digest.describe()
    await site.reconcile()
    assert (await digest.describe()).run_id == first.run_id
    await terminate(temporal_client, digest.id)


async def test_who_is_in_charge_is_told_of_a_contest_by_one_mail(
    temporal_client: Client, database: Database, task_queue: str
) -> None:
    site = Site(temporal_client, database, task_queue)
    await _a_project(site)
    await hold(database, site.charge_point, task_queue)
    await contest(database, site.charge_point)
    await site.reconcile()
    mail = temporal_client.get_workflow_handle(contest_notice_workflow_id(site.charge_point))
    first = await mail.describe()
    await site.reconcile()
    assert (await mail.describe()).run_id == first.run_id
    await terminate(temporal_client, mail.id)


async def test_gathered_notices_leave_by_one_mail_when_they_are_due(
    temporal_client: Client, database: Database, task_queue: str
) -> None:
    site = Site(temporal_client, database, task_queue)
    await _a_project(site)
    async with database.read() as connection:
        account_id = await connection.scalar(select(col(Project.installer_id)))
    assert account_id is not None
    notices = mail_notices(database, per_hour=1, now=lambda: AT)
    for number in range(3):
        about = f"verdict:{task_queue}-{number}"
        await notices.admit(
            MailNotice(account_id=account_id, to="a@example.com", about=about, subject="s")
        )
    async with database.read() as connection:
        first = await connection.scalar(
            select(NoticeRow.__table__.c.id)
            .where(NoticeRow.__table__.c.due_at.is_not(None))
            .limit(1)
        )
    assert first is not None
    mail = temporal_client.get_workflow_handle(gathered_mail_workflow_id(first))
    site.now = AT + timedelta(minutes=14)
    await site.reconcile()
    assert not await _runs(mail)  # all tests share one Temporal: there may be an older one
    site.now = AT + timedelta(minutes=15)
    await site.reconcile()
    run_id = (await mail.describe()).run_id
    await site.reconcile()
    assert (await mail.describe()).run_id == run_id
    await terminate(temporal_client, mail.id)


async def _runs(workflow: WorkflowHandle[Any, Any]) -> bool:
    try:
        return (await workflow.describe()).status is WorkflowExecutionStatus.RUNNING
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return False


async def _a_project(site: Site) -> str:
    """The site's charge point in a project that no other test has: all share one Temporal."""
    project_id = new_id(Prefix.PROJECT)
    await one_charge_point(site.database, charge_point_id=site.charge_point)
    async with site.database.write() as connection:
        await connection.execute(
            insert(Project).from_select(
                [column.name for column in Project.__table__.columns],
                select(
                    *(
                        literal(project_id) if column is Project.__table__.c.id else column
                        for column in Project.__table__.columns
                    )
                ),
            )
        )
        await connection.execute(update(ChargePoint).values(project_id=project_id))
    return project_id


async def test_the_power_of_a_site_that_was_handed_over_is_shared(
    temporal_client: Client, database: Database, task_queue: str
) -> None:
    site = Site(temporal_client, database, task_queue)
    project_id = await _a_project(site)
    await site.reconcile()
    assert await site.workflow(site_workflow_id(project_id)) is None
    async with database.write() as connection:
        await connection.execute(
            update(Project)
            .where(col(Project.id) == project_id)
            .values(status=ProjectStatus.HANDED_OVER)
        )  # and here the worker was killed
    await site.reconcile()
    sharing = temporal_client.get_workflow_handle(site_workflow_id(project_id))
    first = await sharing.describe()
    assert first.status is WorkflowExecutionStatus.RUNNING
    await site.reconcile()
    assert (await sharing.describe()).run_id == first.run_id
    await terminate(temporal_client, sharing.id)
    await site.reconcile()
    assert (await sharing.describe()).status is WorkflowExecutionStatus.RUNNING


# By the database's clock, which is not the site's.
_TOMORROW = datetime.now(UTC) + timedelta(days=1)


async def _queue_configuration(site: Site) -> None:
    """What `customize` commits, for a charge point that is connected to a node."""
    await one_charge_point(site.database, charge_point_id=site.charge_point)
    async with site.database.write() as connection:
        await connection.execute(insert(Node).values(id="node_1", started_at=AT, seen_at=_TOMORROW))
        await connection.execute(
            insert(ChargePointConnection).values(
                charge_point_id=site.charge_point,
                node_id="node_1",
                generation=1,
                ocpp_version="1.6",
                connected_at=AT,
                last_seen_at=AT,
            )
        )
        await Parameters(connection).queue(site.charge_point, {"HeartbeatInterval": "30"}, at=AT)


async def test_a_configuration_that_nobody_pushes_is_pushed(
    temporal_client: Client, database: Database, task_queue: str
) -> None:
    site = Site(temporal_client, database, task_queue)
    await _queue_configuration(site)  # and here the API was killed, or the node
    pushing = configuration_workflow_id(site.charge_point)
    await site.reconcile()
    assert await site.workflow(pushing) is None  # it may still be on its way
    site.now = AT + timedelta(minutes=2)
    await site.reconcile()
    assert await site.workflow(pushing) is WorkflowExecutionStatus.RUNNING


async def test_a_charge_point_that_did_not_answer_is_asked_at_its_next_connection(
    temporal_client: Client, database: Database, task_queue: str
) -> None:
    site = Site(temporal_client, database, task_queue)
    await _queue_configuration(site)
    site.now = AT + timedelta(minutes=2)
    await site.reconcile()
    push = temporal_client.get_workflow_handle(configuration_workflow_id(site.charge_point))
    first = await push.describe()
    await terminate(temporal_client, push.id)
    await site.reconcile()
    assert (await push.describe()).run_id == first.run_id
    async with database.write() as connection:
        again = first.start_time + timedelta(seconds=1)
        await connection.execute(update(ChargePointConnection).values(connected_at=again))
    site.now = again + timedelta(minutes=2)
    await site.reconcile()
    assert (await push.describe()).run_id != first.run_id


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_has_had_its_day_is_forgotten(
    temporal_client: Client, database: Database, task_queue: str
) -> None:
    site = Site(temporal_client, database, task_queue)
    await one_charge_point(database)
    left, given_up = (
        MailNotice(account_id="usr_1", to="a@example.com", about=f"verdict:{name}", subject="s")
        for name in ("left", "given up")
    )
    notices = mail_notices(database, now=lambda: AT)
    for notice in (left, given_up):
        await notices.admit(notice)
    await notices.sent(left.about)
    async with database.write() as connection:
        for name, expires_at in (("old", AT), ("young", AT + timedelta(days=9))):
            session = AccountSession(
                id=f"ses_{name}",
                account_id="usr_1",
                created_at=AT,
                expires_at=expires_at,
                address="203.0.113.9",
                user_agent=None,
            )
            await AccountSessions(connection, "usr_1").open(session)
    for site.now, notes in ((LATER, 2), (AT + KEPT + timedelta(minutes=1), 0)):
        await site.reconcile()
        async with database.read() as connection:
            sessions = await AccountSessions(connection, "usr_1").page(
                now=AT - timedelta(days=1), before=None, limit=9
            )
            assert len((await connection.execute(select(NoticeRow.__table__))).all()) == notes
        assert [one.id for one in sessions] == ["ses_young"]


async def test_a_configuration_is_left_to_who_owns_the_charge_point(
    temporal_client: Client, database: Database, task_queue: str
) -> None:
    site = Site(temporal_client, database, task_queue)
    await _queue_configuration(site)
    async with database.write() as connection:
        await Runs(connection).create_starting(site.request)
    await site.start_workflow()
    await site.begin()
    site.now = AT + timedelta(minutes=2)
    await site.reconcile()
    assert await site.workflow(configuration_workflow_id(site.charge_point)) is None


async def _accept_batch(site: Site) -> tuple[str, str]:
    """What the API commits before it wakes the batch's workflow; the project and the batch."""
    project_id = await _a_project(site)
    async with site.database.write() as connection:
        request = BatchRequest(
            batch_id=new_id(Prefix.BATCH),
            project_id=project_id,
            installer_id="usr_1",
            started_by="usr_1@acme.example",
            started_at=AT,
            options=RunOptions(),
        )
        await Batches(connection).create(request, load_catalogue(), scope=BatchScope.ALL, only=None)
    return project_id, request.batch_id


async def test_a_batch_without_its_workflow_gets_it(
    temporal_client: Client, database: Database, task_queue: str
) -> None:
    site = Site(temporal_client, database, task_queue)
    project_id, _ = await _accept_batch(site)  # and here the API was killed
    handle = temporal_client.get_workflow_handle(batch_workflow_id(project_id))
    site.now = AT + timedelta(seconds=5)
    await site.reconcile()
    with pytest.raises(RPCError):  # it is young: the API may still be at it
        await handle.describe()
    site.now = LATER
    await site.reconcile()
    found = await handle.describe()
    assert found.status is WorkflowExecutionStatus.RUNNING
    await site.reconcile()  # the next round leaves it alone
    events = [event async for event in handle.fetch_history_events()]
    assert (
        sum(
            event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED for event in events
        )
        == 1
    )
    await terminate(temporal_client, handle.id)
    await site.reconcile()
    assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
    assert (await handle.describe()).run_id != found.run_id


async def test_a_batch_hears_that_it_was_cancelled(
    temporal_client: Client, database: Database, task_queue: str
) -> None:
    site = Site(temporal_client, database, task_queue)
    project_id, batch_id = await _accept_batch(site)
    await site.reconcile()
    async with database.write() as connection:
        await Batches(connection).request_cancel(batch_id, CancelRequest(by="usr_1@acme.example"))
    await site.reconcile()  # the API died before it could tell
    handle = temporal_client.get_workflow_handle(batch_workflow_id(project_id))
    events = [event async for event in handle.fetch_history_events()]
    assert (
        sum(
            event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED for event in events
        )
        == 2
    )


async def test_a_service_visit_that_nobody_looks_after_starts_its_workflow(
    temporal_client: Client, database: Database, task_queue: str
) -> None:
    site = Site(temporal_client, database, task_queue)
    project = await _a_project(site)
    async with database.write() as connection:
        owner = await connection.scalar(select(col(Project.installer_id)))
        await connection.execute(
            insert(ServiceVisit).values(
                id="sv_1",
                project_id=project,
                opened_by=owner,
                opened_at=AT,
                ends_at=AT + timedelta(days=7),
                purpose="Bay 3",
                all_charge_points=True,
                email="s@acme.example",
                invitation_id="inv_1",
                status=ServiceVisitStatus.INVITED,
            )
        )
    site.now = AT + timedelta(seconds=5)
    await site.reconcile()
    assert await site.workflow(project) is None  # it may still be on its way
    site.now = AT + timedelta(minutes=2)
    await site.reconcile()
    assert await site.workflow(project) is WorkflowExecutionStatus.RUNNING
    events = (await temporal_client.get_workflow_handle(project).fetch_history()).events
    started = events[0].workflow_execution_started_event_attributes.input.payloads[0].data
    assert b'"handed_over":true' in started
    assert b"sv_1" in started


async def test_an_invitation_whose_end_was_missed_is_told_to_a_workflow(
    temporal_client: Client, database: Database, task_queue: str
) -> None:
    site = Site(temporal_client, database, task_queue)
    project = await _a_project(site)
    async with database.write() as connection:
        await connection.execute(
            insert(Invitation).values(
                id="inv_1",
                project_id=project,
                email="a@acme.example",
                role=ProjectRole.SITE_OWNER,
                token_hash="-",
                status=InvitationStatus.PENDING,
                created_at=AT,
                expires_at=AT,
            )
        )
    site.now = AT + timedelta(seconds=30)
    await site.reconcile()
    assert await site.workflow(project) is None  # it may still be on its way
    site.now = AT + timedelta(minutes=2)
    await site.reconcile()
    assert await site.workflow(project) is WorkflowExecutionStatus.RUNNING
    events = (await temporal_client.get_workflow_handle(project).fetch_history()).events
    signals = [
        event.workflow_execution_signaled_event_attributes.signal_name
        for event in events
        if event.HasField("workflow_execution_signaled_event_attributes")
    ]
    assert signals == ["invitation_ended"]
