"""Histories of what takes hours and days, from the server that skips time."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.project import Invite
from domain.commissioning import AvailabilityOwed, OrphanedTransaction, RunOptions, RunRequest
from domain.facts import TransactionFact
from domain.handover import ProjectRequest
from domain.ids import Prefix, new_id
from domain.invitations import InvitationSent, InvitationSettled, NewInvitation
from domain.names import (
    WEBHOOK_FAILED,
    SearchAttribute,
    availability_workflow_id,
    commissioning_workflow_id,
    delivery_workflow_id,
    orphaned_transaction_workflow_id,
    webhook_task_queue,
)
from domain.states import InvitationStatus
from embedded import binaries
from temporal.client import DATA_CONVERTER
from temporal.search_attributes import add_search_attributes
from tests.support.temporal import TEST_SERVER
from tests.workflows.charger import EPOCH, Behaviour, MemoryRecords, ScriptedChargePoint
from tests.workflows.conftest import node_worker, shared_worker
from worker import workflow_runner
from workflows.after_run import AvailabilityWorkflow, StrayTransactionWorkflow
from workflows.commissioning import CommissioningWorkflow
from workflows.delivery import WebhookDeliveryWorkflow
from workflows.project import ProjectWorkflow

Recorded = Mapping[str, WorkflowHandle[Any, Any]]
"""Handles of workflows by the names of their files."""


async def on_skipping_time() -> AsyncIterator[tuple[Client, Recorded]]:
    """Play each scene; what it gives can be read until the next."""
    async with await WorkflowEnvironment.start_time_skipping(
        data_converter=DATA_CONVERTER,
        test_server_existing_path=str(binaries.find(TEST_SERVER)),
    ) as environment:
        await add_search_attributes(environment.client, SearchAttribute)
        for scene in (_waited_for_days, _asked_for_hours, _put_back_late, _given_up, _expired):
            yield environment.client, await scene(environment)


async def _asked_for_hours(environment: WorkflowEnvironment) -> Recorded:
    """A transaction that is asked to stop for hours."""
    client = environment.client
    charger = ScriptedChargePoint(Behaviour(stops=False), client, node_id=new_id(Prefix.NODE))
    charger.transaction = TransactionFact(
        transaction_id="7", connector_id=1, id_tag="T", started_at=EPOCH, meter_start=0
    )
    records, queue = MemoryRecords(charger), uuid4().hex
    async with shared_worker(client, records, queue), node_worker(client, charger):
        handle = await client.start_workflow(
            StrayTransactionWorkflow.run,
            OrphanedTransaction(
                charge_point_id="cp_1", commissioning_id="com_1", transaction_id="7"
            ),
            id=orphaned_transaction_workflow_id("cp_1", "7"),
            task_queue=queue,
        )
        await environment.sleep(timedelta(hours=2))
        assert charger.transaction is not None
        charger.transaction = replace(charger.transaction, stopped_at=EPOCH)
        await handle.result()
    return {"stray-transaction": handle}


async def _waited_for_days(environment: WorkflowEnvironment) -> Recorded:
    """The charge point is dark for days, then it comes and passes."""
    client = environment.client
    charger = ScriptedChargePoint(
        Behaviour(online=False, heals_when_made_available=False),
        client,
        node_id=new_id(Prefix.NODE),
    )
    records, queue = MemoryRecords(charger), uuid4().hex
    request = RunRequest(
        commissioning_id="com_1",
        charge_point_id="cp_1",
        project_id="prj_1",
        installer_id="usr_1",
        started_by="installer@acme.com",
        started_at=EPOCH,
        options=RunOptions(wait_for_connection=timedelta(days=14)),
    )
    async with shared_worker(client, records, queue), node_worker(client, charger):
        handle = await client.start_workflow(
            CommissioningWorkflow.run,
            request,
            id=commissioning_workflow_id("cp_1"),
            task_queue=queue,
        )
        charger.handle = handle  # type: ignore[assignment]
        await environment.sleep(timedelta(days=9))
        await charger.connect()
        await handle.result()
    return {"commissioning-waited-for-days": handle}


async def _put_back_late(environment: WorkflowEnvironment) -> Recorded:
    """A connector that could not be put back for hours: the charge point was away."""
    client = environment.client
    charger = ScriptedChargePoint(
        Behaviour(online=False, heals_when_made_available=False),
        client,
        node_id=new_id(Prefix.NODE),
    )
    records, queue = MemoryRecords(charger), uuid4().hex
    async with shared_worker(client, records, queue), node_worker(client, charger):
        handle = await client.start_workflow(
            AvailabilityWorkflow.run,
            AvailabilityOwed(charge_point_id="cp_1", commissioning_id="com_1", connector_ids=(1,)),
            id=availability_workflow_id("com_1"),
            task_queue=queue,
        )
        await environment.sleep(timedelta(hours=2))
        charger.behaviour.online = True
        await handle.result()
    return {"availability": handle}


@activity.defn(name="call_webhook")
async def _call_in_vain(_delivery_id: str) -> None:
    raise ApplicationError("It answered 503.", type=WEBHOOK_FAILED)


@activity.defn(name="give_up_webhook")
async def _give_up(_delivery_id: str) -> None:
    pass


async def _given_up(environment: WorkflowEnvironment) -> Recorded:
    """A webhook that does not answer for a day."""
    client, queue = environment.client, uuid4().hex
    async with (
        Worker(
            client,
            task_queue=queue,
            workflows=[WebhookDeliveryWorkflow],
            workflow_runner=workflow_runner(),
        ),
        Worker(
            client,
            task_queue=webhook_task_queue(queue),
            activities=[_call_in_vain, _give_up],
        ),
    ):
        handle = await client.start_workflow(
            WebhookDeliveryWorkflow.run,
            "whd_1",
            id=delivery_workflow_id("whd_1"),
            task_queue=queue,
        )
        await handle.result()
    return {"webhook-given-up": handle}


async def _expired(environment: WorkflowEnvironment) -> Recorded:
    """An invitation that nobody takes up."""
    client, queue = environment.client, uuid4().hex
    now = await environment.get_current_time()

    @activity.defn(name="send_invitation")
    async def send(invite: Invite) -> InvitationSent:
        return InvitationSent(
            invitation_id=invite.invitation.invitation_id,
            expires_at=now + timedelta(days=14),
        )

    @activity.defn(name="settle_invitation")
    async def settle(_invitation_id: str) -> InvitationSettled:
        return InvitationSettled(status=InvitationStatus.EXPIRED, expires_at=now)

    async with Worker(
        client,
        task_queue=queue,
        workflows=[ProjectWorkflow],
        activities=[send, settle],
        workflow_runner=workflow_runner(),
    ):
        handle = await client.start_workflow(
            ProjectWorkflow.run,
            ProjectRequest(project_id="prj_1", installer_id="usr_1", name="Riverside"),
            id=f"prj_{uuid4().hex}",
            task_queue=queue,
        )
        invitation = NewInvitation(invitation_id=new_id(Prefix.INVITATION), words_id="wrd_1")
        await handle.execute_update(ProjectWorkflow.invite_site_owner, invitation)
        await environment.sleep(timedelta(days=15))
        await handle.terminate("recorded")
    return {"project-invitation-expired": handle}
