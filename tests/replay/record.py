"""Records the histories that a release must replay: ``python -m tests.replay.record``.

They come from the whole engine with virtual charge points on a real Temporal server, under a minute
in all, and replace what is in ``histories/<version>``. Do it when a version is released, never to
make a failing replay pass: a run in flight would fail the same way.
"""

import asyncio
import json
import os
import platform
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pydantic import SecretStr
from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowHandle,
    WorkflowUpdateFailedError,
)
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from domain.audit import ENGINE
from domain.billing.messages import BillTransaction
from domain.commands import Command, CommandName
from domain.commissioning import CancelRequest, RetryRun, RunAnswer, RunOptions
from domain.configuration import ConfigurationRequest, ConnectionTestRequest, PushNow
from domain.handover import CompleteHandover, OpenVisit, ProjectRequest, RemoveProject
from domain.ids import Prefix, new_id
from domain.invitations import NewInvitation, ResendInvitation
from domain.mail import GatheredMailOrder
from domain.names import (
    DISPATCHER_SCHEDULE,
    RECONCILER_SCHEDULE,
    RETENTION_SCHEDULE,
    account_letter_workflow_id,
    batch_workflow_id,
    billing_workflow_id,
    command_workflow_id,
    configuration_workflow_id,
    connection_test_workflow_id,
    contest_notice_workflow_id,
    delivery_workflow_id,
    gathered_mail_workflow_id,
    held_digest_workflow_id,
    local_list_workflow_id,
    notice_workflow_id,
    site_workflow_id,
    upkeep_task_queue,
)
from domain.offline import LocalListUpdated, UpdateLocalList
from domain.power.facts import SetLimit
from domain.power.site import SiteLimit
from domain.retention import LetGo
from domain.service_visits import CloseVisit
from domain.states import (
    AccessMode,
    BatchStatus,
    InstallerAnswer,
    ProjectRole,
    Role,
    RunStatus,
    WebhookStatus,
)
from domain.upkeep import Turn
from domain.webhooks import WebhookEvent
from runtime.settings import Settings
from simulator import Fault, VirtualChargePoint
from simulator.profile import ABB_TERRA_AC_W22, ALFEN_EVE_SINGLE
from storage.access import Access
from storage.accounts import Accounts
from storage.announcements import write_deliveries
from storage.batches import Batches
from storage.charge_points import ChargePoints
from storage.invitation_ends import InvitationEnds
from storage.models.accounts import Account
from storage.models.webhooks import Webhook
from storage.parameters import Parameters
from storage.projects import read_project
from storage.request_words import keep_words
from storage.service_visits import ServiceVisit, ServiceVisits
from storage.tariffs import Tariffs
from storage.webhooks import Webhooks
from temporal.client import DATA_CONVERTER
from temporal.dispatcher import Dispatcher
from temporal.reconciler import Reconciler
from temporal.search_attributes import register_search_attributes
from tests.faults.encores import lose_connection
from tests.faults.stage import PATIENT, Run, Stage, engine
from tests.faults.whole_project import WholeProject
from tests.replay.masking import IDENTITY, leaks, masked
from tests.replay.skipping import Recorded, on_skipping_time
from tests.support import databases
from tests.support.billing import energy_tariff, stored_tariff
from tests.support.eventually import eventually
from tests.support.histories import life
from tests.support.receiver import receiver
from tests.support.temporal import TemporalServer
from worker import make_upkeep_worker, make_webhook_worker
from workflows.billing import BillingWorkflow
from workflows.commissioning import CommissioningWorkflow
from workflows.configuration import ConfigurationWorkflow
from workflows.mails import (
    AccountLetterWorkflow,
    ContestNoticeWorkflow,
    GatheredMailWorkflow,
    HeldDigestWorkflow,
)
from workflows.operations import CommandWorkflow, ConnectionTestWorkflow, LocalListWorkflow
from workflows.project import ProjectWorkflow
from workflows.site import SiteWorkflow
from workflows.upkeep import DispatcherWorkflow, ReconcilerWorkflow, RetentionWorkflow

R = TypeVar("R", bound=NewInvitation | CompleteHandover | CloseVisit)
HISTORIES = Path(__file__).parent / "histories"
VERSION = "0.1"
WORDS_OF_PEOPLE = ("All well.", "A. Installer", "The breaker is sound.", "Welcome.")
"""What is said in a handover, its signature, at the end of a visit, in an invitation."""

_SHORT = {"limit.historyCount.suggestContinueAsNew": 40}


async def _passed(stage: Stage) -> Recorded:
    async with stage.powered() as charge_point:
        run = await stage.start(charge_point.identity, options=RunOptions(notify_on_complete=True))
        await stage.verdict(run)
        notice = stage.client.get_workflow_handle(notice_workflow_id(run.commissioning_id))
        await notice.result()
        pushed = await stage.client.start_workflow(
            ConfigurationWorkflow.run,
            ConfigurationRequest(charge_point_id=charge_point.identity),
            id=configuration_workflow_id(charge_point.identity),
            task_queue=stage.task_queue,
        )
        await pushed.result()
        push = WithStartWorkflowOperation(
            ConfigurationWorkflow.run,
            ConfigurationRequest(charge_point_id=charge_point.identity),
            id=configuration_workflow_id(charge_point.identity),
            task_queue=stage.task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )
        await stage.client.execute_update_with_start_workflow(
            ConfigurationWorkflow.push_now, PushNow(), start_workflow_operation=push
        )
        pushed_now = await push.workflow_handle()
        await pushed_now.result()
        tested = await stage.client.start_workflow(
            ConnectionTestWorkflow.run,
            ConnectionTestRequest(charge_point_id=charge_point.identity),
            id=connection_test_workflow_id(charge_point.identity),
            task_queue=stage.task_queue,
        )
        await tested.result()
        commanded = await stage.client.start_workflow(
            CommandWorkflow.run,
            Command(
                command_id=new_id(Prefix.COMMAND),
                charge_point_id=charge_point.identity,
                name=CommandName.AVAILABILITY,
                connector_id=1,
            ),
            id=command_workflow_id(charge_point.identity),
            task_queue=stage.task_queue,
        )
        await commanded.result()
    return {
        "commissioning-passed": run.handle,
        "notice": notice,
        "configuration": pushed,
        "configuration-pushed-now": pushed_now,
        "connection-test": tested,
        "command": commanded,
    }


async def _verdict_of(stage: Stage, name: str, *faults: Fault, stop_s: float = 5) -> Recorded:
    pace = replace(PATIENT, stop=timedelta(seconds=stop_s))
    async with stage.powered(*faults) as charge_point:
        run = await stage.start(charge_point.identity, pace=pace)
        await stage.verdict(run)
    return {f"commissioning-{name}": run.handle}


async def _never_connected(stage: Stage) -> Recorded:
    registered = await stage.register(new_id(Prefix.EVENT), ABB_TERRA_AC_W22)
    options = RunOptions(wait_for_connection=timedelta(seconds=1))
    run = await stage.start(registered.id, options=options)
    await stage.verdict(run)
    return {"commissioning-never-connected": run.handle}


async def _cancelled(stage: Stage) -> Recorded:
    async with stage.powered() as charge_point:
        run = await stage.start(charge_point.identity)
        await charge_point.until(lambda: bool(charge_point.transactions))
        request = CancelRequest(by="installer@acme.com", reason="lunch")
        await run.handle.execute_update("cancel", request)
        await stage.verdict(run)
    return {"commissioning-cancelled": run.handle}


async def _lost_in_between(stage: Stage) -> Recorded:
    """The connection breaks while a vehicle is waited for; a run without a test follows."""
    nobody = replace(ABB_TERRA_AC_W22, auto_plug=False, configuration={"ConnectionTimeOut": "6000"})
    pace = replace(PATIENT, start=timedelta(milliseconds=300))
    async with stage.powered(profile=nobody) as charge_point:
        run = await stage.start(charge_point.identity, pace=pace)
        await charge_point.until(lambda: charge_point.remote_starts == 1)
        lose_connection(charge_point)
        await charge_point.until(lambda: not charge_point.connected)
        await charge_point.until(lambda: charge_point.state == "accepted")
        charge_point.plug_in()
        await stage.verdict(run)
        short = await stage.start(
            charge_point.identity, options=RunOptions(run_test_transaction=False)
        )
        charge_point.unplug()
        await stage.verdict(short)
    return {
        "commissioning-lost-in-between": run.handle,
        "commissioning-without-a-test": short.handle,
    }


async def _moved_node(stage: Stage) -> Recorded:
    """The charge point connects to another node while its test charge runs; it is ended there."""
    pace = replace(PATIENT, charge_at_least=timedelta(seconds=5))
    async with stage.another_node() as other, stage.powered() as charge_point:
        run = await stage.start(charge_point.identity, pace=pace)
        await charge_point.until(lambda: bool(charge_point.transactions))
        charge_point.address.url = f"{other}/{charge_point.identity}"
        lose_connection(charge_point)
        view = await stage.verdict(run)
    if view.status is not RunStatus.COMPLETED:
        raise RuntimeError(f"the run that moved: {view}")
    return {"commissioning-moved-node": run.handle}


async def _configured(stage: Stage) -> Recorded:
    """A restart for a chosen value; and one that a run takes over."""
    async with stage.powered(Fault.NEEDS_REBOOT_FOR_KEY) as charge_point:
        restarted = await _push(stage, charge_point, "45")
        await restarted.result()
    async with stage.powered(Fault.NEEDS_REBOOT_FOR_KEY) as charge_point:
        gave_way = await _push(stage, charge_point, "45")
        await charge_point.until(lambda: charge_point.resets == 1)
        run = await stage.start(charge_point.identity)
        await gave_way.result()
        await stage.verdict(run)
    return {
        "configuration-restarted": restarted,
        "configuration-gave-way": gave_way,
        "commissioning-took-over": run.handle,
    }


async def _push(
    stage: Stage, charge_point: VirtualChargePoint, interval: str
) -> WorkflowHandle[Any, Any]:
    values = {"MeterValueSampleInterval": interval}
    await charge_point.until(lambda: charge_point.connected)
    async with stage.database.write() as connection:
        await Parameters(connection).queue(charge_point.identity, values, at=datetime.now(UTC))
    return await stage.client.start_workflow(
        ConfigurationWorkflow.run,
        ConfigurationRequest(charge_point_id=charge_point.identity, restart=True),
        id=configuration_workflow_id(charge_point.identity),
        task_queue=stage.task_queue,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,  # the connection starts it, too
    )


async def _webhook(stage: Stage) -> Recorded:
    """A delivery that fails once and then arrives."""
    now = datetime.now(UTC)
    settings = Settings(
        secret_key=SecretStr("0123456789abcdef0123456789abcdef"), allow_private_urls=True
    )
    async with (
        receiver(statuses=[503]) as hook,
        make_webhook_worker(
            stage.client, stage.database, settings=settings, task_queue=stage.task_queue
        ),
    ):
        webhook = Webhook(
            id=new_id(Prefix.WEBHOOK),
            account_id=stage.installer.id,
            url=hook.url,
            description=None,
            events=[WebhookEvent.PROJECT_HANDED_OVER],  # nothing of the other scenes
            status=WebhookStatus.ENABLED,
            created_at=now,
        )
        async with stage.database.write() as connection:
            await Webhooks(connection).create(webhook)
            (delivery,) = await write_deliveries(
                connection, [webhook.id], WebhookEvent.WEBHOOK_TEST, "{}", at=now
            )
        await Dispatcher(
            stage.client,
            stage.database,
            now=lambda: datetime.now(UTC),
            task_queue=stage.task_queue,
        ).dispatch()
        handle = stage.client.get_workflow_handle(delivery_workflow_id(delivery))
        await handle.result()
    return {"webhook-delivery": handle}


async def _project(stage: Stage) -> Recorded:
    """A refused handover, invitations, a commissioning, the handover, the owner's first day."""
    project = stage.project
    handle = await stage.client.start_workflow(
        ProjectWorkflow.run,
        ProjectRequest(project_id=project.id, installer_id=project.installer_id, name=project.name),
        id=project.id,
        task_queue=stage.task_queue,
    )
    hand_over = CompleteHandover(sign_off_notes="All well.", installer_signature="A. Installer")
    hand_over = await _kept(stage, hand_over)
    await handle.execute_update(ProjectWorkflow.complete_handover, hand_over)
    await _invite(stage, handle)
    async with stage.database.write() as connection:
        tariff = stored_tariff(energy_tariff(), set_as=Role.INSTALLER)
        tariff = replace(tariff, set_by=project.installer_id)
        await Tariffs(connection, project.id).add(tariff, by=ENGINE)
    async with stage.powered(Fault.CONNECTOR_FAULTED) as charge_point:
        await stage.verdict(await stage.start(charge_point.identity))
        charge_point.clear_fault(Fault.CONNECTOR_FAULTED)
        retry = RetryRun(charge_point_id=charge_point.identity)
        started = await handle.execute_update(ProjectWorkflow.retry_run, retry)
        retried = stage.client.get_workflow_handle(started.workflow_id)
        await retried.result()
        charge_point.unplug()
        await handle.execute_update(ProjectWorkflow.complete_handover, hand_over)
        await handle.result()
        site, billing = await _first_day(stage, charge_point)
        listed = await _listed(stage, charge_point)
    return {
        "project": handle,
        "project-visited": await _visited(stage),
        "commissioning-retried": retried,
        "site": site,
        "billing-issued": billing,
        "local-list": listed,
    }


async def _visited(stage: Stage) -> WorkflowHandle[ProjectWorkflow, None]:
    """A service visit to the site: its installer is invited, and its owner closes it again."""
    at = datetime.now(UTC)
    async with stage.database.write() as connection:
        project = await read_project(connection, stage.project.id)
        assert project.site_owner_id is not None
        visit = ServiceVisit(
            id=new_id(Prefix.SERVICE_VISIT),
            project_id=project.id,
            opened_by=project.site_owner_id,
            opened_at=at,
            ends_at=at + timedelta(days=7),
            purpose="Bay 3 trips its breaker.",
            all_charge_points=True,
            email="service@acme.com",
            invitation_id=new_id(Prefix.INVITATION),
        )
        await ServiceVisits(connection).open(visit, charge_point_ids=None, by=ENGINE)
    due = OpenVisit(service_visit_id=visit.id, due_at=at)
    handle = await stage.client.start_workflow(
        ProjectWorkflow.run,
        ProjectRequest(
            project_id=project.id,
            installer_id=project.installer_id,
            name=project.name,
            handed_over=True,
            visits=(due,),
        ),
        id=project.id,
        task_queue=stage.task_queue,
    )
    await handle.execute_update(ProjectWorkflow.open_visit, due)
    close = CloseVisit(service_visit_id=visit.id, unfinished=True, reason="The breaker is sound.")
    await handle.execute_update(ProjectWorkflow.close_visit, await _kept(stage, close))
    await handle.result()
    return handle


async def _kept(stage: Stage, request: R) -> R:
    """As the API does before it asks."""
    async with stage.database.write() as connection:
        return await keep_words(connection, stage.project.id, request, at=datetime.now(UTC))


async def _invite(stage: Stage, handle: WorkflowHandle[ProjectWorkflow, None]) -> None:
    """A colleague, an owner who declines, and one who accepts the mail that was sent again."""
    colleague = NewInvitation(
        invitation_id=new_id(Prefix.INVITATION),
        email="kim@acme.com",
        message=None,
        role=ProjectRole.TECHNICIAN,
    )
    colleague = await _kept(stage, colleague)
    await handle.execute_update(ProjectWorkflow.invite_collaborator, colleague)
    first, second = [
        await _kept(
            stage,
            NewInvitation(
                invitation_id=new_id(Prefix.INVITATION),
                email=stage.project.site_owner_email,
                message="Welcome.",
            ),
        )
        for _ in range(2)
    ]
    await handle.execute_update(ProjectWorkflow.invite_site_owner, first)
    async with stage.database.write() as connection:
        now = datetime.now(UTC)
        await InvitationEnds(connection).decline(first.invitation_id, reason="Not mine.", at=now)
    await handle.signal(ProjectWorkflow.invitation_ended, first.invitation_id)
    await handle.execute_update(ProjectWorkflow.invite_site_owner, second)
    again = ResendInvitation(invitation_id=second.invitation_id, asked_at=datetime.now(UTC))
    await handle.execute_update(ProjectWorkflow.resend_invitation, again)
    await _accept(stage, second)
    await handle.signal(ProjectWorkflow.invitation_ended, second.invitation_id)


async def _set_limit(site: WorkflowHandle[SiteWorkflow, None], limit: SetLimit) -> None:
    """Set it; a server that soon says that a history is long may be just going on to the next."""
    try:
        await site.execute_update(SiteWorkflow.set_limit, limit)
    except RPCError as error:
        if error.status is not RPCStatusCode.FAILED_PRECONDITION:
            raise
        raise AssertionError(str(error)) from error


async def _first_day(
    stage: Stage, charge_point: VirtualChargePoint
) -> tuple[WorkflowHandle[SiteWorkflow, None], WorkflowHandle[Any, Any]]:
    """The owner sets a limit; a vehicle charges, follows another limit, leaves, and is billed."""
    project_id = stage.project.id
    async with stage.database.write() as connection:
        await Access(connection, project_id).set_mode(
            AccessMode.OPEN, by=Role.SITE_OWNER, at=datetime.now(UTC)
        )
    site: WorkflowHandle[SiteWorkflow, None] = stage.client.get_workflow_handle_for(
        SiteWorkflow.run, site_workflow_id(project_id)
    )

    async def draws(amps: int) -> None:
        assert [bay.bound_amps for bay in (await site.query(SiteWorkflow.load)).bays] == [amps]

    for amps in (20, 16):
        limit = SetLimit(project_id=project_id, limit=SiteLimit(amps=amps))
        await eventually(partial(_set_limit, site, limit))
        if not charge_point.transactions:
            charge_point.plug_in()
            charge_point.present_card("CARD")
        await eventually(lambda amps=amps: draws(amps))  # type: ignore[misc]
    (transaction,) = charge_point.transactions
    assert transaction.transaction_id is not None
    charge_point.unplug()

    async def gone() -> None:
        assert not (await site.query(SiteWorkflow.load)).bays

    await eventually(gone)
    billing = stage.client.get_workflow_handle(
        billing_workflow_id(charge_point.identity, str(transaction.transaction_id))
    )

    async def billed() -> None:
        try:
            settled = await billing.result()
        except RPCError as error:
            raise AssertionError("its billing has not begun") from error
        assert settled["cdr_ids"], settled

    await eventually(billed)
    await site.terminate("recorded")
    return site, billing


async def _listed(
    stage: Stage, charge_point: VirtualChargePoint
) -> WorkflowHandle[Any, LocalListUpdated | None]:
    """The id tags of the site's owner are kept in a charge point."""
    async with stage.database.write() as connection:
        await Access(connection, stage.project.id).put(
            "CARD1", label=None, at=datetime.now(UTC), by=Role.SITE_OWNER
        )
    handle = await stage.client.start_workflow(
        LocalListWorkflow.run,
        UpdateLocalList(charge_point_id=charge_point.identity),
        id=local_list_workflow_id(charge_point.identity),
        task_queue=stage.task_queue,
    )
    await handle.result()
    assert charge_point.listed == ["card1"]
    return handle


async def _billed(stage: Stage) -> Recorded:
    """A transaction that is billed already: its history is that of any other."""
    handle = await stage.client.start_workflow(
        BillingWorkflow.run,
        BillTransaction(charge_point_id="cp_1", transaction_id="7"),
        id=billing_workflow_id("cp_1", "7"),
        task_queue=stage.task_queue,
    )
    await handle.result()
    return {"billing": handle}


async def _held_told(stage: Stage) -> Recorded:
    """A project without held records: the history of its mail is that of any other."""
    handle = await stage.client.start_workflow(
        HeldDigestWorkflow.run,
        stage.project.id,
        id=held_digest_workflow_id(stage.project.id),
        task_queue=stage.task_queue,
    )
    await handle.result()
    return {"held-digest": handle}


async def _contest_told(stage: Stage) -> Recorded:
    """A charge point in no contest: the history of the mail is that of any other."""
    handle = await stage.client.start_workflow(
        ContestNoticeWorkflow.run,
        "cp_1",
        id=contest_notice_workflow_id("cp_1"),
        task_queue=stage.task_queue,
    )
    await handle.result()
    return {"contest-notice": handle}


async def _letter_of_an_account(stage: Stage) -> Recorded:
    """One that is not there any more: the history of the mail is that of any other."""
    handle = await stage.client.start_workflow(
        AccountLetterWorkflow.run,
        "alt_1",
        id=account_letter_workflow_id("alt_1"),
        task_queue=stage.task_queue,
    )
    await handle.result()
    return {"account-letter": handle}


async def _gathered(stage: Stage) -> Recorded:
    """Notices that have left already: the history of their mail is that of any other."""
    handle = await stage.client.start_workflow(
        GatheredMailWorkflow.run,
        GatheredMailOrder(notice_id=7),
        id=gathered_mail_workflow_id(7),
        task_queue=stage.task_queue,
    )
    await handle.result()
    return {"gathered-mail": handle}


async def _whole_project(stage: Stage) -> Recorded:
    """Three charge points one after the other, one of them faulted."""
    project = WholeProject(stage)
    async with (
        stage.powered(seed=1),
        stage.powered(Fault.CONNECTOR_FAULTED, seed=2),
        stage.powered(seed=3),
    ):
        await project.start(max_parallel=1)
        await project.end()
    commissioned = await _newest(stage, batch_workflow_id(stage.project.id))
    batch_id = await project.start(max_parallel=2)  # of the faulted one, which is switched off
    async with stage.database.write() as connection:
        await Batches(connection).request_cancel(batch_id, CancelRequest(by="installer@acme.com"))
    await project.wake()
    batch, _ = await project.end()
    assert batch.status is BatchStatus.CANCELLED, batch
    return {
        "project-commissioning": commissioned,
        "project-commissioning-cancelled": await _newest(stage, commissioned.id),
    }


async def _removed(stage: Stage) -> Recorded:
    """A project that was made by mistake; the first try is refused, for it has a charge point."""
    project = stage.project
    handle = await stage.client.start_workflow(
        ProjectWorkflow.run,
        ProjectRequest(project_id=project.id, installer_id=project.installer_id, name=project.name),
        id=project.id,
        task_queue=stage.task_queue,
    )
    mistaken = await stage.register("SN-1", ABB_TERRA_AC_W22)
    with suppress(WorkflowUpdateFailedError):
        await handle.execute_update(ProjectWorkflow.remove, RemoveProject())
    async with stage.database.write() as connection:
        await ChargePoints(connection).delete(mistaken.id)
    await handle.execute_update(ProjectWorkflow.remove, RemoveProject())
    await handle.result()
    return {"project-removed": handle}


async def _newest(stage: Stage, workflow_id: str) -> WorkflowHandle[Any, Any]:
    """The run of that workflow that is the newest now."""
    run_id = (await stage.client.get_workflow_handle(workflow_id).describe()).run_id
    return stage.client.get_workflow_handle(workflow_id, first_execution_run_id=run_id)


async def _in_pieces(stage: Stage) -> Recorded:
    """The same on a server that soon says that a history is long."""
    recorded: dict[str, WorkflowHandle[Any, Any]] = {}
    for name, handle in (await _project(stage)).items():
        if name not in {"project", "site"}:
            continue
        first = handle.first_execution_run_id or await _first(stage, handle.id)
        runs = await life(stage.client, handle.id, first=first)
        assert len(runs) > 1, f"{name} never continued as new"
        started = [run[0].workflow_execution_started_event_attributes for run in runs]
        for when, run in (("continues", started[0]), ("continued", started[-1])):
            recorded[f"{name}-{when}"] = stage.client.get_workflow_handle(
                handle.id, first_execution_run_id=run.original_execution_run_id
            )
    return recorded


async def _first(stage: Stage, workflow_id: str) -> str:
    """Run id of the first run of a workflow that has continued as new."""
    newest = await stage.client.get_workflow_handle(workflow_id).fetch_history()
    return newest.events[0].workflow_execution_started_event_attributes.first_execution_run_id


async def _accept(stage: Stage, invitation: NewInvitation) -> None:
    now = datetime.now(UTC)
    owner = Account(
        id=new_id(Prefix.ACCOUNT),
        role=Role.SITE_OWNER,
        email=stage.project.site_owner_email,
        name="Robin",
        company=None,
        password_hash="not a hash",
        token_epoch=0,
        created_at=now,
    )
    async with stage.database.write() as connection:
        await Accounts(connection).create(owner)
        await InvitationEnds(connection).accept(
            invitation.invitation_id, account_id=owner.id, at=now
        )


async def _retained(stage: Stage) -> Recorded:
    """Nothing is old: the history of the round is that of any other."""
    handle = await stage.client.start_workflow(
        RetentionWorkflow.run, LetGo(), id=RETENTION_SCHEDULE, task_queue=stage.task_queue
    )
    await handle.result()
    return {"retention": handle}


async def _kept_up(stage: Stage) -> Recorded:
    """Turns of the engine's own rounds, cut to one round each."""
    parts: dict[str, Any] = {"now": lambda: datetime.now(UTC), "task_queue": stage.task_queue}
    async with make_upkeep_worker(
        stage.client,
        reconciler=Reconciler(stage.client, stage.database, **parts),
        dispatcher=Dispatcher(stage.client, stage.database, **parts),
        task_queue=stage.task_queue,
    ):
        handles = {
            name: await stage.client.start_workflow(
                workflow.run,
                Turn(lasts=timedelta(0)),
                id=name,
                task_queue=upkeep_task_queue(stage.task_queue),
            )
            for name, workflow in (
                (RECONCILER_SCHEDULE, ReconcilerWorkflow),
                (DISPATCHER_SCHEDULE, DispatcherWorkflow),
            )
        }
        for handle in handles.values():
            await handle.result()
    return handles


async def _firmware_updated(stage: Stage) -> Recorded:
    """By OCPP, and by a person who is asked, says that it is done too early, and then does it."""
    options = RunOptions(update_firmware=True)
    async with (
        stage.powered(Fault.OLD_FIRMWARE, Fault.SILENT_FIRMWARE_UPDATE) as by_ocpp,
        stage.powered(Fault.OLD_FIRMWARE, profile=ALFEN_EVE_SINGLE) as by_hand,
    ):
        updated = await stage.start(by_ocpp.identity, options=options)
        answered = await stage.start(by_hand.identity, options=options)
        await eventually(lambda: _answer(answered, "done"))
        await eventually(lambda: _asked_again(answered))
        by_hand.install_firmware("6.2.0-4200")
        await stage.verdict(updated)
        await stage.verdict(answered)
    return {
        "commissioning-firmware-updated": updated.handle,
        "commissioning-answered": answered.handle,
    }


async def _two_connectors(stage: Stage) -> Recorded:
    """The second is skipped by a person; or nobody comes to it, and the retry tests it alone."""
    by_hand = replace(ABB_TERRA_AC_W22, connectors=2, auto_plug=False)
    nobody_comes = replace(PATIENT, vehicle=timedelta(seconds=4), start=timedelta(seconds=3))
    async with (
        stage.powered(profile=by_hand) as answered,
        stage.powered(profile=by_hand) as left,
    ):
        answered.plug_in(1)
        left.plug_in(1)
        skipped = await stage.start(answered.identity)
        failed = await stage.start(left.identity, pace=nobody_comes)
        await eventually(lambda: _answer(skipped, "skip", "The bay is blocked"))
        await stage.verdict(skipped)
        await stage.verdict(failed)
        left.unplug(1)
        left.plug_in(2)
        await stage.retry(left.identity)
    return {
        "commissioning-second-skipped": skipped.handle,
        "commissioning-second-failed": failed.handle,
        "commissioning-second-alone": await _newest(stage, failed.handle.id),
    }


async def _answer(run: Run, word: str, note: str | None = None) -> None:
    answer = RunAnswer(answer=InstallerAnswer(word), by="Alex", note=note)
    try:
        await run.handle.execute_update("answer", answer)
    except WorkflowUpdateFailedError as error:
        raise AssertionError("nothing is asked yet") from error


async def _asked_again(run: Run) -> None:
    waiting = (await run.handle.query(CommissioningWorkflow.status)).waiting
    assert waiting is not None
    assert "still reports" in waiting.prompt


_SIDE_BY_SIDE: tuple[Callable[[Stage], Awaitable[Recorded]], ...] = (
    _passed,
    _never_connected,
    _cancelled,
    _lost_in_between,
    _moved_node,
    _webhook,
    _billed,
    _contest_told,
    _letter_of_an_account,
    _held_told,
    _gathered,
    _retained,
    _kept_up,
    _firmware_updated,
    _two_connectors,
    _configured,
    lambda stage: _verdict_of(stage, "failed", Fault.CONNECTOR_FAULTED),
    lambda stage: _verdict_of(stage, "rebooted", Fault.NEEDS_REBOOT_FOR_KEY),
    lambda stage: _verdict_of(stage, "dropped", Fault.DROPS_MID_TRANSACTION),
    lambda stage: _verdict_of(stage, "not-triggered", Fault.NO_TRIGGER_MESSAGE),
    lambda stage: _verdict_of(stage, "boot-loop", Fault.BOOT_LOOPS_ON_KEY),
    lambda stage: _verdict_of(stage, "not-stopped", Fault.IGNORES_STOP, stop_s=0.3),
)


async def _on_the_whole_engine(stage: Stage) -> dict[str, str]:
    parts = await asyncio.gather(*(scene(stage) for scene in _SIDE_BY_SIDE))
    return {
        name: text for part in parts for name, text in (await _texts(stage.client, part)).items()
    }


async def _texts(client: Client, recorded: Recorded) -> dict[str, str]:
    return {name: await _json(client, handle) for name, handle in recorded.items()}


async def _json(client: Client, handle: WorkflowHandle[Any, Any]) -> str:
    this_run = client.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id)
    history = masked(json.loads((await this_run.fetch_history()).to_json()))
    return json.dumps(history, indent=1, sort_keys=True) + "\n"


@asynccontextmanager
async def _stage(**limits: int) -> AsyncIterator[Stage]:
    server = TemporalServer(**limits)
    try:
        with tempfile.TemporaryDirectory() as folder:
            data_dir = Path(folder)
            template = data_dir / "template.sqlite3"
            await asyncio.to_thread(databases.make_sqlite_template, template)
            os.environ["TEMPORAL_ADDRESS"] = server.address
            client = await Client.connect(
                server.address, data_converter=DATA_CONVERTER, identity=IDENTITY
            )
            await register_search_attributes(client)
            with databases.sqlite_copy(template, data_dir) as url:
                async with engine(client, url, task_queue="commissioning", data_dir=data_dir) as it:
                    yield it
    finally:
        server.stop()


async def record(folder: Path) -> list[Path]:
    """Record all histories into a folder; returns the files."""
    recorded = {
        name: text
        async for client, scene in on_skipping_time()
        for name, text in (await _texts(client, scene)).items()
    }
    async with _stage() as stage:
        recorded |= await _on_the_whole_engine(stage)
    # Each has a project of its own.
    for scene, limits in (
        (_project, {}),
        (_removed, {}),
        (_whole_project, {}),
        (_in_pieces, _SHORT),
    ):
        async with _stage(**limits) as stage:
            recorded |= await _texts(stage.client, await scene(stage))
    found = [leak for text in recorded.values() for leak in leaks(text, names={platform.node()})]
    if found:
        raise RuntimeError(f"this must not be committed: {found}")
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.json"):
        old.unlink()
    for name, text in recorded.items():
        (folder / f"{name}.json").write_text(text)
    return sorted(folder.glob("*.json"))


if __name__ == "__main__":
    for path in asyncio.run(record(HISTORIES / VERSION)):
        sys.stdout.write(f"{path.relative_to(HISTORIES.parent)}\n")
