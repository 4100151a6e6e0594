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
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from pydantic import SecretStr
from temporalio.client import Client, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.testing import WorkflowEnvironment

import temporal_client
from dispatcher import Dispatcher
from domain.billing.messages import BillTransaction
from domain.commissioning import (
    Answer,
    CancelRequest,
    CompleteHandover,
    ConfigurationRequest,
    ConnectionTestRequest,
    ProjectRequest,
    RetryRun,
    RunOptions,
    RunRequest,
    StrayTransaction,
)
from domain.facts import TransactionFact
from domain.ids import Prefix, new_id
from domain.invitations import NewInvitation, ResendInvitation
from domain.names import (
    SearchAttribute,
    batch_workflow_id,
    billing_workflow_id,
    commissioning_workflow_id,
    configuration_workflow_id,
    connection_test_workflow_id,
    delivery_workflow_id,
    notice_workflow_id,
    site_workflow_id,
    stray_transaction_workflow_id,
)
from domain.power.facts import SetLimit
from domain.power.site import SiteLimit
from domain.states import AccessMode, InstallerAnswer, Role, RunStatus, WebhookStatus
from domain.webhooks import WebhookEvent
from embedded import binaries
from settings import Settings
from simulator import Fault, VirtualChargePoint
from simulator.profile import ABB_TERRA_AC_W22, ALFEN_EVE_SINGLE
from storage.access import Access
from storage.accounts import Account, Accounts
from storage.announcements import write_deliveries
from storage.invitations import Invitations
from storage.parameters import Parameters
from storage.webhooks import Webhook, Webhooks
from tests.faults.encores import lose_connection
from tests.faults.stage import PATIENT, Run, Stage, engine
from tests.faults.whole_project import WholeProject
from tests.replay.masking import IDENTITY, leaks, masked
from tests.support import databases
from tests.support.eventually import eventually
from tests.support.receiver import receiver
from tests.support.temporal import TemporalServer
from tests.workflows.charger import EPOCH, Behaviour, MemoryRecords, ScriptedChargePoint
from tests.workflows.conftest import node_worker, shared_worker
from worker import make_webhook_worker
from workflows.billing import BillingWorkflow
from workflows.commissioning import CommissioningWorkflow
from workflows.configuration import ConfigurationWorkflow
from workflows.connection_test import ConnectionTestWorkflow
from workflows.project import ProjectWorkflow
from workflows.site import SiteWorkflow
from workflows.stray import StrayTransactionWorkflow

HISTORIES = Path(__file__).parent / "histories"
VERSION = "0.1"

Recorded = Mapping[str, WorkflowHandle[Any, Any]]
"""Handles of closed workflows by the names of their files."""


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
        tested = await stage.client.start_workflow(
            ConnectionTestWorkflow.run,
            ConnectionTestRequest(charge_point_id=charge_point.identity),
            id=connection_test_workflow_id(charge_point.identity),
            task_queue=stage.task_queue,
        )
        await tested.result()
    return {
        "commissioning-passed": run.handle,
        "notice": notice,
        "configuration": pushed,
        "connection-test": tested,
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
        await charge_point.until(lambda: bool(charge_point.transactions), within=20)
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
        await charge_point.until(lambda: charge_point.remote_starts == 1, within=20)
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
        await charge_point.until(lambda: bool(charge_point.transactions), within=20)
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
        await charge_point.until(lambda: charge_point.resets == 1, within=20)
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
            events=(WebhookEvent.PROJECT_HANDED_OVER,),  # nothing of the other scenes
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
    """A refused handover, an invitation, a commissioning, the handover, the owner's first day."""
    project = stage.project
    handle = await stage.client.start_workflow(
        ProjectWorkflow.run,
        ProjectRequest(project_id=project.id, installer_id=project.installer_id, name=project.name),
        id=project.id,
        task_queue=stage.task_queue,
    )
    hand_over = CompleteHandover(sign_off_notes="All well.", installer_signature="Alex")
    await handle.execute_update(ProjectWorkflow.complete_handover, hand_over)
    invitation = NewInvitation(
        invitation_id=new_id(Prefix.INVITATION), email=project.site_owner_email, message="Welcome."
    )
    await handle.execute_update(ProjectWorkflow.invite_site_owner, invitation)
    again = ResendInvitation(invitation_id=invitation.invitation_id, asked_at=datetime.now(UTC))
    await handle.execute_update(ProjectWorkflow.resend_invitation, again)
    await _accept(stage, invitation)
    await handle.signal(ProjectWorkflow.invitation_ended, invitation.invitation_id)
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
        site = await _first_day(stage, charge_point)
    return {"project": handle, "commissioning-retried": retried, "site": site}


async def _first_day(
    stage: Stage, charge_point: VirtualChargePoint
) -> WorkflowHandle[SiteWorkflow, None]:
    """The owner sets a limit; a vehicle charges, follows another limit, and leaves."""
    project_id = stage.project.id
    async with stage.database.write() as connection:
        await Access(connection, project_id).set_mode(AccessMode.OPEN)
    site: WorkflowHandle[SiteWorkflow, None] = stage.client.get_workflow_handle_for(
        SiteWorkflow.run, site_workflow_id(project_id)
    )

    async def draws(amps: int) -> None:
        assert [bay.bound_amps for bay in (await site.query(SiteWorkflow.load)).bays] == [amps]

    for amps in (20, 16):
        limit = SetLimit(project_id=project_id, limit=SiteLimit(amps=amps))
        await site.execute_update(SiteWorkflow.set_limit, limit)
        if not charge_point.transactions:
            charge_point.plug_in()
            charge_point.present_card("CARD")
        await eventually(lambda amps=amps: draws(amps))  # type: ignore[misc]
    charge_point.unplug()

    async def gone() -> None:
        assert not (await site.query(SiteWorkflow.load)).bays

    await eventually(gone)
    await site.terminate("recorded")
    return site


async def _billed(stage: Stage) -> Recorded:
    """A transaction that is billed already: its history is that of any other."""
    handle = await stage.client.start_workflow(
        BillingWorkflow.run,
        BillTransaction(charge_point_id="cp_1", transaction_id=7),
        id=billing_workflow_id("cp_1", 7),
        task_queue=stage.task_queue,
    )
    await handle.result()
    return {"billing": handle}


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
    handle = stage.client.get_workflow_handle(batch_workflow_id(stage.project.id))
    run_id = (await handle.describe()).run_id
    this_run = stage.client.get_workflow_handle(handle.id, first_execution_run_id=run_id)
    return {"project-commissioning": this_run}


async def _accept(stage: Stage, invitation: NewInvitation) -> None:
    now = datetime.now(UTC)
    owner = Account(
        id=new_id(Prefix.ACCOUNT),
        role=Role.SITE_OWNER,
        email=invitation.email,
        name="Robin",
        company=None,
        password_hash="not a hash",
        token_epoch=0,
        created_at=now,
    )
    async with stage.database.write() as connection:
        await Accounts(connection).create(owner)
        await Invitations(connection).accept(invitation.invitation_id, account_id=owner.id, at=now)


async def _firmware_updated(stage: Stage) -> Recorded:
    """By OCPP, and by a person who is asked, says that it is done too early, and then does it."""
    options = RunOptions(update_firmware=True)
    async with (
        stage.powered(Fault.OLD_FIRMWARE, Fault.SILENT_FIRMWARE_UPDATE) as by_ocpp,
        stage.powered(Fault.OLD_FIRMWARE, profile=ALFEN_EVE_SINGLE) as by_hand,
    ):
        updated = await stage.start(by_ocpp.identity, options=options)
        answered = await stage.start(by_hand.identity, options=options)
        await eventually(lambda: _answer(answered, "done"), within=45)
        await eventually(lambda: _asked_again(answered), within=45)
        by_hand.install_firmware("6.2.0-4200")
        await stage.verdict(updated)
        await stage.verdict(answered)
    return {
        "commissioning-firmware-updated": updated.handle,
        "commissioning-answered": answered.handle,
    }


async def _answer(run: Run, word: str) -> None:
    try:
        await run.handle.execute_update("answer", Answer(answer=InstallerAnswer(word), by="Alex"))
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
    _firmware_updated,
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
        name: await _json(stage.client, handle) for part in parts for name, handle in part.items()
    }


async def _on_skipping_time() -> dict[str, str]:
    async with await WorkflowEnvironment.start_time_skipping(
        data_converter=temporal_client.DATA_CONVERTER,
        test_server_existing_path=str(binaries.find(binaries.TEMPORAL_TEST_SERVER)),
    ) as environment:
        await temporal_client.add_search_attributes(environment.client, SearchAttribute)
        parts = [await scene(environment) for scene in (_waited_for_days, _asked_for_hours)]
        return {
            name: await _json(environment.client, handle)
            for part in parts
            for name, handle in part.items()
        }


async def _asked_for_hours(environment: WorkflowEnvironment) -> Recorded:
    """A transaction that is asked to stop for hours."""
    client = environment.client
    charger = ScriptedChargePoint(Behaviour(stops=False), client, node_id=new_id(Prefix.NODE))
    charger.transaction = TransactionFact(
        transaction_id=7, connector_id=1, id_tag="T", started_at=EPOCH, meter_start=0
    )
    records, queue = MemoryRecords(charger), uuid4().hex
    async with shared_worker(client, records, queue), node_worker(client, charger):
        handle = await client.start_workflow(
            StrayTransactionWorkflow.run,
            StrayTransaction(charge_point_id="cp_1", commissioning_id="com_1", transaction_id=7),
            id=stray_transaction_workflow_id(7),
            task_queue=queue,
        )
        await environment.sleep(timedelta(hours=2))
        charger.transaction = replace(charger.transaction, stopped_at=EPOCH)
        await handle.result()
    return {"stray-transaction": handle}


async def _waited_for_days(environment: WorkflowEnvironment) -> Recorded:
    """The charge point is dark for days, then it comes and passes."""
    client = environment.client
    charger = ScriptedChargePoint(Behaviour(online=False), client, node_id=new_id(Prefix.NODE))
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


async def _json(client: Client, handle: WorkflowHandle[Any, Any]) -> str:
    this_run = client.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id)
    history = masked(json.loads((await this_run.fetch_history()).to_json()))
    return json.dumps(history, indent=1, sort_keys=True) + "\n"


@asynccontextmanager
async def _stage() -> AsyncIterator[Stage]:
    server = TemporalServer()
    try:
        with tempfile.TemporaryDirectory() as folder:
            data_dir = Path(folder)
            template = data_dir / "template.sqlite3"
            await asyncio.to_thread(databases.make_sqlite_template, template)
            os.environ["TEMPORAL_ADDRESS"] = server.address
            client = await Client.connect(
                server.address, data_converter=temporal_client.DATA_CONVERTER, identity=IDENTITY
            )
            await temporal_client.register_search_attributes(client)
            with databases.sqlite_copy(template, data_dir) as url:
                async with engine(client, url, task_queue="commissioning", data_dir=data_dir) as it:
                    yield it
    finally:
        server.stop()


async def record(folder: Path) -> list[Path]:
    """Record all histories into a folder; returns the files."""
    recorded = await _on_skipping_time()
    async with _stage() as stage:
        recorded |= await _on_the_whole_engine(stage)
    for scene in (_project, _whole_project):  # each a project of its own
        async with _stage() as stage:
            for name, handle in (await scene(stage)).items():
                recorded[name] = await _json(stage.client, handle)
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
