"""BillingWorkflow: until nothing is due, and through outages."""

import asyncio

from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker

from domain.billing.messages import BillTransaction, TransactionBilled
from domain.names import BILLING_DUE_SIGNAL
from worker import workflow_runner
from workflows.billing import BillingWorkflow
from workflows.mails import HeldDigestWorkflow

REQUEST = BillTransaction(charge_point_id="cp_1", transaction_id="7")


class Ledger:
    """An activity that fails at first, and then waits to be let go."""

    def __init__(self) -> None:
        self.calls = 0
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()

    @activity.defn(name="settle")
    async def bill_transaction(self, request: BillTransaction) -> TransactionBilled:
        assert request == REQUEST
        self.calls += 1
        if self.calls == 1:
            raise OSError("the database is away")
        self.begun.set()
        await self.go_on.wait()
        return TransactionBilled(cdr_ids=(f"cdr_{self.calls}",))


async def test_what_becomes_due_while_it_bills_is_looked_at_again(
    temporal_client: Client, task_queue: str
) -> None:
    ledger = Ledger()
    async with Worker(
        temporal_client,
        task_queue=task_queue,
        workflows=[BillingWorkflow],
        activities=[ledger.bill_transaction],
        workflow_runner=workflow_runner(),
    ):
        handle = await temporal_client.start_workflow(
            BillingWorkflow.run,
            REQUEST,
            id=task_queue,
            task_queue=task_queue,
            start_signal=BILLING_DUE_SIGNAL,
        )
        await ledger.begun.wait()
        assert ledger.calls == 2  # the signal that came with the start is no second time
        await handle.signal(BILLING_DUE_SIGNAL)
        ledger.go_on.set()
        assert await handle.result() == TransactionBilled(cdr_ids=("cdr_3",))
    assert ledger.calls == 3


class Post:
    """A mail server that is away at first."""

    def __init__(self) -> None:
        self.calls = 0

    @activity.defn
    async def mail_held(self, project_id: str) -> None:
        assert project_id == "prj_1"
        self.calls += 1
        if self.calls == 1:
            raise OSError("the mail server is away")


async def test_a_mail_about_held_records_outlives_the_mail_server(
    temporal_client: Client, task_queue: str
) -> None:
    post = Post()
    async with Worker(
        temporal_client,
        task_queue=task_queue,
        workflows=[HeldDigestWorkflow],
        activities=[post.mail_held],
        workflow_runner=workflow_runner(),
    ):
        await temporal_client.execute_workflow(
            HeldDigestWorkflow.run, "prj_1", id=task_queue, task_queue=task_queue
        )
    assert post.calls == 2
